//! LiveKit, the bucket, Airtable or the mirror is down, rejects requests, is slow or returns garbage: the others keep
//! working, and everything that waited arrives.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, http::StatusCode, routing::post};
use livekit_airtable_sim::{
    airtable::Fault,
    livekit::{Kind, Person, StartFault},
};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use super::{kills::recorded_once, say, sized};
use crate::{
    disk::{apart_with, lines},
    harness::{World, eventually, in_time},
    play::text,
};

/// An address behind which there is nothing until it is opened: connections are closed at once.
struct Gate {
    url: String,
    to: Arc<Mutex<Option<String>>>,
}

impl Gate {
    async fn closed() -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let to = Arc::new(Mutex::new(None::<String>));
        let target = to.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let to = target.lock().unwrap().clone();
                tokio::spawn(async move {
                    let Some(to) = to else { return };
                    let mut server = TcpStream::connect(to).await.unwrap();
                    tokio::io::copy_bidirectional(&mut client, &mut server)
                        .await
                        .ok();
                });
            }
        });
        Gate { url, to }
    }

    fn open(&self, url: &str) {
        let (_, address) = url.split_once("//").unwrap();
        *self.to.lock().unwrap() = Some(address.to_owned());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_livekit_that_cannot_be_reached_is_asked_until_it_can() {
    let gate = Gate::closed().await;
    let world = World::with(&[("LIVEKIT_URL", &gate.url)]).await;
    let call = world.livekit.open_room("desk");
    world.livekit.speak("desk");
    let reported = |row: &_| text(row, "Error").contains("LiveKit does not respond");
    let row = world.row_where(&call, reported).await;
    assert_eq!(row["Status"], "Live");
    assert_eq!(world.get("/readyz").await.status(), 200);
    gate.open(&world.livekit.url());
    let recorded = |row: &serde_json::Map<_, _>| row.contains_key("Egress ID");
    let row = world.row_where(&call, recorded).await;
    assert_eq!(text(&row, "Error"), "");
    world.livekit.close_room("desk");
    recorded_once(&world, &[("desk".into(), call)]).await;
}

/// The longest that a start is waited for is 30 s; the long form exceeds it.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_takes_too_long_is_adopted() {
    let world = World::new().await;
    let slow = StartFault::Slow(Duration::from_secs(sized(4, 40)));
    world.livekit.fail_next_start(1, slow);
    world.livekit.lose_webhooks(true);
    let call = world.livekit.open_room("desk");
    let room = json!({ "sid": call, "name": "desk" });
    world
        .hook(&json!({ "event": "room_started", "id": "EV_1", "room": room }))
        .await;
    world.starts("desk", 1).await;
    world.livekit.speak("desk");
    tokio::time::sleep(Duration::from_secs(sized(0, 25))).await;
    let recorded = |row: &serde_json::Map<_, _>| row.contains_key("Egress ID");
    world.row_where(&call, recorded).await;
    world.livekit.lose_webhooks(false);
    world.livekit.close_room("desk");
    recorded_once(&world, &[("desk".into(), call)]).await;
    assert_eq!(world.livekit.starts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_refuses_is_reported_and_asked_again() {
    tokio::join!(refused_twice(500), refused_twice(403));
}

async fn refused_twice(status: u16) {
    let world = World::new().await;
    let (call, egress) = world.talk_unheard("desk").await;
    world.put_object(&call, 700);
    world.storage.refuse(2, status);
    let file = json!({ "size": "700", "location": "https://x/y" });
    world.ended((&call, &egress), "EGRESS_COMPLETE", file).await;
    let reported = |row: &_| text(row, "Error").contains("the storage");
    let row = world.row_where(&call, reported).await;
    assert_eq!(row["Status"], "Processing", "{status}");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "", "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_airtable_that_answers_badly_gets_each_row_once() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let answers = [
        Fault::Html(502),
        Fault::Status(503, String::new()),
        Fault::AfterWrite,
        Fault::Truncated,
    ];
    for (n, fault) in answers.into_iter().enumerate() {
        world.airtable.fail_next(2, fault);
        let names = (0..12).map(|room| format!("desk-{n}-{room}"));
        let calls: Vec<String> = names.map(|name| world.livekit.open_room(&name)).collect();
        for call in &calls {
            world.row_is(call, "Live").await;
        }
    }
    assert_eq!(world.rows().await.len(), 4 * 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_airtable_that_is_away_is_not_logged_at_every_try() {
    let away = Gate::closed().await.url;
    let setting = ("AIRTABLE_API_URL".to_owned(), away);
    let (world, serve) = apart_with(|_| vec![setting.clone()]).await;
    let call = world.livekit.open_room("desk");
    let mut tries = 0;
    in_time(async {
        while tries < 4 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let known = world.get(&format!("/v1/calls/{call}")).await;
            let known: serde_json::Value = known.json().await.unwrap_or_default();
            let all = known["deliveries"].as_array().cloned().unwrap_or_default();
            let airtable = all
                .iter()
                .find(|due_deliveries| due_deliveries["sink"] == "airtable");
            tries = airtable.map_or(0, |due_deliveries| {
                due_deliveries["attempts"].as_i64().unwrap()
            });
        }
    })
    .await;
    let reported = lines(&serve, "Airtable did not answer");
    assert!((1..4).contains(&reported), "{}", serve.said());
}

/// A mirror that answers as this does; how often it was asked.
async fn mirror(answer: fn() -> (StatusCode, Vec<u8>)) -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let receive = move || {
        count.fetch_add(1, Ordering::Relaxed);
        async move { answer() }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = Router::new().route("/hook", post(receive));
    tokio::spawn(axum::serve(listener, app).into_future());
    (url, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_refuses_is_asked_again_and_one_that_says_too_much_is_believed() {
    let (url, asked) = mirror(|| (StatusCode::BAD_REQUEST, Vec::new())).await;
    let world = World::with(&[("EGRESS_WEBHOOK_URL", &url)]).await;
    let (call, _) = world.talk("desk").await;
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    let again = eventually(|| (asked.load(Ordering::Relaxed) >= 2).then_some(()));
    assert!(again.await.is_some(), "a 400 is no delivery");

    let (url, asked) = mirror(|| (StatusCode::OK, vec![b'x'; 10 << 20])).await;
    let world = World::with(&[("EGRESS_WEBHOOK_URL", &url)]).await;
    let (call, _) = world.talk("desk").await;
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    world.processed(&call, "mirror").await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_never_answers_holds_no_row_back() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", silent.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(connection) = silent.accept().await {
            held.push(connection);
        }
    });
    let world = World::with(&[("EGRESS_WEBHOOK_URL", &url)]).await;
    let mut calls = Vec::new();
    // More than are sent in parallel.
    for n in 0..6 {
        let room = format!("desk-{n}");
        let (call, _) = world.talk(&room).await;
        world.livekit.close_room(&room);
        calls.push(call);
    }
    for call in calls {
        world.row_is(&call, "Complete").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_calls_without_a_webhook_are_right_after_one_look() {
    let agent = Person {
        identity: "agent".into(),
        name: "Ava".into(),
        kind: Kind::Agent,
        attributes: Vec::new(),
    };
    let mut world = World::with(&[("RECONCILE_INTERVAL", "1h")]).await;
    world.stop().await;
    world.livekit.lose_webhooks(true);
    let names: Vec<String> = (0..100).map(|n| format!("lost-{n}")).collect();
    let mut rooms = Vec::new();
    for name in names {
        let sid = world.livekit.open_room(&name);
        world.livekit.join(&name, agent.clone());
        world.livekit.speak(&name);
        rooms.push((name, sid));
    }
    // A start checks once.
    let begun = Instant::now();
    world.start().await;
    for (name, sid) in &rooms {
        world.starts(name, 1).await;
        let recorded = |row: &serde_json::Map<_, _>| row.contains_key("Egress ID");
        world.row_where(sid, recorded).await;
    }
    say(&format!(
        "100 open rooms found and recorded after {:?}",
        begun.elapsed()
    ));
    world.stop().await;
    for (name, _) in &rooms {
        world.livekit.close_room(name);
    }
    let uploaded = eventually(|| {
        let there = |sid: &String| world.object(&format!("recordings/{sid}.mp3")).exists();
        rooms.iter().all(|(_, sid)| there(sid)).then_some(())
    });
    assert!(uploaded.await.is_some(), "LiveKit did not upload all");
    // A room with events in the last 5 s is not considered closed.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let begun = Instant::now();
    world.start().await;
    for (_, sid) in &rooms {
        let row = world.row_is(sid, "Complete").await;
        assert_eq!(text(&row, "Error"), "", "{row:#?}");
    }
    say(&format!(
        "100 closed rooms found and complete after {:?}",
        begun.elapsed()
    ));
    recorded_once(&world, &rooms).await;
}
