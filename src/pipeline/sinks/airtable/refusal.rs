//! What becomes of a row that Airtable refuses: nine good rows land, and a column that a user changed costs the row a
//! line in Error, not the row.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Map, Value};

use super::{Airtable, Memo, Row, attempt};
use crate::{
    airtable::{Class, Error, Mapping},
    pipeline::deliver::{Answer, Attempt, Due},
};

const CONFIGURATION: Duration = Duration::from_secs(60);
const QUOTA: Duration = Duration::from_secs(3600);

impl Airtable {
    /// What becomes of one row that Airtable refused; `None` when it is tried again at once.
    pub(super) async fn refused(
        &self,
        mut row: Row,
        due: &Due,
        error: &Error,
        mapping: &Mapping,
        groups: &mut Vec<Vec<Row>>,
    ) -> Option<Attempt> {
        match error.class() {
            Class::RowGone => {
                row.memo = Memo {
                    text: row.memo.text,
                    ..Memo::default()
                };
                if due.delivery.delivered >= due.delivery.revision {
                    // Somebody deleted the row, and a fresh URL is no news of the call.
                    return Some(attempt(Answer::Delivered { again: None }, &row.memo));
                }
                // It comes back whole, with URLs signed anew.
                let error = error.to_string();
                let after = Some(Duration::ZERO);
                Some(attempt(Answer::Retry { after, error }, &row.memo))
            }
            Class::Row {
                column: Some(named),
            } => {
                let name = self.our_column(&named, mapping);
                let name = name.filter(|name| row.changed.contains_key(name));
                let Some(name) = name else {
                    return Some(row.unsent(due, answer(error)));
                };
                tracing::warn!(
                    column = name,
                    "Airtable does not take our values for a column; it is left out"
                );
                let refused = {
                    let mut table = self.table.lock().await;
                    table.refused.insert(name.clone());
                    table.refused.clone()
                };
                row.changed.remove(&name);
                row.cells.remove(&name);
                self.tell_refused(&mut row.cells, &refused);
                let line = self.schema.enabled().find(|column| column.from == "error");
                if let Some(line) = line {
                    let text = row.cells.get(&line.name).cloned().unwrap_or_default();
                    row.changed.insert(line.name.clone(), text);
                }
                groups.push(vec![row]);
                None
            }
            Class::UnknownField => {
                self.table.lock().await.mapping = None;
                let answer = Answer::Retry {
                    after: None,
                    error: error.to_string(),
                };
                Some(row.unsent(due, answer))
            }
            // The table may have been made anew, with other ids: the probe looks.
            Class::Configuration => {
                self.table.lock().await.mapping = None;
                Some(row.unsent(due, answer(error)))
            }
            _ => Some(row.unsent(due, answer(error))),
        }
    }

    /// Columns that users changed cost the row a line in Error, not the row.
    pub(super) fn tell_refused(&self, cells: &mut Map<String, Value>, refused: &BTreeSet<String>) {
        let error = self.schema.enabled().find(|column| column.from == "error");
        let Some(error) = error.filter(|_| !refused.is_empty()) else {
            return;
        };
        let names: Vec<String> = refused.iter().map(|name| format!("“{name}”")).collect();
        let line = format!(
            "Airtable does not take our values for {}.",
            names.join(", ")
        );
        let before = cells.get(&error.name).and_then(Value::as_str).unwrap_or("");
        let text = [before, &line].join("\n").trim().to_owned();
        cells.insert(error.name.clone(), Value::String(text));
    }

    /// The name of the column that Airtable names by id or name, unless it is the key.
    fn our_column(&self, named: &str, mapping: &Mapping) -> Option<String> {
        let mut columns = mapping.columns.iter();
        let (name, _) = columns.find(|(name, id)| *name == named || *id == named)?;
        (*name != self.schema.key().name).then(|| name.clone())
    }
}

/// What an error means for everything that was in the request.
pub(super) fn answer(error: &Error) -> Answer {
    let text = error.to_string();
    match error.class() {
        Class::Retry { after } => Answer::Retry { after, error: text },
        Class::Locked { after } => Answer::Retry {
            after: Some(after),
            error: text,
        },
        Class::Quota => Answer::Closed {
            after: QUOTA,
            error: text,
        },
        // A probe asks our own count, so this sends nothing.
        Class::Spent { rest } => Answer::Closed {
            after: rest,
            error: text,
        },
        Class::Configuration => Answer::Closed {
            after: CONFIGURATION,
            error: text,
        },
        Class::UnknownField => Answer::Retry {
            after: None,
            error: text,
        },
        Class::Row { .. } | Class::RowGone | Class::TooLarge => Answer::Dead { error: text },
    }
}
