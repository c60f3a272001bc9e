//! The expected content of the rows of a load's calls. Each message leaves its own mark in the row, so a lost one is detected.

use std::{
    collections::BTreeMap,
    ops::Range,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    load::{egress, number, sid},
    sized,
};
use crate::{harness::World, play::text, reader::Row};

/// Accepted messages whose content is missing from the row.
fn lacks(row: &Row, call: usize) -> Vec<&'static str> {
    let size = row.get("Recording size").and_then(Value::as_u64);
    let payloads = [
        ("Started", !text(row, "Started").is_empty()),
        ("Ended", !text(row, "Ended").is_empty()),
        ("Caller", text(row, "Caller") == number(call)),
        ("Agent", text(row, "Agent") == format!("Agent {call}")),
        (
            "Transcript",
            text(row, "Transcript") == format!("Agent: Call {call}."),
        ),
        ("Egress ID", text(row, "Egress ID") == egress(call)),
        (
            "Recording size",
            size == Some(super::load::size(call) as u64),
        ),
        ("Status", text(row, "Status") == "Complete"),
    ];
    let lacking = payloads.into_iter().filter(|(_, there)| !there);
    lacking.map(|(name, _)| name).collect()
}

/// Messages that are in no row, and surplus rows.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Losses {
    pub lost: Vec<String>,
    pub doubled: usize,
    pub rows: usize,
}

fn losses(all: Vec<Row>, calls: Range<usize>) -> Losses {
    let mut by_call: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in all {
        by_call
            .entry(text(&row, "Call ID").to_owned())
            .or_default()
            .push(row);
    }
    let mut losses = Losses::default();
    for call in calls {
        let rows = by_call.get(&sid(call)).map_or(&[][..], Vec::as_slice);
        losses.rows += rows.len();
        losses.doubled += rows.len().saturating_sub(1);
        match rows.first() {
            None => losses.lost.push(format!("{}: no row", sid(call))),
            Some(row) => {
                let lacking = lacks(row, call);
                losses.lost.extend(
                    lacking
                        .iter()
                        .map(|column| format!("{}: {column}", sid(call))),
                );
            }
        }
    }
    losses
}

/// Waits until these calls' rows say everything; panics when they never do.
pub(super) async fn all_in_rows(world: &World, calls: Range<usize>) -> Losses {
    all_in_rows_within(world, calls, Duration::from_secs(sized(60, 300))).await
}

/// The same with so much patience.
pub(super) async fn all_in_rows_within(
    world: &World,
    calls: Range<usize>,
    patience: Duration,
) -> Losses {
    let asked = Instant::now();
    loop {
        let looks = Instant::now();
        let mut found = losses(world.airtable.rows("Calls"), calls.clone());
        if found.lost.is_empty() {
            found = losses(world.rows().await, calls.clone());
        }
        assert_eq!(found.doubled, 0, "rows are doubled");
        if found.lost.is_empty() {
            return found;
        }
        let lost = found.lost.len();
        let reported = &found.lost[..lost.min(20)];
        assert!(asked.elapsed() < patience, "{lost} are lost: {reported:#?}");
        // To look through many rows takes a while.
        tokio::time::sleep((looks.elapsed() * 4).max(Duration::from_millis(200))).await;
    }
}
