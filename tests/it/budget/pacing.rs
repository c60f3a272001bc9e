//! How fast requests go, and how full they are.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use livekit_airtable::telemetry::now;

use super::{
    Rig, Settings,
    front::{Seen, closest},
};

const LIMITED: &str =
    r#"{"errors":[{"error":"RATE_LIMIT_REACHED","message":"Rate limit exceeded."}]}"#;

fn five() -> Settings {
    Settings {
        requests_per_second: 5.0,
        ..Settings::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_ten_rows_go_in_a_request_evenly_and_within_the_limit() {
    let rig = Rig::new(5.0).await;
    // A third of the rows is in the base already: those go by record id in the same requests.
    rig.owe((0..60).map(|n| n * 3), false, now()).await;
    let process = rig.process(five());
    process.drain().await;
    rig.owe(0..180, true, now()).await;
    rig.front.forget();
    process.drain().await;
    assert_eq!(rig.calls().await, 180);
    let ended = |row: &serde_json::Map<_, _>| row["Status"] == "No recording";
    assert!(rig.rows().await.iter().all(ended));
    let seen = rig.front.seen();
    assert_eq!(seen.len(), 18, "ten rows a request: {seen:#?}");
    assert_eq!(rig.airtable.breaches(), 0);
    assert!(closest(&seen, 2) >= Duration::from_millis(150), "evenly");
    assert!(closest(&seen, 6) >= Duration::from_secs(1));
    assert_eq!(
        rig.used(now()).await,
        rig.airtable.requests() - 2,
        "all but bootstrap's"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_sink_sends_at_once() {
    let rig = Rig::new(5.0).await;
    let process = rig.process(five());
    rig.owe([0], true, now()).await;
    process.drain().await;
    let mut waits = Vec::new();
    for n in 1..=10 {
        tokio::time::sleep(Duration::from_millis(600)).await;
        rig.owe([n], true, now()).await;
        let due = Instant::now();
        process.step().await;
        process.drain().await;
        waits.push(rig.front.seen().last().unwrap().at - due);
    }
    // The shortest: a busy machine delays some of them.
    let shortest = waits.iter().min().unwrap();
    assert!(*shortest < Duration::from_millis(150), "{waits:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_next_is_chosen_when_its_turn_comes() {
    let rig = Rig::new(5.0).await;
    let settings = Settings {
        requests_per_second: 1.0,
        ..Settings::default()
    };
    let process = rig.process(settings);
    rig.owe([0], true, now()).await;
    process.drain().await;
    rig.front.forget();
    // Eight rows a second come in one by one, and a request goes every second.
    let mut due_deliveries: BTreeMap<String, Instant> = BTreeMap::new();
    let coming = async {
        for n in 1..=80 {
            rig.owe([n], true, now()).await;
            due_deliveries.insert(format!("RM_{n:05}"), Instant::now());
            tokio::time::sleep(Duration::from_millis(125)).await;
        }
    };
    let sending = async {
        crate::harness::in_time(async {
            while rig.written() < 81 {
                process.step().await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    };
    tokio::join!(coming, sending);
    // A request that is not full contains everything that was pending when it was sent, but for what the request after
    // it has already chosen.
    for request in rig.front.seen() {
        let turn = request.at - Duration::from_secs(3);
        for row in &request.rows {
            due_deliveries.remove(row);
        }
        let behind = due_deliveries.values().filter(|at| **at < turn).count();
        assert!(
            request.rows.len() == 10 || behind == 0,
            "{behind} behind {request:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_in_one_request_at_most() {
    let rig = Rig::new(0.0).await;
    let process = rig.process(Settings::default());
    rig.front.delay(Duration::from_millis(300));
    let until = Instant::now() + Duration::from_secs(3);
    let news = async {
        while Instant::now() < until {
            rig.owe(0..15, false, now()).await;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    };
    let sending = async {
        while Instant::now() < until {
            process.step().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::join!(news, sending);
    process.drain().await;
    let rows = rig.rows().await;
    assert_eq!(rows.len(), 15);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let keys = rows
        .iter()
        .map(|row| (text(&row["id"]), text(&row["Call ID"])));
    let keys: BTreeMap<String, String> = keys.collect();
    let mut last: BTreeMap<String, Instant> = BTreeMap::new();
    let mut times = 0;
    let seen: Vec<Seen> = rig.front.seen();
    for request in seen {
        for row in &request.rows {
            let call = keys.get(row).unwrap_or(row).clone();
            let before = last.insert(call.clone(), request.answered.unwrap());
            assert!(
                before.is_none_or(|end| end <= request.at),
                "{call} twice at once"
            );
            times += 1;
        }
    }
    assert!(times >= 30, "each call went several times: {times}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lockout_holds_every_process_back_and_halves_the_rate() {
    let rig = Rig::new(0.0).await;
    let (one, other) = (rig.process(five()), rig.process(five()));
    rig.owe(0..30, true, now()).await;
    rig.front.answer(2, 200, None, r#"{"tables":[]}"#);
    rig.front.forget();
    let client = rig.client(five()).counted(rig.budget(five()).ledger());
    let beside = rig.client(five()).counted(rig.budget(five()).ledger());
    client.tables().await.unwrap();
    beside.tables().await.unwrap();
    rig.front.answer(1, 429, Some(2), LIMITED);
    client.tables().await.unwrap_err();
    let refused = rig.front.seen().last().unwrap().at;
    assert_eq!(
        client.requests_per_second().round(),
        3.0,
        "2.5 and climbing"
    );
    rig.front.forget();
    tokio::join!(one.drain(), other.drain(), async {
        beside.tables().await.unwrap()
    });
    let seen = rig.front.seen();
    let waited = seen[0].at - refused;
    assert!(
        waited >= Duration::from_secs(2) && waited < Duration::from_secs(5),
        "{waited:?}"
    );
    assert!(
        beside.requests_per_second() < 3.0,
        "it learned from the book"
    );
    assert!(
        closest(&seen[2..], 2) >= Duration::from_millis(350),
        "2.5 a second: {seen:#?}"
    );
    assert_eq!(rig.calls().await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lockout_one_probe_is_answered_before_the_rest_goes() {
    let rig = Rig::new(0.0).await;
    let process = rig.process(Settings::default());
    rig.owe([200], true, now()).await;
    process.drain().await;
    rig.front.delay(Duration::from_millis(400));
    rig.front.answer(1, 429, Some(2), LIMITED);
    rig.front.forget();
    rig.owe(0..100, true, now()).await;
    process.drain().await;
    let seen = rig.front.seen();
    let refused = seen[0].answered.unwrap();
    let after = |seen: &&Seen| seen.at > refused;
    let before = seen.iter().filter(|seen| !after(seen)).count();
    assert!((2..=5).contains(&before), "those under way: {seen:#?}");
    let mut after = seen.iter().filter(after);
    let (probe, next) = (after.next().unwrap(), after.next().unwrap());
    assert!(probe.at - refused >= Duration::from_secs(2));
    assert!(next.at >= probe.answered.unwrap(), "{seen:#?}");
    crate::harness::in_time(async {
        while rig.written() < 101 {
            process.drain().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(rig.calls().await, 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_far_away_airtable_is_sent_as_much_as_a_near_one() {
    let rig = Rig::new(5.0).await;
    rig.front.delay(Duration::from_millis(600));
    let process = rig.process(five());
    rig.owe(0..200, true, now()).await;
    process.drain().await;
    let seen = rig.front.seen();
    assert_eq!((rig.calls().await, rig.airtable.breaches()), (200, 0));
    let closest = closest(&seen, 6);
    assert!(closest >= Duration::from_secs(1), "{closest:?}");
    // The best six: a busy machine delays some of them. Without the overlap, none would take less than 3 s.
    assert!(closest < Duration::from_secs(2), "{closest:?}");
}
