//! How deliveries become due when a call changes.

use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::{
    error::Result,
    sql::{rows, wide_chunks},
};
use crate::domain::Sink;

/// A change of the call makes its delivery due again. One that waits after a failure keeps waiting, a parked one stays
/// parked.
const UPDATE: &str = "DO UPDATE SET revision = excluded.revision,
  due_at = CASE WHEN deliveries.state = 'parked' OR (deliveries.state = 'pending' AND deliveries.attempts > 0)
    THEN deliveries.due_at ELSE excluded.due_at END,
  created_at = CASE WHEN deliveries.state = 'done' THEN excluded.created_at ELSE deliveries.created_at END,
  state = CASE WHEN deliveries.state = 'parked' THEN 'parked' ELSE 'pending' END";

/// A delivery that a change of a call makes due.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewDelivery<'a> {
    /// To whom.
    pub sink: Sink,
    /// Of which call.
    pub call_id: &'a str,
    /// The egress ID if the sink works per recording, otherwise empty.
    pub item: &'a str,
    /// The call's revision that is to be delivered.
    pub revision: i64,
}

/// When a sink gets a change.
#[derive(Clone, Copy)]
struct Terms {
    conflict: &'static str,
    /// Milliseconds from now until it is due.
    delay: i64,
}

/// The mirror gets a recording's end once; its first attempt waits a moment for the bucket's answer.
const ONCE: Terms = Terms {
    conflict: "DO NOTHING",
    delay: 1000,
};
const EACH_CHANGE: Terms = Terms {
    conflict: UPDATE,
    delay: 0,
};

/// Makes deliveries due, those of these sinks.
pub(super) async fn enqueue(
    connection: &mut AnyConnection,
    mut due: Vec<NewDelivery<'_>>,
    sinks: &[Sink],
    now: Timestamp,
) -> Result<()> {
    due.retain(|one| sinks.contains(&one.sink));
    let (mirror, others): (Vec<_>, Vec<_>) =
        due.into_iter().partition(|one| one.sink == Sink::Mirror);
    insert(connection, &mirror, ONCE, now).await?;
    insert(connection, &others, EACH_CHANGE, now).await
}

async fn insert(
    connection: &mut AnyConnection,
    due: &[NewDelivery<'_>],
    terms: Terms,
    now: Timestamp,
) -> Result<()> {
    for chunk in wide_chunks(due) {
        let rows = rows(chunk.len(), 1, 6, ", 0, 'pending', 0, '{}', '[]'");
        let sql = format!(
            "INSERT INTO deliveries (sink, call_id, part, revision, due_at, created_at, delivered, state, attempts, memo, history)
             VALUES {rows} ON CONFLICT (sink, call_id, part) {}",
            terms.conflict
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for one in chunk {
            query = query
                .bind(one.sink.as_str())
                .bind(one.call_id)
                .bind(one.item)
                .bind(one.revision)
                .bind(now.as_millisecond() + terms.delay)
                .bind(now.as_millisecond());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Makes the delivery of a call to LiveKit due at once and forgets its failures: somebody asks now, and LiveKit's last
/// answer may no longer hold. One that is in flight is due again after it (`finish`).
pub(super) async fn expedite(
    connection: &mut AnyConnection,
    call_id: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "UPDATE deliveries SET state = 'pending', due_at = $1, attempts = 0, last_error = NULL
         WHERE sink = $2 AND call_id = $3 AND state IN ('pending', 'dead')",
    )
    .bind(now.as_millisecond())
    .bind(Sink::Egress.as_str())
    .bind(call_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes the mirror's delivery of a recording due again. If it is still pending or in flight, it sends the newest state anyway.
pub(super) async fn correct(
    connection: &mut AnyConnection,
    (call_id, egress_id): (&str, &str),
    revision: i64,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "UPDATE deliveries SET revision = $1, attempts = CASE WHEN state = 'pending' THEN attempts ELSE 0 END,
           due_at = CASE WHEN state = 'pending' THEN due_at ELSE $2 END,
           created_at = CASE WHEN state = 'pending' THEN created_at ELSE $3 END, state = 'pending'
         WHERE sink = $4 AND call_id = $5 AND part = $6",
    )
    .bind(revision)
    .bind(now.as_millisecond() + ONCE.delay)
    .bind(now.as_millisecond())
    .bind(Sink::Mirror.as_str())
    .bind(call_id)
    .bind(egress_id)
    .execute(connection)
    .await?;
    Ok(())
}
