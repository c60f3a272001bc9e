//! Waiting deliveries are logged once an hour, for as long as they wait.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use livekit_airtable::{
    domain::{Call, DueDelivery, Sink},
    pipeline::{
        Job, Runner,
        alerts::{Alerts, Thresholds},
    },
    store::{CallUpdate, Fold, Store},
    telemetry,
};

use crate::{harness::KEY, leak_check};

const CALL: &str = "RM_waitsForThreeDays";

/// A database with one call whose Airtable delivery has been pending since `now`.
async fn outstanding(folder: &std::path::Path, now: Timestamp) -> Store {
    let url = format!("sqlite:{}", folder.join("calls.db").display());
    let store = Store::open(&url, telemetry::now()).await.unwrap();
    let call = Call {
        id: CALL.into(),
        finished_at: Some(now),
        ..Call::default()
    };
    let due_deliveries = vec![DueDelivery {
        sink: Sink::Airtable,
        item: String::new(),
    }];
    let folded = CallUpdate {
        call,
        read_revision: 0,
        listing: None,
        renamed: false,
        recordings_changed: true,
        due_deliveries,
    };
    let sinks = [Sink::Airtable];
    let due_deliveries = store
        .commit_fold(Fold::of_calls(&[folded]), &sinks, now)
        .await;
    due_deliveries.unwrap();
    store
}

#[tokio::test]
async fn three_days_of_waiting_are_a_line_an_hour() {
    leak_check::listen();
    let folder = tempfile::tempdir().unwrap();
    let now = telemetry::now();
    let store = outstanding(folder.path(), now).await;
    let runner = Runner::new(telemetry::now);
    runner.leases.want("watch");
    let thresholds = Thresholds::new(SignedDuration::ZERO, now);
    let alerts = || Alerts::new(store.clone(), &runner, None, thresholds.clone(), KEY.into());
    let mut job = alerts();
    for minutes in (0..=72 * 60).step_by(5) {
        // Restarts make it no louder.
        if minutes % 600 == 0 {
            job = alerts();
        }
        assert!(runner.leases.renew(&store, telemetry::now).await);
        let at = now + Duration::from_secs(minutes * 60);
        job.step(at).await.unwrap();
    }
    let said = leak_check::said_to_wait(CALL);
    assert_eq!(said.len(), 72, "{said:#?}");
    let last = said.last().unwrap();
    assert!(
        last.contains("the oldest for 71 h") || last.contains("2 days"),
        "{last}"
    );
}
