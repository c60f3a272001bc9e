//! The end of an attempt, as it is written.

use sqlx::AnyConnection;

use super::{
    attempt::StoredAttempts, delivery::DeliveryKey, delivery_state::DeliveryState, error::Result,
};

/// The state of a delivery after an attempt, and what was sent.
pub(super) struct End {
    pub(super) key: DeliveryKey,
    pub(super) state: DeliveryState,
    pub(super) sent_revision: i64,
    pub(super) sent_delivered: i64,
    pub(super) sent_attempts: i64,
    pub(super) attempts: i64,
    /// 1 if it failed, else 0. An attempt that was only too early has not failed: a change of the call need not wait.
    pub(super) failed: i64,
    pub(super) due_at: i64,
    pub(super) now: i64,
    pub(super) error: Option<String>,
    pub(super) memo: String,
    pub(super) attempts_made: StoredAttempts,
}

/// Writes it, unless another process has claimed the delivery meanwhile.
pub(super) async fn write(connection: &mut AnyConnection, process: &str, end: &End) -> Result<()> {
    // Fewer attempts than were read: somebody asked for a new attempt while this one was in flight.
    sqlx::query(
        "UPDATE deliveries SET
           delivered = CASE WHEN $1 = 'done' AND delivered >= $12 THEN $2 ELSE delivered END,
           state = CASE WHEN (revision > $2 OR delivered < $12) AND $1 IN ('done', 'dead') THEN 'pending' ELSE $1 END,
           due_at = CASE WHEN (revision > $2 OR delivered < $12) AND $1 IN ('done', 'dead') OR attempts < $13 AND $1 = 'pending'
             THEN $3 ELSE $4 END,
           attempts = CASE WHEN $1 <> 'done' AND attempts < $13 THEN $14 ELSE $5 END, last_error = $6, memo = $7, history = $8,
           attempt_details = $16, claimed_by = NULL
         WHERE sink = $9 AND call_id = $10 AND part = $11 AND COALESCE(claimed_by, $15) = $15",
    )
    .bind(end.state.as_str())
    .bind(end.sent_revision)
    .bind(end.now)
    .bind(end.due_at)
    .bind(end.attempts)
    .bind(end.error.as_deref())
    .bind(end.memo.as_str())
    .bind(end.attempts_made.history.as_str())
    .bind(end.key.sink.as_str())
    .bind(end.key.call_id.as_str())
    .bind(end.key.item.as_str())
    .bind(end.sent_delivered)
    .bind(end.sent_attempts)
    .bind(end.failed)
    .bind(process)
    .bind(end.attempts_made.details.as_str())
    .execute(&mut *connection)
    .await?;
    Ok(())
}
