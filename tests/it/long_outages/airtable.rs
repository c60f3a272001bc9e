//! Airtable is away for days, refuses the token, or is another base.

use std::time::Duration;

use jiff::Timestamp;
use livekit_airtable_sim::airtable::{self, Fault};
use serde_json::{Value, json};

use super::{HOUR, due_deliveries};
use crate::{
    harness::{World, eventually, move_clock, moved},
    play::text,
    reader,
    tcp_gate::Gate,
};

const MANY: usize = 1_000_000;

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one course of events")]
async fn calls_wait_three_days_over_a_restart_and_come_whole_and_in_order() {
    let mut world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    let mut gate = Gate::before(&world.airtable.url()).await;
    world.set("AIRTABLE_API_URL", &gate.url());
    world.restart_on(moved::<12>).await;
    gate.close().await;
    let mut calls = Vec::new();
    for half_day in 0..6 {
        match half_day {
            2 => {
                let fault = Fault::Status(503, r#"{"error":"maintenance"}"#.into());
                world.airtable.fail_next(MANY, fault);
                gate.open().await;
            }
            3 => {
                world.stop().await;
                world.start().await;
            }
            4 => {
                world.repair_airtable_by(Fault::Html(502)).await;
            }
            _ => {}
        }
        let room = format!("desk-{half_day}");
        calls.push(world.whole_call::<12>(&room).await);
        move_clock::<12>(12 * HOUR);
    }
    world.nothing_is_dead().await;
    assert_eq!(world.rows().await, []);
    let oldest = world
        .metric("livekit_airtable_oldest_waiting_seconds")
        .await;
    assert!(oldest >= 72 * HOUR, "{oldest} s");
    // Each has been tried again and put off.
    for call in &calls {
        let put_off = |detail: &Value| {
            let due_deliveries = due_deliveries(detail, "airtable");
            let due: Option<Timestamp> = due_deliveries["due_at"]
                .as_str()
                .and_then(|at| at.parse().ok());
            let tried = due_deliveries["last_error"].is_string();
            tried && due.is_some_and(|due| due > moved::<12>())
        };
        world.detail_where(call, put_off, || {}).await;
    }
    world.repair_airtable().await;
    move_clock::<12>(76);
    let all_there = || Some(world.airtable.rows("Calls")).filter(|rows| rows.len() == 6);
    eventually(all_there).await.expect("all rows come");
    let rows = world.rows().await;
    let came: Vec<&str> = rows.iter().map(|row| text(row, "Call ID")).collect();
    assert_eq!(came, calls);
    for row in &rows {
        assert_eq!(text(row, "Status"), "Complete");
        assert_eq!(text(row, "Transcript"), "Agent: Hello.");
        assert!(row.contains_key("Recording URL") && row.contains_key("Caller"));
    }
    for call in &calls {
        world
            .detail_where(
                call,
                |it| due_deliveries(it, "airtable")["state"] == "done",
                || {},
            )
            .await;
    }
    let oldest = "livekit_airtable_oldest_waiting_seconds";
    assert_eq!(world.metric(oldest).await, 0);
}

impl World {
    /// From now on it goes wrong in this way alone.
    async fn repair_airtable_by(&self, fault: Fault) {
        self.repair_airtable().await;
        self.airtable.fail_next(MANY, fault);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_revoked_and_is_given_back_loses_nothing() {
    let mut world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    world.restart_on(moved::<13>).await;
    let revoked = || {
        let words = json!({"error": {"type": "AUTHENTICATION_REQUIRED", "message": "Authentication required"}});
        Fault::Status(401, words.to_string())
    };
    let closed = "livekit_airtable_sink_paused{sink=\"airtable\"}";
    world.airtable.fail_next(MANY, revoked());
    let first = world.livekit.open_room("first");
    let parked = |detail: &Value| {
        let reported = detail["deliveries"].to_string();
        reported.contains("401") && reported.contains("AIRTABLE_TOKEN")
    };
    world.detail_where(&first, parked, || {}).await;
    for _ in 0..6 {
        let asked = world.airtable.requests();
        move_clock::<13>(12 * HOUR);
        // A try that ends after the move is repeated a minute after that.
        let probed = || {
            move_clock::<13>(61);
            (world.airtable.requests() > asked).then_some(())
        };
        assert!(eventually(probed).await.is_some(), "it is probed");
    }
    assert_eq!(world.metric(closed).await, 1);
    world.nothing_is_dead().await;
    world.repair_airtable().await;
    let sent = || {
        move_clock::<13>(61);
        world.glance(&first)
    };
    assert!(eventually(sent).await.is_some(), "its row comes");
    world.row_is(&first, "Live").await;
    world.metric_is(closed, 0).await;
    // Once more, and a restart with the right token: it is not waited for a probe's time.
    world.airtable.fail_next(MANY, revoked());
    world.livekit.close_room("first");
    let ended = |detail: &Value| detail["status"] != "live" && parked(detail);
    // LiveKit is asked: by this clock its webhooks are too old.
    world
        .detail_where(&first, ended, || move_clock::<13>(1))
        .await;
    world.metric_is(closed, 1).await;
    world.stop().await;
    world.repair_airtable().await;
    world.start().await;
    world
        .row_where(&first, |row| text(row, "Status") != "Live")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_go_to_the_new_base_when_it_is_another() {
    let mut world = World::new().await;
    let done = world.livekit.open_room("done");
    world.row_is(&done, "Live").await;
    world.livekit.close_room("done");
    world
        .row_where(&done, |row| text(row, "Status") != "Live")
        .await;
    world.processed(&done, "airtable").await;
    let waits = world.livekit.open_room("waits");
    world.row_is(&waits, "Live").await;
    world.processed(&waits, "airtable").await;
    world
        .airtable
        .fail_next(MANY, Fault::Status(503, "{}".into()));
    world.livekit.close_room("waits");
    world
        .detail_where(&waits, |detail| detail["status"] != "live", || {})
        .await;
    world.stop().await;
    let elsewhere = airtable::Options {
        requests_per_second: 0.0,
        lockout: Duration::ZERO,
        seed: Some(json!({"id": "appMovedElsewhere", "name": "New", "tables": []})),
        ..airtable::Options::default()
    };
    let elsewhere = reader::airtable(elsewhere).await;
    let old = std::mem::replace(&mut world.airtable, elsewhere);
    for (name, value) in [
        ("AIRTABLE_API_URL", world.airtable.url()),
        ("AIRTABLE_CONTENT_URL", world.airtable.url()),
        ("AIRTABLE_BASE_ID", world.airtable.base_id()),
    ] {
        world.set(name, &value);
    }
    world.create_table().await;
    let mut serve = world.serve().await;
    // The row there is complete: cells of the old row do not count as sent.
    let row = world
        .row_where(&waits, |row| text(row, "Status") != "Live")
        .await;
    assert_eq!(text(&row, "Room"), "waits");
    assert!(row.contains_key("Started"), "{row:#?}");
    world.processed(&waits, "airtable").await;
    assert!(world.row(&done).await.is_none(), "it was delivered before");
    let said = std::fs::read_to_string(world.folder.path().join("stderr")).unwrap();
    assert_eq!(
        said.matches("redrive --sink airtable --all").count(),
        1,
        "{said}"
    );
    let redriven = world.program(&["redrive", "--sink", "airtable", "--all"]);
    assert!(redriven.status.success(), "{redriven:?}");
    let row = world
        .row_where(&done, |row| text(row, "Room") == "done")
        .await;
    assert_ne!(text(&row, "Status"), "Live");
    let before = old.rows("Calls");
    assert_eq!(before.len(), 2, "the old base stays as it was");
    serve.0.kill().unwrap();
    old.stop();
}
