//! When Airtable refuses everything: nothing is sent but a probe now and then, and nothing is lost.

use livekit_airtable::{domain::Sink, store::DeliveryState};
use livekit_airtable_sim::airtable::Fault;

use super::{Rig, Settings, clock};

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one course of events")]
async fn a_used_up_quota_is_probed_once_an_hour_and_when_the_month_turns() {
    let (clock, hands) = clock!("2026-11-30T22:10:00Z");
    let rig = Rig::new(0.0).await;
    let settings = Settings {
        clock,
        ..Settings::default()
    };
    rig.airtable.fail_next(1000, Fault::Quota);
    rig.owe(0..100, true, clock()).await;
    let process = rig.process(settings);
    process.drain().await;
    let writes = || {
        let seen = rig.front.seen();
        seen.iter().filter(|seen| seen.method == "PATCH").count()
    };
    let first = writes();
    assert!(
        (1..=5).contains(&first),
        "those that were under way: {first}"
    );
    let paused_sink = rig
        .store
        .paused_sink(Sink::Airtable)
        .await
        .unwrap()
        .unwrap();
    assert!(
        paused_sink
            .error
            .contains("PUBLIC_API_BILLING_LIMIT_EXCEEDED"),
        "{}",
        paused_sink.error
    );
    for call in [0, 99] {
        let reported = rig.last_error(call).await;
        assert_eq!(reported.as_ref(), Some(&paused_sink.error), "tried or not");
    }
    for _ in 0..59 {
        hands.forward(60);
        process.drain().await;
    }
    assert_eq!(writes(), first);
    hands.forward(60);
    process.drain().await;
    assert_eq!(writes(), first + 1, "an hour has passed");
    let restarted = rig.process(settings);
    restarted.drain().await;
    assert_eq!(writes(), first + 2, "a restart probes at once");
    let paused_sink = rig
        .store
        .paused_sink(Sink::Airtable)
        .await
        .unwrap()
        .unwrap();
    hands.set("2026-11-30T23:59:50Z");
    restarted.drain().await;
    assert_eq!(paused_sink.probe_at.to_string(), "2026-12-01T00:00:00Z");
    let before = writes();
    hands.set("2026-12-01T00:00:01Z");
    restarted.drain().await;
    assert_eq!(writes(), before + 1, "still used up");
    rig.store.probe_now(Sink::Airtable, clock()).await.unwrap();
    restarted.drain().await;
    assert_eq!(writes(), before + 2, "a redrive probes at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_waiting_rows_cost_one_probe_a_minute_and_flow_once_it_is_repaired() {
    let (clock, hands) = clock!("2026-11-10T12:00:00Z");
    let rig = Rig::new(0.0).await;
    let settings = Settings {
        clock,
        ..Settings::default()
    };
    let process = rig.process(settings);
    rig.owe([0], true, clock()).await;
    process.drain().await;
    let refused = r#"{"error":{"type":"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND","message":"Invalid permissions"}}"#;
    rig.front.answer(1000, 403, None, refused);
    rig.owe(1..1000, true, clock()).await;
    process.drain().await;
    rig.front.forget();
    for _ in 0..10 {
        hands.forward(59);
        process.drain().await;
        hands.forward(1);
        process.drain().await;
    }
    assert_eq!(rig.front.seen().len(), 10, "one a minute");
    let paused_sink = rig
        .store
        .paused_sink(Sink::Airtable)
        .await
        .unwrap()
        .unwrap();
    for word in ["AIRTABLE_TOKEN", "scope", "AIRTABLE_BASE_ID", "403"] {
        assert!(paused_sink.error.contains(word), "{}", paused_sink.error);
    }
    rig.front.repair();
    hands.forward(60);
    process.drain().await;
    assert_eq!(rig.calls().await, 1000);
    assert!(rig.store.paused_sinks().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_paused_sink_say_why_they_wait() {
    let (clock, hands) = clock!("2026-11-10T12:00:00Z");
    let rig = Rig::new(0.0).await;
    let settings = Settings {
        clock,
        ..Settings::default()
    };
    let refused =
        r#"{"error":{"type":"AUTHENTICATION_REQUIRED","message":"Authentication required"}}"#;
    rig.front.answer(1, 401, None, refused);
    rig.owe([0], true, clock()).await;
    let process = rig.process(settings);
    process.drain().await;
    let delivery = &rig.store.deliveries_of("RM_00000").await.unwrap()[0];
    let error = delivery.last_error.clone().unwrap();
    assert_eq!(delivery.state, DeliveryState::Parked);
    assert!(
        error.starts_with("AIRTABLE_TOKEN is not a valid token"),
        "{error}"
    );
    hands.forward(60);
    process.drain().await;
    assert_eq!(rig.calls().await, 1, "repaired without a restart");
}
