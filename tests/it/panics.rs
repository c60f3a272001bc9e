//! A bug costs the call that hits it, not its neighbours.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use livekit_airtable::{
    domain::{Policy, Sink, policy::RecordOn},
    pipeline::{
        Job, Runner,
        deliver::{Attempt, BatchPermit, Deliver, Deliverer, Due, Outcome},
        intake::Intake,
        leases::Leases,
    },
    store::{DeliveryState, InboxMessage, MessageKind, Store},
    telemetry,
};
use serde_json::json;

use crate::harness::PATIENCE;

/// A sink with a bug that one call hits.
struct Buggy;

impl Deliverer for Buggy {
    fn sink(&self) -> Sink {
        Sink::Airtable
    }

    fn batch(&self) -> usize {
        10
    }

    fn parallel(&self) -> usize {
        1
    }

    async fn deliver(&self, due: &[Due], _: BatchPermit, _now: Timestamp) -> Vec<Attempt> {
        let attempt = |due: &Due| {
            assert_ne!(due.call.id, "RM_5", "the bug");
            Attempt::new(Outcome::Delivered { again: None }, &due.delivery.sink_state)
        };
        due.iter().map(attempt).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_projection_sets_one_call_aside_and_its_nine_neighbours_go() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("calls.db").display());
    let store = Store::open(&url, telemetry::now()).await.unwrap();
    let runner = Runner {
        leases: Leases::alone(),
        ..Runner::new(telemetry::now)
    };
    for n in 0..10 {
        let room = json!({"sid": format!("RM_{n}"), "name": "desk"});
        let body = json!({"event": "room_started", "room": room}).to_string();
        let message = InboxMessage::new(MessageKind::Webhook, body, telemetry::now());
        store.put(message).await.unwrap();
    }
    let intake = Intake {
        store: store.clone(),
        policy: Policy::new(RecordOn::Manual, &[]).unwrap(),
        sinks: vec![Sink::Airtable],
        listed: Default::default(),
        wake: runner.wake.clone(),
    };
    intake.step(telemetry::now()).await.unwrap();
    let deliver = Deliver::new(Buggy, store.clone(), &runner);
    runner.spawn(Arc::new(Arc::new(deliver)));
    let asked = std::time::Instant::now();
    for n in 0..10 {
        loop {
            let delivery = &store.deliveries_of(&format!("RM_{n}")).await.unwrap()[0];
            let error = delivery.last_error.as_deref().unwrap_or_default();
            match (n, delivery.state) {
                (5, DeliveryState::Dead) => break assert!(error.contains("a bug"), "{error}"),
                (_, DeliveryState::Done) if n != 5 => break assert_eq!(error, ""),
                (_, DeliveryState::Pending) => {}
                (n, state) => panic!("RM_{n} is {state:?}: {error}"),
            }
            assert!(asked.elapsed() < PATIENCE, "RM_{n} waits");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    runner.stop.cancel();
}
