//! Rows that an intermediary on the way to Airtable refuses: a firewall that objects to a sentence, or a proxy that blocks
//! all writes.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{
    batch::WriteBatch,
    outcome::{self, CONFIGURATION},
    refused_writes::MANY,
    row::Row,
    state::SinkState,
};
use crate::{
    airtable::{AnsweredBy, Class, Error},
    domain::Sink,
    pipeline::deliver::{Due, Outcome},
};

/// A row that is refused alone is retried after this time; each refusal doubles it.
const FIRST_RETRY: Duration = Duration::from_secs(15 * 60);
const LONGEST_RETRY: Duration = Duration::from_secs(86_400);
/// A probe of a block of all writes takes several requests, so it comes at longer and longer intervals, up to 8 minutes.
const PROBE_DOUBLINGS: i64 = 3;
/// How many known rows are tried at most, and how many of them at least.
const KNOWN_ROWS: i64 = 5;
const MIN_TRIED: usize = 2;

const REFUSED_ROW: &str = "a proxy or firewall between this service and Airtable refuses this row, while Airtable can be read. ";
const OTHERS_LAND: &str = "Other rows are written. ";
const REMEDY: &str = "Allow every request to the Airtable API there, then run `livekit-airtable redrive`; until then it is rarely retried. \
     The answer was ";
const REFUSED_WRITES: &str = "a proxy or firewall between this service and Airtable refuses every write, while Airtable can be read. Allow \
     PATCH requests to the Airtable API there.";

/// What an intermediary refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Single rows: other writes get through.
    Rows,
    /// Too few writes were refused to know.
    Unknown,
    /// Every write, those of this many calls among them.
    Writes { calls: usize },
}

/// Whether a write that changes nothing gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    Passes,
    Refused,
    /// There was no answer.
    Failed,
}

impl WriteBatch<'_> {
    /// If Airtable can be read, finds the row at fault; otherwise the token, the address or the proxy is at fault.
    pub(super) async fn refused_on_the_way(&mut self, rows: Vec<Row>, error: &Error) {
        if rows.len() > 1 && error.class() == Class::TooLarge {
            // Half of it may fit.
            return self.split(rows, error);
        }
        if !self.can_read {
            match self.sink.table_after(&self.table, self.now).await {
                Ok(table) => (self.table, self.can_read) = (table, true),
                Err(error) => {
                    // The table may have changed when requests work again.
                    self.sink.invalidate_table().await;
                    return self.end_all(rows, &error);
                }
            }
        }
        if rows.len() > 1 {
            return self.split(rows, error);
        }
        let answer = error.refusal().map(|refusal| refusal.answer());
        let answer = answer.unwrap_or_default();
        self.stopped
            .extend(rows.into_iter().map(|row| (row, answer.clone())));
    }

    /// Parks each row that was refused alone. Only if no write gets through for many different calls, the sink is paused.
    pub(super) async fn end_stopped(&mut self) {
        let stopped = std::mem::take(&mut self.stopped);
        if self.updated + self.created > 0 {
            self.sink.writes_refused.clear();
        }
        if stopped.is_empty() {
            return;
        }
        let scope = self.scope(&stopped).await;
        for (row, answer) in stopped {
            let outcome = refused(scope, &answer, self.due[row.index].delivery.attempts);
            self.finish_unsent(row, outcome);
        }
    }

    async fn scope(&self, stopped: &[(Row, String)]) -> Scope {
        if self.updated + self.created > 0 {
            return Scope::Rows;
        }
        let refused = &self.sink.writes_refused;
        for due in self.calls_of(stopped) {
            refused.note(&due.call.id);
        }
        if refused.count() < 2 {
            return Scope::Unknown;
        }
        match self.probe(stopped).await {
            Probe::Passes => {
                refused.clear();
                Scope::Rows
            }
            Probe::Refused if refused.count() >= MANY => Scope::Writes {
                calls: refused.count(),
            },
            Probe::Refused | Probe::Failed => Scope::Unknown,
        }
    }

    /// Writes the keys of known rows, which changes nothing, until one gets through or enough are refused.
    async fn probe(&self, stopped: &[(Row, String)]) -> Probe {
        let (table_id, Some(key)) = (&self.table.mapping.table_id, self.key_field()) else {
            return Probe::Failed;
        };
        let mut tried = 0;
        for (call_id, record) in self.known_rows(stopped).await {
            let refused = self.sink.writes_refused.count();
            if tried >= MIN_TRIED && refused >= MANY {
                break;
            }
            let cells = Map::from_iter([(key.to_owned(), Value::String(call_id.clone()))]);
            match self.sink.client.update(table_id, &[(record, cells)]).await {
                Ok(_) => return Probe::Passes,
                Err(error) if error.is_of_an_intermediary() => {
                    self.sink.writes_refused.note(&call_id);
                    tried += 1;
                }
                Err(error) if error.class() == Class::RowGone => {}
                Err(error) if is_airtables(&error) => return Probe::Passes,
                Err(_) => return Probe::Failed,
            }
        }
        Probe::Refused
    }

    /// Calls whose rows are known, with their record IDs: those of other calls first.
    async fn known_rows(&self, stopped: &[(Row, String)]) -> Vec<(String, String)> {
        let table_id = &self.table.mapping.table_id;
        let record = |state: &Value| SinkState::in_table(state, table_id).record_id;
        let is_here = |id: &str| self.due.iter().any(|due| *due.call.id == *id);
        let store = &self.sink.store;
        let limit = KNOWN_ROWS + self.due.len() as i64;
        let known = store.sink_states(Sink::Airtable, limit).await;
        let others = known.unwrap_or_default().into_iter();
        let others = others.filter(|(call_id, _)| !is_here(call_id));
        let others = others.filter_map(|(call_id, state)| Some((call_id, record(&state)?)));
        let ours = self.calls_of(stopped).filter_map(|due| {
            let record = record(&due.delivery.sink_state)?;
            Some((due.call.id.to_string(), record))
        });
        others.take(KNOWN_ROWS as usize).chain(ours).collect()
    }

    fn calls_of(&self, stopped: &[(Row, String)]) -> impl Iterator<Item = &Due> {
        stopped.iter().map(|(row, _)| &self.due[row.index])
    }

    /// Ends all rows with the outcome of an error that no single row has caused.
    pub(super) fn end_all(&mut self, rows: Vec<Row>, error: &Error) {
        for mut row in rows {
            row.done.http_status = error.status();
            self.finish_unsent(row, outcome::of(error));
        }
    }
}

/// Whether Airtable itself has answered, so that the request got through.
fn is_airtables(error: &Error) -> bool {
    let refusal = error.refusal();
    refusal.is_some_and(|refusal| refusal.answered_by == AnsweredBy::Airtable)
}

/// The outcome of a row after `attempts` failed ones; `answer` is the intermediary's.
fn refused(scope: Scope, answer: &str, attempts: i64) -> Outcome {
    let doublings = |most: i64| 2_u32.pow(attempts.clamp(0, most) as u32);
    let others = match scope {
        Scope::Writes { calls } => {
            return Outcome::PauseSink {
                after: CONFIGURATION * doublings(PROBE_DOUBLINGS),
                error: format!(
                    "{REFUSED_WRITES} The writes of {calls} calls were refused, and none got through since. The answer was {answer}"
                ),
            };
        }
        Scope::Rows => OTHERS_LAND,
        Scope::Unknown => "",
    };
    Outcome::Park {
        after: (FIRST_RETRY * doublings(7)).min(LONGEST_RETRY),
        error: format!("{REFUSED_ROW}{others}{REMEDY}{answer}"),
    }
}
