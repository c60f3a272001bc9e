//! What an attempt did with a row, for people.

use super::changed_cells::Extent;
use crate::pipeline::deliver::Attempt;

/// Columns that are named; of more, their number is.
const NAMED: usize = 6;

/// What was written in an attempt, and Airtable's last answer to it.
#[derive(Debug, Default)]
pub(super) struct Written {
    actions: Vec<String>,
    /// `None`: nothing was asked, or nobody answered.
    pub(super) http_status: Option<u16>,
}

/// Whether the table had the row before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowBefore {
    There,
    Unknown,
}

impl Written {
    /// Airtable has taken cells of these columns.
    pub(super) fn note<'a>(
        &mut self,
        before: RowBefore,
        extent: Extent,
        columns: impl Iterator<Item = &'a String>,
    ) {
        self.http_status = Some(200);
        self.actions.push(match (before, extent) {
            (RowBefore::Unknown, _) => "created the row".to_owned(),
            (RowBefore::There, Extent::FullRewrite) => "rewrote the row".to_owned(),
            (RowBefore::There, Extent::ChangedCells) => updated(columns),
        });
    }

    /// The attempt, with what it did.
    pub(super) fn explain(self, attempt: Attempt) -> Attempt {
        let attempt = attempt.answered(self.http_status);
        match self.actions.is_empty() {
            true => attempt,
            false => attempt.did(self.actions.join("; ")),
        }
    }

    /// The same of an attempt that has succeeded.
    pub(super) fn explain_success(self, attempt: Attempt) -> Attempt {
        match self.actions.is_empty() {
            true => attempt.did("nothing to change"),
            false => self.explain(attempt),
        }
    }
}

fn updated<'a>(columns: impl Iterator<Item = &'a String>) -> String {
    let columns: Vec<&str> = columns.map(String::as_str).collect();
    let more = columns.len().saturating_sub(NAMED);
    let named = columns[..columns.len() - more].join(", ");
    match more {
        0 => format!("updated {named}"),
        more => format!("updated {named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(written: Written) -> Option<String> {
        let outcome = crate::pipeline::deliver::Outcome::Delivered { again: None };
        let attempt = Attempt::new(outcome, &serde_json::Value::Null);
        written.explain_success(attempt).action
    }

    #[test]
    fn the_changed_columns_are_named_up_to_six() {
        let columns: Vec<String> = ('A'..='H').map(String::from).collect();
        let mut written = Written::default();
        let (there, unknown) = (RowBefore::There, RowBefore::Unknown);
        written.note(unknown, Extent::ChangedCells, columns.iter());
        written.note(there, Extent::ChangedCells, columns[..2].iter());
        assert_eq!(
            said(written).as_deref(),
            Some("created the row; updated A, B")
        );
        let mut written = Written::default();
        written.note(there, Extent::ChangedCells, columns.iter());
        assert_eq!(
            said(written).as_deref(),
            Some("updated A, B, C, D, E, F and 2 more")
        );
        let mut written = Written::default();
        written.note(there, Extent::FullRewrite, columns.iter());
        assert_eq!(said(written).as_deref(), Some("rewrote the row"));
        assert_eq!(
            said(Written::default()).as_deref(),
            Some("nothing to change")
        );
    }
}
