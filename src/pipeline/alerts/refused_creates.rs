//! Checks whether Airtable refuses new rows while it updates existing ones.

use super::condition::{Condition, ConditionKind};
use crate::{
    domain::counted,
    store::{Setting, Store},
};

/// The condition that new rows are refused.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn find(store: &Store) -> anyhow::Result<Option<Condition>> {
    let error = store.get(Setting::RefusedCreates).await?;
    let Some(error) = error.filter(|error| !error.is_empty()) else {
        return Ok(None);
    };
    let Some(parked) = store.refused_creates().await? else {
        return Ok(None);
    };
    let error = error.trim_end_matches('.');
    let count = parked.count;
    let what = counted(count, "call waits for its row", "calls wait for their rows");
    let text = format!(
        "Airtable creates no new rows: {error}. Existing rows are updated; {what}. New rows are retried automatically."
    );
    let summary = "Airtable created no new rows";
    let condition = Condition::new(ConditionKind::RefusedCreates, summary, text);
    let condition = condition.affecting(count, parked.calls);
    let commands = "`livekit-airtable redrive` retries them at once.";
    Ok(Some(condition.with_commands(commands)))
}
