//! Answers that never come, come broken, or come from something between: tried again, and no second row.

use std::time::{Duration, Instant};

use livekit_airtable::{store::DeliveryState, telemetry::now};
use livekit_airtable_sim::airtable::Fault;

use super::{Rig, Settings};
use crate::harness::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_back_after_a_write_no_row_is_there_twice() {
    let faults = [
        Fault::AfterWrite,
        Fault::Truncated,
        Fault::Status(500, "{}".into()),
        Fault::Html(502),
        Fault::Status(503, String::new()),
    ];
    for fault in faults {
        let rig = Rig::new(0.0).await;
        let process = rig.process(Settings::default());
        rig.owe([100], true, now()).await;
        process.drain().await;
        rig.airtable.fail_next(2, fault.clone());
        rig.owe(0..20, true, now()).await;
        let due_deliveries = now();
        process.drain().await;
        let delivery = &rig.store.deliveries_of("RM_00000").await.unwrap()[0];
        assert_eq!(
            (delivery.state, delivery.attempts),
            (DeliveryState::Pending, 1),
            "{fault:?}"
        );
        let wait = delivery
            .due_at
            .unwrap()
            .duration_since(due_deliveries)
            .as_secs_f64();
        assert!((1.0..2.0).contains(&wait), "{fault:?}: {wait}");
        let started = Instant::now();
        while errors(&rig, 20).await > 0 {
            process.drain().await;
            assert!(started.elapsed() < PATIENCE, "{fault:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(rig.calls().await, 21, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_come_for_half_a_minute_is_no_second_row() {
    let rig = Rig::new(0.0).await;
    let process = rig.process(Settings::default());
    rig.owe([100], true, now()).await;
    process.drain().await;
    rig.airtable
        .fail_next(1, Fault::Slow(Duration::from_secs(33)));
    rig.owe(0..10, true, now()).await;
    let started = Instant::now();
    process.drain().await;
    let waited = started.elapsed();
    assert!((29..33).contains(&waited.as_secs()), "{waited:?}");
    let error = rig.last_error(0).await.unwrap();
    assert_eq!(error, "Airtable did not answer within 30 s");
    while errors(&rig, 10).await > 0 {
        process.drain().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(rig.calls().await, 11);
}

/// How many of the first calls have failed last.
async fn errors(rig: &Rig, calls: usize) -> usize {
    let mut errors = 0;
    for n in 0..calls {
        errors += usize::from(rig.last_error(n).await.is_some());
    }
    errors
}
