//! An hour of recorded calls as LiveKit reports them, with a `kill -9` every minute.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    kills::stormy,
    load::{self, InboxMessage, Load},
    losses::all_in_rows_within,
    say, sized,
};
use crate::{harness::World, play::Serve, process::memory_bytes, real::postgres::fresh_database};

/// Messages of each call: eleven webhooks and the agent's report.
const MESSAGES: usize = 12;
/// The most resident memory in MiB, of an unoptimized program.
const MEMORY: u64 = 250;
/// The longest write-ahead log in MiB.
const LOG: u64 = 224;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_loses_and_doubles_nothing_and_stays_small() {
    soak(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_loses_and_doubles_nothing_and_stays_small() {
    soak(Some(fresh_database().await)).await;
}

/// With a database of PostgreSQL, or a file.
async fn soak(postgres: Option<String>) {
    let mut world = stormy(&[]).await;
    let file = world.folder.path().join("soak.db");
    let database = postgres.clone();
    let database = database.unwrap_or_else(|| format!("sqlite:{}", file.display()));
    world.set("DATABASE_URL", &database);
    let (rate, seconds) = sized((60, 10), (500, 3600));
    let calls = 0..rate as usize * seconds / MESSAGES;
    load::put_recordings(&world, calls.clone());
    let mut serve = world.serve().await;
    let load = Load::new(world.address.to_string(), rate);
    let loading = tokio::spawn({
        let calls = calls.clone();
        async move { load.run_in_order(calls, messages_of).await }
    });
    let (begun, mut kills) = (Instant::now(), 0);
    while !loading.is_finished() {
        tokio::time::sleep(Duration::from_secs(sized(3, 60))).await;
        measure(&world, &serve, begun);
        serve.kill();
        // It logs every step.
        std::fs::File::create(world.folder.path().join("stderr")).unwrap();
        serve = world.serve().await;
        kills += 1;
    }
    let tally = loading.await.unwrap();
    // A row for each call of an hour: a busy machine may be behind with half of them.
    let patience = Duration::from_secs(sized(60, 3600));
    let found = all_in_rows_within(&world, calls.clone(), patience).await;
    measure(&world, &serve, begun);
    say(&format!(
        "accepted {}, refused or cut off meanwhile {}, the longest wait {:?}, kills {kills}, rows {}, lost {}, doubled {}",
        tally.accepted,
        tally.failures.len(),
        tally.longest,
        found.rows,
        found.lost.len(),
        found.doubled
    ));
    assert!(kills >= 3, "it was killed {kills} times only");
    assert_eq!(tally.accepted, calls.len() * MESSAGES);
    serve.kill();
}

/// Prints memory and sizes of files, which must stay in bounds.
fn measure(world: &World, serve: &Serve, begun: Instant) {
    let memory = memory_bytes(serve.0.id(), "VmRSS:").expect("it runs") >> 20;
    let size = |name: &str| {
        let file = std::fs::metadata(world.folder.path().join(name));
        file.map_or(0, |file| file.len() >> 20)
    };
    let (database, log) = (size("soak.db"), size("soak.db-wal"));
    say(&format!(
        "after {} s: memory {memory} MiB, database {database} MiB, write-ahead log {log} MiB, rows {}",
        begun.elapsed().as_secs(),
        world.airtable.rows("Calls").len()
    ));
    assert!(memory <= MEMORY, "{memory} MiB of memory");
    assert!(log <= LOG, "{log} MiB of write-ahead log");
}

/// Those of the load, and the events between: tracks, the egress from its start on, and the ends of the participants.
fn messages_of(call: usize) -> Vec<InboxMessage> {
    let (sid, name) = (load::sid(call), format!("storm-{call}"));
    let room = json!({ "sid": sid, "name": name });
    let person =
        |who: &str| json!({ "sid": format!("PA_{who}{call}"), "identity": format!("{who}{call}") });
    let egress = |status: &str, updated: usize| {
        json!({
            "egressId": load::egress(call), "roomId": sid, "roomName": name, "status": status,
            "updatedAt": format!("{}", 1_999_999_999_000_000_000 - 100 + updated),
        })
    };
    let event = |n: usize, kind: &str, more: Value| {
        let mut event = json!({ "event": kind, "id": format!("EV_{call}_more{n}") });
        let more = more.as_object().unwrap().clone();
        event.as_object_mut().unwrap().extend(more);
        InboxMessage::webhook(&event)
    };
    let known: [InboxMessage; load::MESSAGES] = load::messages_of(call).try_into().ok().unwrap();
    let [began, caller, agent, recorded, ended, report] = known;
    let track = json!({ "room": room, "participant": person("caller"), "track": { "sid": format!("TR_{call}") } });
    vec![
        began,
        caller,
        event(0, "track_published", track),
        agent,
        event(
            1,
            "egress_started",
            json!({ "egressInfo": egress("EGRESS_STARTING", 0) }),
        ),
        event(
            2,
            "egress_updated",
            json!({ "egressInfo": egress("EGRESS_ACTIVE", 1) }),
        ),
        event(
            3,
            "participant_left",
            json!({ "room": room, "participant": person("caller") }),
        ),
        event(
            4,
            "participant_left",
            json!({ "room": room, "participant": person("agent") }),
        ),
        ended,
        event(
            5,
            "egress_updated",
            json!({ "egressInfo": egress("EGRESS_ENDING", 2) }),
        ),
        recorded,
        report,
    ]
}
