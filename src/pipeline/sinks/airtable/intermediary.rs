//! Rows that an intermediary on the way to Airtable refuses: a firewall that objects to a sentence, or a proxy that blocks
//! all writes.

use std::{sync::atomic::Ordering, time::Duration};

use super::{
    batch::WriteBatch,
    outcome::{self, CONFIGURATION},
    row::Row,
};
use crate::{airtable::Error, pipeline::deliver::Outcome};

/// A row that is refused alone is retried after this time; each refusal doubles it.
const FIRST_RETRY: Duration = Duration::from_secs(15 * 60);
const LONGEST_RETRY: Duration = Duration::from_secs(86_400);

const REFUSED_ROW: &str = "a proxy or firewall between this service and Airtable refuses this row, while Airtable can be read. Other rows are \
     written. Allow every request to the Airtable API there, then run `livekit-airtable redrive`; until then it is rarely retried. The answer was ";
const REFUSED_WRITES: &str = "a proxy or firewall between this service and Airtable refuses every write, while Airtable can be read. Allow \
     PATCH requests to the Airtable API there. The answer was ";

impl WriteBatch<'_> {
    /// If Airtable can be read, finds the row at fault; otherwise the token, the address or the proxy is at fault.
    pub(super) async fn refused_on_the_way(&mut self, rows: Vec<Row>, error: &Error) {
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

    /// Parks a single refused row. If none of several rows gets through, every write is refused, and the sink is paused.
    pub(super) fn end_stopped(&mut self) {
        let stopped = std::mem::take(&mut self.stopped);
        let landed = self.updated + self.created > 0;
        if landed {
            self.sink.writes_refused.store(false, Ordering::Relaxed);
        }
        if stopped.is_empty() {
            return;
        }
        if stopped.len() > 1 && !landed {
            self.sink.writes_refused.store(true, Ordering::Relaxed);
        }
        let all = self.sink.writes_refused.load(Ordering::Relaxed);
        for (row, answer) in stopped {
            let attempts = self.due[row.index].delivery.attempts.clamp(0, 7) as u32;
            let outcome = match all {
                true => Outcome::PauseSink {
                    after: CONFIGURATION,
                    error: format!("{REFUSED_WRITES}{answer}"),
                },
                false => Outcome::Park {
                    after: (FIRST_RETRY * 2_u32.pow(attempts)).min(LONGEST_RETRY),
                    error: format!("{REFUSED_ROW}{answer}"),
                },
            };
            self.finish_unsent(row, outcome);
        }
    }

    /// Ends all rows with the outcome of an error that no single row has caused.
    pub(super) fn end_all(&mut self, rows: Vec<Row>, error: &Error) {
        for row in rows {
            self.finish_unsent(row, outcome::of(error));
        }
    }
}
