//! How much memory the service uses on a small machine, however much arrives or waits. Peaks are measured by the system
//! (VmHWM).

mod bodies;
mod paths;

pub(crate) use bodies::settled;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use livekit_airtable::{
    domain::{
        Call, DueDelivery, Sink,
        transcript::{Report, Speaker, Transcript, Turn},
    },
    store::{CallUpdate, Fold, Store},
    telemetry,
};
use livekit_airtable_sim::airtable::Fault;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use crate::{
    harness::{API_TOKEN, PATIENCE, World, eventually},
    process::Serve,
    storms::sized,
};

const MIB: u64 = 1 << 20;

/// Two of these tests at a time: each keeps a processor busy for a minute.
static TURN: Semaphore = Semaphore::const_new(2);
const UNIT: &str = include_str!("../../deploy/livekit-airtable.service");

/// The values that systemd's unit gives to this name.
fn unit(name: &str) -> impl Iterator<Item = &'static str> {
    UNIT.lines().filter_map(move |line| line.strip_prefix(name))
}

/// Starts the service as a process of its own, as systemd's unit does: its memory is its own, too.
async fn apart(world: &mut World) -> Serve {
    for (name, value) in unit("Environment=").filter_map(|set| set.split_once('=')) {
        // Its own port, as in all tests.
        if name != "LISTEN_ADDR" {
            world.set(name, value);
        }
    }
    world.serve_apart().await
}

/// As many repetitions of a JSON value as fill a list of so many bytes.
fn list(of: &str, bytes: u64) -> String {
    let times = bytes as usize / (of.len() + 1);
    format!("[{}]", vec![of; times].join(","))
}

/// A report of 15 MiB in each of the shapes that agents send.
fn reports() -> Vec<String> {
    let size = 15 * MIB;
    let turn = r#"{"speaker":"agent","text":"Good morning, this is the line of the clinic."}"#;
    let item = r#"{"id":"item_1","type":"message","role":"user","content":["Yes."],"created_at":1763884801.5}"#;
    let event = r#"{"type":"user_input_transcribed","transcript":"Yes.","is_final":true,"created_at":1763884801.5}"#;
    let (items, events) = (list(item, size / 2), list(event, size / 2));
    let unnamed = r#"{"speaker":"agent-ava","text":"Good morning \ud83d, this is [sighs] the line of the clinic."}"#;
    vec![
        list(unnamed, size),
        format!(r#"{{"turns":{}}}"#, list(turn, size)),
        format!(r#"{{"chat_history":{{"items":{items}}},"events":{events},"summary":"Booked."}}"#),
        list(
            r#"{"role":"user","content":"Yes, that would suit me very well."}"#,
            size,
        ),
        format!(
            "\"{}\"",
            "Agent: Good morning.\\n".repeat(size as usize / 22)
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_transcripts_fit_into_a_small_machine() {
    let _turn = TURN.acquire().await.unwrap();
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    world.stop().await;
    let mut serve = apart(&mut world).await;
    let mut calls = Vec::new();
    for n in 0..reports().len() {
        calls.push(world.livekit.open_room(&format!("desk-{n}")));
    }
    for call in &calls {
        world.row_is(call, "Live").await;
    }
    for (n, report) in reports().into_iter().enumerate() {
        let url = world.url(&format!("/v1/transcripts?room=desk-{n}"));
        let request = world.http.post(url).bearer_auth(API_TOKEN).body(report);
        assert_eq!(request.send().await.unwrap().status(), 202);
    }
    // A debug build takes some seconds for each.
    let (mut seen, mut there) = (Instant::now(), 0);
    while there < calls.len() {
        assert!(seen.elapsed() < PATIENCE, "{there} rows");
        let rows = world.airtable.rows("Calls");
        let whole = |row: &&Map<String, Value>| row.contains_key("Transcript URL");
        let now = rows.iter().filter(whole).count();
        if now > there {
            (there, seen) = (now, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let peak = serve.peak_bytes() / MIB;
    println!("at most {peak} MiB");
    let all = unit("MemoryMax=").next().unwrap();
    let all: u64 = all.trim_end_matches('M').parse().unwrap();
    assert!(peak < all * 3 / 5, "{peak} MiB of {all}");
    assert_eq!(serve.stop().await, Some(0));
}

/// A transcript of 20 kB.
fn usual() -> Transcript {
    let turn = Turn::new(
        Speaker::Agent,
        "Which day would suit you for the appointment with the doctor?",
    );
    Transcript::Turns(vec![turn; 290])
}

/// Calls with this transcript and a pending Airtable delivery.
async fn owe(world: &World, calls: usize, transcript: Transcript) {
    let report = Arc::new(Report {
        transcript,
        ..Report::default()
    });
    let store = Store::open(&world.database(), telemetry::now())
        .await
        .unwrap();
    let now = telemetry::now();
    let numbers: Vec<usize> = (0..calls).collect();
    for some in numbers.chunks(10) {
        let folded = some.iter().map(|n| {
            let mut call = Call {
                id: format!("RM_{n:012}").into(),
                room_name: format!("desk-{n}").into(),
                created_at: Some(now),
                finished_at: Some(now),
                ..Call::default()
            };
            call.reports.add(&report, now);
            CallUpdate {
                call,
                read_revision: 0,
                listing: None,
                renamed: true,
                recordings_changed: true,
                due_deliveries: vec![DueDelivery {
                    sink: Sink::Airtable,
                    item: String::new(),
                }],
            }
        });
        let folded: Vec<CallUpdate> = folded.collect();
        let sinks = [Sink::Airtable];
        let written = store
            .commit_fold(Fold::of_calls(&folded), &sinks, now)
            .await;
        written.unwrap();
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_calls_takes_no_memory_for_their_transcripts() {
    let _turn = TURN.acquire().await.unwrap();
    let mut world = World::new().await;
    world.stop().await;
    let long = "Agent: Good morning.\n".repeat(8 * MIB as usize / 21);
    owe(&world, 60, Transcript::Text(long)).await;
    let away = Fault::Status(503, "{}".into());
    world.airtable.fail_next(100_000, away);
    let mut serve = apart(&mut world).await;
    let page = world.get("/v1/calls?limit=500").await;
    let page: Value = page.json().await.unwrap();
    assert_eq!(page["calls"].as_array().unwrap().len(), 60);
    let peak = serve.peak_bytes() / MIB;
    println!("at most {peak} MiB");
    assert!(peak < 256, "{peak} MiB");
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_airtable_waits_on_disk() {
    let _turn = TURN.acquire().await.unwrap();
    let calls = sized(1500, 20_000);
    let mut world = World::with(&[("AIRTABLE_REQUESTS_PER_SECOND", "500")]).await;
    world.stop().await;
    owe(&world, calls, usual()).await;
    world
        .airtable
        .fail_next(calls, Fault::Status(503, "{}".into()));
    let mut serve = apart(&mut world).await;
    let refused = world.airtable.requests() + 10;
    let refused = eventually(|| (world.airtable.requests() > refused).then_some(()));
    assert!(refused.await.is_some(), "it is tried");
    world.repair_airtable().await;
    let (mut there, mut seen) = (0, Instant::now());
    while there < calls {
        let now = world.airtable.rows("Calls").len();
        if now > there {
            (there, seen) = (now, Instant::now());
        }
        // Each was put off by its own time.
        assert!(seen.elapsed() < PATIENCE, "{there} rows");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let peak = serve.peak_bytes() / MIB;
    println!("{calls} calls: at most {peak} MiB");
    assert!(peak < 128, "{peak} MiB");
    assert_eq!(serve.stop().await, Some(0));
}
