//! `calls list`, `calls show`, `calls link`.

use std::{path::Path, time::Duration};

use jiff::{SignedDuration, Timestamp};
use livekit_airtable::{
    domain::{
        Call, DueDelivery, EgressStatus, Object, ObjectState, Recording, Sink,
        call::NameSource,
        latest::Latest,
        participant::{Participant, ParticipantKind},
    },
    store::{AttemptDetails, CallUpdate, DeliveryState, Finish, Fold, Store},
};
use serde_json::{Value, json};

use crate::{
    harness::World,
    play::answer,
    process::{Done, run},
};

fn at(second: i64) -> Timestamp {
    "2026-01-02T03:04:05Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

/// Four calls of known times: one Complete, one Live whose row is parked, two whose rows are dead.
#[expect(clippy::too_many_lines, reason = "one course of events")]
async fn fill(store: &Store) {
    let people = |name: &str| Participant {
        sid: format!("PA_{name}"),
        identity: name.into(),
        name: Latest::new(0, format!("{name}\x1b[2J")),
        kind: ParticipantKind::Sip,
        joined_at: Some(at(1)),
        ..Participant::default()
    };
    let recording = |egress_id: &str, status| Recording {
        egress_id: egress_id.into(),
        status,
        key: format!("recordings/{egress_id}.mp3"),
        started_at: Some(at(2)),
        ended_at: Some(at(60)),
        size: Some(1_354_028),
        duration: Some(SignedDuration::from_secs(58)),
        error: if status == EgressStatus::Failed {
            "S3 upload failed".into()
        } else {
            "".into()
        },
        ..Recording::default()
    };
    let call = |id: &str, second| Call {
        id: id.into(),
        room_name: format!("room of {id}").into(),
        name_source: NameSource::LiveKit,
        created_at: Some(at(second)),
        participants: [("PA_bob".into(), people("bob"))].into(),
        ..Call::default()
    };
    let complete = Call {
        finished_at: Some(at(61)),
        recordings: [("EG_1".into(), recording("EG_1", EgressStatus::Complete))].into(),
        objects: [(
            "EG_1".into(),
            Object {
                egress_version: (EgressStatus::Complete, 0).into(),
                state: ObjectState::Found { size: 1_354_028 },
                at: at(62),
            },
        )]
        .into(),
        ..call("RM_complete", 0)
    };
    let failed = Call {
        finished_at: Some(at(61)),
        recordings: [("EG_2".into(), recording("EG_2", EgressStatus::Failed))].into(),
        ..call("RM_failed", 10)
    };
    let lost = Call {
        finished_at: Some(at(61)),
        ..call("RM_lost", 5)
    };
    for call in [complete, failed, lost, call("RM_live", 20)] {
        let due_deliveries = DueDelivery {
            sink: Sink::Airtable,
            item: String::new(),
        };
        let folded = CallUpdate {
            call,
            read_revision: 0,
            listing: None,
            renamed: true,
            recordings_changed: true,
            due_deliveries: vec![due_deliveries],
        };
        store
            .commit_fold(Fold::of_calls(&[folded]), &[Sink::Airtable], at(60))
            .await
            .unwrap();
    }
    for (id, states) in [
        (
            "RM_complete",
            vec![DeliveryState::Pending, DeliveryState::Done],
        ),
        (
            "RM_failed",
            vec![DeliveryState::Pending, DeliveryState::Dead],
        ),
        ("RM_lost", vec![DeliveryState::Dead]),
        ("RM_live", vec![DeliveryState::Parked; 25]),
    ] {
        for (n, state) in (0..).zip(states) {
            let delivery = store.deliveries_of(id).await.unwrap().remove(0);
            let next =
                matches!(state, DeliveryState::Pending | DeliveryState::Parked).then(|| at(70 + n));
            let error = (state != DeliveryState::Done)
                .then(|| format!("Airtable answers no, the {n}th time\n"));
            let (sink_state, found) = (json!({}), Vec::new());
            let finish = Finish {
                state,
                tried: true,
                details: AttemptDetails {
                    took: Duration::from_millis(250 + n.unsigned_abs()),
                    http_status: Some(if error.is_none() { 200 } else { 422 }),
                    action: error.is_none().then(|| "created the row".to_owned()),
                },
                due_at: next,
                error,
                sink_state,
                messages: found,
            };
            let ends = [(&delivery, finish)];
            store.finish(&ends, at(63 + n)).await.unwrap();
        }
    }
}

async fn cli(folder: &Path, database: &str, args: &[&str]) -> Done {
    let settings = [("DATABASE_URL".to_owned(), database.to_owned())];
    let done = run(folder, args, &settings).await;
    assert_eq!(done.code, Some(0), "{args:?}: {done:?}");
    assert!(
        done.stderr.is_empty() || done.stderr.starts_with("There are more calls"),
        "{done:?}"
    );
    done
}

pub(super) async fn shows_known_calls(database: &str) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(database, livekit_airtable::telemetry::now())
        .await
        .unwrap();
    fill(&store).await;
    let mut all = String::new();
    for line in [
        "calls list",
        "calls list --status complete",
        "calls list --delivery dead",
        "calls list --room nobody",
        "calls show RM_complete",
        "calls show EG_2",
    ] {
        let args: Vec<&str> = line.split_whitespace().collect();
        let done = cli(folder.path(), database, &args).await;
        all += &format!("$ livekit-airtable {line}\n{}\n", done.stdout);
    }
    let show = ["calls", "show", "RM_complete", "--json"];
    let shown = cli(folder.path(), database, &show).await;
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("calls_for_people", all);
        insta::assert_json_snapshot!("call_for_programs", shown);
    });
    // Pages of a filtered list, and the last tries only.
    let every = ["RM_live", "RM_failed", "RM_lost", "RM_complete"];
    assert_eq!(one_by_one(folder.path(), database, &[]).await, every);
    let dead = one_by_one(folder.path(), database, &["--delivery", "dead"]).await;
    assert_eq!(dead, ["RM_failed", "RM_lost"]);
    let live = cli(
        folder.path(),
        database,
        &["calls", "show", "RM_live", "--json"],
    )
    .await;
    let live: Value = serde_json::from_str(&live.stdout).unwrap();
    let history = live["deliveries"][0]["history"].as_array().unwrap();
    assert_eq!(
        (history.len(), &live["deliveries"][0]["attempts"]),
        (20, &json!(25))
    );
    assert!(
        history[0]["answer"].as_str().unwrap().contains("24th"),
        "{live:#}"
    );
    assert_eq!(history[0]["next_at"], "2026-01-02T03:05:39Z");
    store.close().await;
}

