//! The end of attempts: how each ended, and what is remembered of it.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::AnyConnection;

use super::{
    delivery::{AttemptRecord, Delivery, DeliveryState},
    error::Result,
    inbox_writer,
    message::InboxMessage,
    open::Store,
    sql::{NEVER, text},
};

/// Attempts that are remembered, and how much of each one's error.
const HISTORY: usize = 20;
const HISTORY_CHARS: usize = 500;

/// How an attempt ended.
#[derive(Debug)]
pub struct Finish {
    /// The delivery's state after it.
    pub state: DeliveryState,
    /// Whether anything was tried; otherwise the last try still holds.
    pub tried: bool,
    /// When the next attempt is due; `None`: never by itself.
    pub due_at: Option<Timestamp>,
    /// Why it failed; after a success, a warning.
    pub error: Option<String>,
    /// The sink's state of the call from now on.
    pub sink_state: Value,
    /// The sink's observations, for the inbox.
    pub messages: Vec<InboxMessage>,
}

impl Finish {
    /// The attempts up to this one. To come too early is none.
    fn history(&self, before: &[AttemptRecord], now: Timestamp) -> Vec<AttemptRecord> {
        let mut history = before.to_vec();
        if !self.tried || self.state == DeliveryState::Pending && self.error.is_none() {
            return history;
        }
        let error = self.error.as_deref();
        history.push(AttemptRecord {
            at: now,
            state: self.state,
            error: error.map(|error| text(error).chars().take(HISTORY_CHARS).collect()),
            next_at: self.due_at,
        });
        let over = history.len().saturating_sub(HISTORY);
        history.split_off(over)
    }
}

impl Store {
    /// Ends attempts and their claims, all or none. Each is guarded by the revision that was sent and by what was delivered
    /// before it: a change of the call and a redrive of everything that came in flight stay due. What another process has
    /// claimed meanwhile is that one's to end.
    pub async fn finish(&self, ends: &[(&Delivery, Finish)], now: Timestamp) -> Result<()> {
        let mut ends: Vec<_> = ends.iter().collect();
        // In intake's order: two transactions that lock the same rows in different orders would wait for each other.
        ends.sort_by_key(|(sent, _)| (&sent.key.call_id, &sent.key.item));
        let mut transaction = self.write.begin().await?;
        for (sent, finish) in ends {
            finish_one(&mut transaction, self.process(), (sent, finish), now).await?;
            inbox_writer::insert(&mut transaction, self.process(), finish.messages.clone()).await?;
        }
        Ok(transaction.commit().await?)
    }
}

async fn finish_one(
    connection: &mut AnyConnection,
    process: &str,
    (sent, finish): (&Delivery, &Finish),
    now: Timestamp,
) -> Result<()> {
    let done = finish.state == DeliveryState::Done;
    // Fewer attempts than were read: somebody asked for a new attempt while this one was in flight.
    // An attempt that was only too early has not failed: a change of the call need not wait.
    let failed = i64::from(finish.error.is_some());
    sqlx::query(
        "UPDATE deliveries SET
           delivered = CASE WHEN $1 = 'done' AND delivered >= $12 THEN $2 ELSE delivered END,
           state = CASE WHEN (revision > $2 OR delivered < $12) AND $1 IN ('done', 'dead') THEN 'pending' ELSE $1 END,
           due_at = CASE WHEN (revision > $2 OR delivered < $12) AND $1 IN ('done', 'dead') OR attempts < $13 AND $1 = 'pending'
             THEN $3 ELSE $4 END,
           attempts = CASE WHEN $1 <> 'done' AND attempts < $13 THEN $14 ELSE $5 END, last_error = $6, memo = $7, history = $8,
           claimed_by = NULL
         WHERE sink = $9 AND call_id = $10 AND part = $11 AND COALESCE(claimed_by, $15) = $15",
    )
    .bind(finish.state.as_str())
    .bind(sent.revision)
    .bind(now.as_millisecond())
    .bind(finish.due_at.map_or(NEVER, Timestamp::as_millisecond))
    .bind(if done { 0 } else { sent.attempts + failed })
    .bind(finish.error.as_deref().map(text).filter(|_| !done))
    .bind(finish.sink_state.to_string())
    .bind(serde_json::to_string(&finish.history(&sent.history, now))?)
    .bind(sent.key.sink.as_str())
    .bind(sent.key.call_id.as_str())
    .bind(sent.key.item.as_str())
    .bind(sent.delivered)
    .bind(sent.attempts)
    .bind(failed)
    .bind(process)
    .execute(&mut *connection)
    .await?;
    Ok(())
}
