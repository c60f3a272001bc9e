//! `kill -9`, again and again under load.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    time::{Duration, Instant},
};

use livekit_airtable_sim::livekit::{LiveKit, StartFault};
use serde_json::{Value, json};

use super::{
    load::{self, Load},
    losses::all_in_rows,
    say, sized,
};
use crate::{
    harness::{API_TOKEN, PATIENCE, World, caller, eventually},
    mirror::Receiver,
};

/// An address that a process can be started on again and again.
pub(super) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// A world whose service is a process on a fixed address, not started yet; rooms `live-…` are recorded.
pub(super) async fn stormy(settings: &[(&str, &str)]) -> World {
    let address = free_address();
    let mut all = vec![
        ("LISTEN_ADDR", address.as_str()),
        ("RECORD_ROOMS", "live-*"),
        ("RECONCILE_INTERVAL", "2s"),
    ];
    all.extend(settings);
    let mut world = World::with(&all).await;
    world.stop().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_accepted_survives_kill_after_kill() {
    let (mirror, url) = Receiver::start(&[]).await;
    let mut world = stormy(&[("EGRESS_WEBHOOK_URL", &url)]).await;
    let calls = 0..sized(100, 2000);
    load::put_recordings(&world, calls.clone());
    let mut serve = world.serve().await;
    let load = Load::new(world.address.to_string(), sized(120, 300));
    let loading = tokio::spawn({
        let calls = calls.clone();
        async move { load.run(calls).await }
    });
    let rooms = sized(6, 60);
    let living = tokio::spawn(live(
        world.livekit.clone(),
        world.address.to_string(),
        rooms,
    ));
    let mut restarts = 0;
    while !loading.is_finished() {
        tokio::time::sleep(Duration::from_secs(sized(1, 2))).await;
        serve.kill();
        serve = world.serve().await;
        restarts += 1;
    }
    let tally = loading.await.unwrap();
    let rooms = living.await.unwrap();
    let found = all_in_rows(&world, calls.clone()).await;
    say(&format!(
        "accepted {} (webhooks {}), refused or cut off meanwhile {}, restarts {restarts}, rows {}, lost {}, doubled {}",
        tally.accepted,
        calls.len() * (load::MESSAGES - 1),
        tally.failures.len(),
        found.rows,
        found.lost.len(),
        found.doubled
    ));
    assert!(restarts >= 3, "it was killed {restarts} times only");
    assert_eq!(tally.accepted, calls.len() * load::MESSAGES);
    recorded_once(&world, &rooms).await;
    let reported = eventually(|| {
        let reported = mirror.egresses();
        let all = calls
            .clone()
            .all(|call| reported.contains(&load::egress(call)));
        all.then_some(())
    });
    assert!(reported.await.is_some(), "the mirror did not hear of all");
    serve.kill();
}

/// Rooms that open, are recorded by policy or by request, and close: their sids by name.
pub(super) async fn live(livekit: LiveKit, address: String, count: usize) -> Vec<(String, String)> {
    let mut rooms = Vec::new();
    for n in 0..count {
        let asked = n % 3 == 2;
        let name = match asked {
            true => format!("asked-{n}"),
            false => format!("live-{n}"),
        };
        let sid = livekit.open_room(&name);
        livekit.join(&name, caller("+15551234567"));
        livekit.speak(&name);
        if asked {
            ask_for_recording(&address, &name).await;
        }
        rooms.push((name, sid));
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    let started = |name: &str| livekit.starts().iter().any(|(_, room)| room == name);
    for (name, _) in &rooms {
        let began = eventually(|| started(name).then_some(())).await;
        assert!(began.is_some(), "{name} was never recorded");
        livekit.close_room(name);
    }
    rooms
}

/// Asks until the answer is 2xx.
async fn ask_for_recording(address: &str, room: &str) {
    let http = livekit_airtable::telemetry::http_client().unwrap();
    let asked = Instant::now();
    loop {
        let request = http.post(format!("http://{address}/v1/recordings"));
        // Longer than the 30 s after which the answer is 202.
        let request = request.bearer_auth(API_TOKEN).timeout(PATIENCE);
        let answer = request.json(&json!({ "room_name": room })).send().await;
        let reported = match answer {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(error) => format!("{error:?}"),
        };
        assert!(asked.elapsed() < PATIENCE, "{reported}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Each of these rooms has one egress and one row.
pub(super) async fn recorded_once(world: &World, rooms: &[(String, String)]) {
    for (_, sid) in rooms {
        world.row_is(sid, "Complete").await;
    }
    let mut egresses: BTreeMap<String, usize> = BTreeMap::new();
    for info in world.egresses().await {
        *egresses.entry(room_of(&info)).or_default() += 1;
    }
    let rows = world.rows().await;
    for (name, sid) in rooms {
        assert_eq!(egresses.get(name), Some(&1), "egresses of {name}");
        let rows = rows.iter().filter(|row| row["Call ID"] == *sid);
        assert_eq!(rows.count(), 1, "rows of {name}");
    }
}

fn room_of(info: &Value) -> String {
    info["roomName"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_a_start_and_its_answer_starts_no_second_recording() {
    let mut world = stormy(&[]).await;
    // LiveKit starts at once and answers when the process is long dead.
    let slow = StartFault::Slow(Duration::from_secs(20));
    world.livekit.fail_next_start(1, slow);
    let serve = world.serve().await;
    world.livekit.lose_webhooks(true);
    let call = world.livekit.open_room("live-1");
    let room = json!({ "sid": call, "name": "live-1" });
    world
        .hook(&json!({ "event": "room_started", "id": "EV_1", "room": room }))
        .await;
    world.starts("live-1", 1).await;
    serve.kill();
    let serve = world.serve().await;
    world.livekit.speak("live-1");
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    world.livekit.lose_webhooks(false);
    world.livekit.close_room("live-1");
    recorded_once(&world, &[("live-1".into(), call)]).await;
    assert_eq!(world.livekit.starts().len(), 1);
    serve.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_after_airtables_write_and_before_its_answer_makes_no_second_row() {
    use livekit_airtable_sim::airtable::Fault;
    let mut world = stormy(&[]).await;
    let serve = world.serve().await;
    let first = world.livekit.open_room("quiet-1");
    world.row_is(&first, "Live").await;
    let slow = Fault::Slow(Duration::from_secs(20));
    world.airtable.fail_next(1, slow);
    let call = world.livekit.open_room("quiet-2");
    // The row is there, and the answer is not.
    world.row_is(&call, "Live").await;
    serve.kill();
    let serve = world.serve().await;
    world.livekit.close_room("quiet-2");
    world.row_is(&call, "No recording").await;
    assert_eq!(world.rows().await.len(), 2);
    serve.kill();
}
