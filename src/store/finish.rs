//! The end of attempts: how each ended, and what is remembered of it.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    attempt::{self, AttemptDetails, AttemptRecord},
    delivery::Delivery,
    delivery_state::DeliveryState,
    delivery_writer::DeliveryWrite,
    end::End,
    error::Result,
    message::InboxMessage,
    open::Store,
    sql::{NEVER, text},
};

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
    /// How long it took, the other side's answer, and what it did.
    pub details: AttemptDetails,
    /// The sink's state of the call from now on.
    pub sink_state: Value,
    /// The sink's observations, for the inbox.
    pub messages: Vec<InboxMessage>,
}

impl Finish {
    /// The attempts up to this one. To come too early is none.
    fn history(&self, before: &[AttemptRecord], now: Timestamp) -> Vec<AttemptRecord> {
        if !self.tried || self.state == DeliveryState::Pending && self.error.is_none() {
            return before.to_vec();
        }
        let attempt = AttemptRecord {
            at: now,
            state: self.state,
            error: self.error.clone(),
            next_at: self.due_at,
            details: Some(self.details.clone()),
        };
        attempt::and_one(before, attempt)
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
        let rows = ends.iter().map(|(sent, finish)| end(sent, finish, now));
        let rows = rows.collect::<Result<Vec<End>>>()?;
        let messages = ends.iter().flat_map(|(_, finish)| &finish.messages);
        let messages = messages.cloned().collect();
        let ends = DeliveryWrite::Ends(rows, messages);
        self.deliveries.write(ends).await
    }
}

/// What is written of an attempt that ended.
fn end(sent: &Delivery, finish: &Finish, now: Timestamp) -> Result<End> {
    let done = finish.state == DeliveryState::Done;
    let failed = i64::from(finish.error.is_some());
    Ok(End {
        key: sent.key.clone(),
        state: finish.state,
        sent_revision: sent.revision,
        sent_delivered: sent.delivered,
        sent_attempts: sent.attempts,
        attempts: if done { 0 } else { sent.attempts + failed },
        failed,
        due_at: finish.due_at.map_or(NEVER, Timestamp::as_millisecond),
        now: now.as_millisecond(),
        error: finish.error.as_deref().map(text).filter(|_| !done),
        memo: finish.sink_state.to_string(),
        attempts_made: attempt::write(&finish.history(&sent.history, now))?,
    })
}
