//! The checks: which conditions of calls, deliveries and the inbox hold now.

use jiff::Timestamp;

use super::{
    condition::{Condition, ConditionKind},
    refused_creates,
    text::rounded,
    thresholds::Thresholds,
};
use crate::{
    domain::{Call, Sink, UNRECORDED_AFTER, call::ONE_RECORDER, counted},
    store::{Backlog, DoubleRecording, Store, UnknownValue, WebhookGap},
};

/// This many recordings that fail one after the other have one cause.
const FAILED_IN_A_ROW: usize = 3;

/// Every condition of calls, deliveries and the inbox that holds now.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn find(
    store: &Store,
    our_key: &str,
    limits: &Thresholds,
    now: Timestamp,
) -> anyhow::Result<Vec<Condition>> {
    let mut conditions = Vec::new();
    let calls = store.unrecorded(now - limits.unrecorded).await?;
    conditions.extend(unrecorded(calls));
    let failed = store.failed_in_a_row(our_key).await?;
    conditions.extend(failed_in_a_row(&failed));
    let twice = store.double_recordings(now).await?;
    conditions.extend(recorded_twice(&twice));
    let gap = store.webhook_gap().await?;
    conditions.extend(no_webhooks(&gap, limits, now));
    let failed = now - limits.failed_delivery;
    let backlog = store.waiting(failed, now - limits.pending_delivery).await?;
    conditions.extend(backlog.into_iter().map(|backlog| waiting(backlog, now)));
    conditions.extend(store.dead().await?.into_iter().map(dead_letters));
    conditions.extend(refused_creates::find(store).await?);
    let inbox = store.unprocessed_count(now).await?;
    let overdue = |since| unprocessed(inbox.count, since, limits, now);
    conditions.extend(inbox.due_since.and_then(overdue));
    for sink in Sink::ALL {
        let unknown = store.unknown_due(sink, now).await?;
        conditions.extend(unknown.map(|unknown| unknown_delivery(sink, &unknown)));
    }
    Ok(conditions)
}

fn unrecorded(calls: Vec<String>) -> Option<Condition> {
    if calls.is_empty() {
        return None;
    }
    let count = calls.len() as i64;
    let what = counted(count, "call is live and is", "calls are live and are");
    let late = rounded(UNRECORDED_AFTER);
    let text = format!("{what} not being recorded, more than {late} after the recording was due.");
    let summary = "live calls were not being recorded";
    let condition = Condition::new(ConditionKind::Unrecorded, summary, text);
    let condition = condition.affecting(count, calls);
    Some(condition.with_commands("`livekit-airtable calls show ID` shows LiveKit's answer."))
}

/// `calls`: newest first.
fn failed_in_a_row(calls: &[Call]) -> Option<Condition> {
    let latest = calls.first().filter(|_| calls.len() >= FAILED_IN_A_ROW)?;
    let (count, why) = (calls.len(), latest.failure()?);
    let text = format!("The last {count} recordings failed. Latest reason: {why}.");
    let summary = "several recordings in a row failed";
    let condition = Condition::new(ConditionKind::RecordingsFailed, summary, text);
    let ids = calls.iter().map(|call| call.id.to_string()).collect();
    let condition = condition.affecting(count as i64, ids);
    Some(condition.with_commands("`livekit-airtable calls show ID` shows LiveKit's error."))
}

/// `calls`: newest first.
fn recorded_twice(calls: &[DoubleRecording]) -> Option<Condition> {
    let DoubleRecording { started_by, .. } = calls.first()?;
    let count = calls.len() as i64;
    let what = counted(count, "call was", "calls were");
    let text = format!(
        "In the last day {what} recorded twice: {started_by} started an egress of its own after this service's. Ours was stopped and the other one is in the row. {ONE_RECORDER}"
    );
    let summary = "calls were recorded twice";
    let condition = Condition::new(ConditionKind::RecordedTwice, summary, text);
    let ids = calls.iter().map(|double| double.call_id.clone()).collect();
    Some(condition.affecting(count, ids).daily())
}

/// Rooms that began after the last webhook have sent none themselves.
fn no_webhooks(gap: &WebhookGap, limits: &Thresholds, now: Timestamp) -> Option<Condition> {
    let last = gap.last_webhook_at.max(Some(limits.started_at))?;
    let unreported = |began: Timestamp| began > last && began <= now - limits.unrecorded;
    let began = gap.live.iter().filter(|(_, began)| unreported(*began));
    let calls: Vec<String> = began.map(|(id, _)| id.clone()).collect();
    if calls.is_empty() || now.duration_since(last) < limits.no_webhooks {
        return None;
    }
    let since = rounded(now.duration_since(last));
    let text = format!(
        "No webhook has arrived for {since} although LiveKit has open rooms: check the webhook's URL and signing key in LiveKit's settings. \
         Until then the service finds calls by polling, up to RECONCILE_INTERVAL late."
    );
    let summary = "no webhooks arrived from LiveKit";
    let condition = Condition::new(ConditionKind::Webhooks, summary, text);
    Some(condition.affecting(calls.len() as i64, calls))
}

