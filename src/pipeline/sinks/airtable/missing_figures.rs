//! Figures that the table has no columns for: a base that was set up by an earlier version. Rows are written without them,
//! and the log says once a day what adds them.

use jiff::{SignedDuration, Timestamp};

use super::table::Table;
use crate::airtable::{Column, Schema, Step};

/// How often it is logged.
const EACH: SignedDuration = SignedDuration::from_hours(24);

/// Logs which figures the table lacks, unless that was logged within a day, or none is missing. `logged_at`: the last time.
pub(super) fn log_missing_figures(
    logged_at: &mut Option<Timestamp>,
    schema: &Schema,
    table: &Table,
    now: Timestamp,
) {
    if !is_due(*logged_at, now) {
        return;
    }
    let is_missing = |column: &&Column| !table.mapping.columns.contains_key(&column.name);
    let figures = schema.enabled().filter(|it| it.from.is_figure());
    let columns: Vec<&str> = figures
        .filter(is_missing)
        .map(|column| column.name.as_str())
        .collect();
    if columns.is_empty() {
        return;
    }
    *logged_at = Some(now);
    tracing::warn!(
        ?columns,
        "the table lacks columns for figures, so rows are written without them; `livekit-airtable bootstrap` adds the columns, \
         and `livekit-airtable replay` then fills them"
    );
}

/// Also after the clock was set back.
fn is_due(logged_at: Option<Timestamp>, now: Timestamp) -> bool {
    logged_at.is_none_or(|at| now.duration_since(at) >= EACH || now < at)
}

/// Whether a step is about a missing column for a figure, which is logged by itself.
pub(super) fn is_missing_figure(schema: &Schema, step: &Step) -> bool {
    let Step::CreateColumn { column, .. } = step else {
        return false;
    };
    let column = schema.column(column);
    column.is_some_and(|column| column.from.is_figure())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_once_a_day_and_after_the_clock_was_set_back() {
        let at = |hour: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1_000 + hour);
        assert!(is_due(None, at(0)));
        assert!(!is_due(Some(at(0)), at(23)));
        assert!(is_due(Some(at(0)), at(24)));
        assert!(is_due(Some(at(0)), at(-1)));
    }
}