/// The ids of a list, in pages of one.
async fn one_by_one(folder: &Path, database: &str, filter: &[&str]) -> Vec<String> {
    let (mut seen, mut next) = (Vec::new(), Some(String::new()));
    while let Some(cursor) = next {
        let mut page = vec!["calls", "list", "--json", "--limit", "1"];
        page.extend(filter);
        if !cursor.is_empty() {
            page.extend(["--cursor", &cursor]);
        }
        let done = cli(folder, database, &page).await.stdout;
        let done: Value = serde_json::from_str(&done).unwrap();
        seen.push(done["calls"][0]["call_id"].as_str().unwrap().to_owned());
        next = done["next_cursor"].as_str().map(str::to_owned);
    }
    seen
}

#[tokio::test]
async fn tables_and_pages_of_known_calls() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("calls.db").display());
    shows_known_calls(&database).await;
}

#[tokio::test]
async fn they_need_a_database_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let mistyped = [("DATABASE_URL".to_owned(), "sqlite:typo.db".to_owned())];
    for args in [
        &["calls", "list"][..],
        &["calls", "show", "RM_1"],
        &["redrive"],
        &["replay"],
    ] {
        let done = run(folder.path(), args, &mistyped).await;
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (Some(64), ""),
            "{done:?}"
        );
        assert!(
            done.stderr.contains("DATABASE_URL") && done.stderr.contains("typo.db"),
            "{done:?}"
        );
    }
    let made: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(made.is_empty(), "{made:?}");
    for args in [
        &["calls", "list", "--status", "odd"][..],
        &["calls", "list", "--delivery", "done"],
        &["calls", "list", "--limit", "0"],
        &["redrive", "--sink", "odd"],
        &["redrive", "--dead", "--all"],
        &["replay", "--since", "odd"],
        &["backfill", "--from", "odd"],
    ] {
        let done = run(folder.path(), args, &mistyped).await;
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (Some(64), ""),
            "{args:?}: {done:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_say_what_the_service_says_beside_it_and_without_it() {
    let mut world = World::new().await;
    let call = world.complete("desk").await;
    for sink in ["airtable", "storage", "egress"] {
        world.delivery_is(&call, sink, "done").await;
    }
    let page = answer(
        world.get("/v1/calls?status=complete&room_name=desk").await,
        200,
    )
    .await;
    let one = answer(world.get(&format!("/v1/calls/{call}")).await, 200).await;
    assert_eq!(
        one["deliveries"][0]["history"][0]["answer"], "delivered",
        "{one:#}"
    );
    let history = one["deliveries"][0]["history"].as_array().unwrap();
    let first = history.last().unwrap();
    assert_eq!(first["action"], "created the row", "{one:#}");
    assert_eq!(first["http_status"], 200, "{one:#}");
    for delivery in one["deliveries"].as_array().unwrap() {
        for attempt in delivery["history"].as_array().unwrap() {
            assert!(attempt["duration"].as_f64().is_some(), "{delivery:#}");
            assert!(attempt["action"].is_string(), "{delivery:#}");
        }
    }
    let list = ["calls", "list", "--status", "complete", "--room", "desk"];
    for _ in 0..2 {
        assert_eq!(world.json(&list).await, page);
        assert_eq!(world.json(&["calls", "show", &call]).await, one);
        world.stop().await;
    }
    for left in ["calls.db-wal", "calls.db-shm"] {
        let left = world.folder.path().join(left);
        assert!(!left.exists(), "{left:?} may be another user's");
    }
    let unknown = world.cli(&["calls", "show", "RM_none"]).await;
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), ""));
    assert!(unknown.stderr.contains("RM_none"), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_plays_presigned_or_permanent() {
    let world = World::new().await;
    let call = world.complete("desk").await;
    let shown = world.json(&["calls", "show", &call]).await;
    let egress = shown["recordings"][0]["egress_id"].as_str().unwrap();
    for id in [call.as_str(), egress] {
        let link = world.ok(&["calls", "link", id]).await.stdout;
        let audio = world.http.get(link.trim_end()).send().await.unwrap();
        assert_eq!(audio.status(), 200, "{id}");
    }
    let reported = world.json(&["calls", "link", &call]).await;
    assert!(
        reported["expires_at"].as_str().unwrap() > "2026",
        "{reported:#}"
    );
    // With PUBLIC_URL nothing but the database is needed; the service follows the link.
    let mut settings = world.settings().to_vec();
    settings.retain(|(name, _)| name == "DATABASE_URL");
    settings.push(("PUBLIC_URL".to_owned(), world.url("")));
    let done = run(world.folder.path(), &["calls", "link", &call], &settings).await;
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let link = done.stdout.trim_end();
    assert!(link.starts_with(&world.url("/r/EG_")), "{link}");
    assert_eq!(world.http.get(link).send().await.unwrap().status(), 302);
    let live = world.livekit.open_room("live");
    world.row_is(&live, "Live").await;
    let none = world.cli(&["calls", "link", &live]).await;
    assert_eq!((none.code, none.stdout.as_str()), (Some(1), ""));
    assert!(none.stderr.contains("Live"), "{none:?}");
    settings.retain(|(name, _)| name == "DATABASE_URL");
    let blind = run(world.folder.path(), &["calls", "link", &call], &settings).await;
    assert_eq!(blind.code, Some(64), "{blind:?}");
    assert!(blind.stderr.contains("S3_BUCKET: is missing"), "{blind:?}");
}