fn waiting(backlog: Backlog, now: Timestamp) -> Condition {
    let sink = backlog.sink;
    let destination = destination(sink);
    let oldest = rounded(now.duration_since(backlog.oldest_created_at));
    let what = counted(backlog.count, "call waits", "calls wait");
    let text = format!("{what} for {destination}, the oldest for {oldest}. Nothing is lost.");
    let summary = format!("calls waited for {destination}");
    let condition = Condition::new(ConditionKind::Waiting(sink), summary, text);
    let condition = condition.affecting(backlog.count, backlog.calls);
    condition.with_commands(
        "`livekit-airtable calls list` shows the errors, and `calls show ID` every attempt.",
    )
}

fn dead_letters(backlog: Backlog) -> Condition {
    let sink = backlog.sink;
    let destination = destination(sink);
    let what = counted(backlog.count, "delivery", "deliveries");
    let text = format!("{what} to {destination} failed permanently.");
    let summary = format!("deliveries to {destination} had failed permanently");
    let condition = Condition::new(ConditionKind::DeadLetters(sink), summary, text);
    let condition = condition.affecting(backlog.count, backlog.calls);
    condition.with_commands(
        "`livekit-airtable calls list --delivery dead` shows the errors; after fixing the cause, `livekit-airtable redrive --dead` retries.",
    )
}

fn unprocessed(
    count: i64,
    since: Timestamp,
    limits: &Thresholds,
    now: Timestamp,
) -> Option<Condition> {
    let age = now.duration_since(since);
    if age < limits.failed_delivery {
        return None;
    }
    let what = counted(count, "inbox message waits", "inbox messages wait");
    let text = format!(
        "{what} to be processed, the oldest for {}. They are stored; the log shows the error.",
        rounded(age)
    );
    let summary = "inbox messages waited to be processed";
    Some(Condition::new(ConditionKind::Inbox, summary, text).affecting(count, Vec::new()))
}

/// Deliveries that a newer version left, and that this one never sends.
fn unknown_delivery(sink: Sink, unknown: &UnknownValue) -> Condition {
    let destination = destination(sink);
    let text = format!(
        "At least one delivery to {destination} is not sent: {unknown}. Start the newer version of livekit-airtable again."
    );
    let summary = format!("deliveries to {destination} were of a newer version");
    Condition::new(ConditionKind::UnknownDelivery(sink), summary, text)
}

fn destination(sink: Sink) -> &'static str {
    match sink {
        Sink::Airtable => "Airtable",
        Sink::Mirror => "EGRESS_WEBHOOK_URL",
        Sink::Storage => "the bucket",
        Sink::Egress => "LiveKit (start or stop of a recording)",
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn affected(last: Option<i64>, began: &[i64], now: i64) -> Option<i64> {
        let live = began.iter().map(|b| (format!("RM_{b}"), at(*b)));
        let gap = WebhookGap {
            last_webhook_at: last.map(at),
            live: live.collect(),
        };
        let limits = Thresholds::new(SignedDuration::ZERO, at(0));
        no_webhooks(&gap, &limits, at(now)).map(|condition| condition.count)
    }

    #[test]
    fn webhooks_are_missed_when_a_room_began_without_one() {
        assert_eq!(
            affected(Some(5), &[10, 20], 64),
            None,
            "not for an hour yet"
        );
        assert_eq!(affected(Some(5), &[10, 20], 65), Some(2));
        assert_eq!(affected(Some(5), &[4], 500), None, "a long and quiet call");
        assert_eq!(affected(Some(5), &[], 500), None, "nobody called");
        assert_eq!(affected(Some(5), &[500], 500), None, "it may be under way");
        assert_eq!(affected(None, &[30], 59), None, "the service is young");
        assert_eq!(affected(None, &[30], 60), Some(1), "none ever came");
        assert_eq!(affected(None, &[-30], 100), None, "older than the service");
    }

    #[test]
    fn texts_have_counts_and_name_no_more_than_three_calls() {
        let ids = (0..50).map(|n| format!("RM_{n}")).collect();
        let condition = unrecorded(ids).unwrap();
        assert_eq!((condition.count, condition.text.calls.len()), (50, 3));
        let what = &condition.text.what;
        assert!(what.starts_with("50 calls are live and are not"));
        assert!(unrecorded(Vec::new()).is_none());
        let backlog = Backlog {
            sink: Sink::Airtable,
            count: 1,
            oldest_created_at: at(0),
            calls: vec!["RM_1".into()],
        };
        let condition = waiting(backlog, at(11));
        assert!(
            condition
                .text
                .what
                .starts_with("1 call waits for Airtable, the oldest for 11 min.")
        );
    }
}
