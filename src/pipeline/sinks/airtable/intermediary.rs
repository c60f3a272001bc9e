//! Rows that something on the way to Airtable refuses: a firewall that dislikes a sentence, or a proxy that lets no write
//! pass.

use std::{sync::atomic::Ordering, time::Duration};

use super::{
    batch::WriteBatch,
    outcome::{self, CONFIGURATION},
    row::Row,
};
use crate::{airtable::Error, pipeline::deliver::Outcome};

/// When a row that is refused alone is tried again; each refusal doubles it.
const FIRST_RETRY: Duration = Duration::from_secs(15 * 60);
const LONGEST_RETRY: Duration = Duration::from_secs(86_400);

const REFUSED_ROW: &str = "a proxy or firewall between this service and Airtable refuses this row, while Airtable can be read. Other rows are \
     written. Let it pass every request to the Airtable API, then run `livekit-airtable redrive`; until then it is tried rarely. The answer was ";
const REFUSED_WRITES: &str = "a proxy or firewall between this service and Airtable refuses every write, while Airtable can be read. Let it \
     pass PATCH requests to the Airtable API. The answer was ";

impl WriteBatch<'_> {
    /// While Airtable can be read, the row at fault is looked for; else it is about the token, the address or the proxy.
    pub(super) async fn refused_on_the_way(&mut self, rows: Vec<Row>, error: &Error) {
        if !self.can_read {
            match self.sink.table_after(&self.table, self.now).await {
                Ok(table) => (self.table, self.can_read) = (table, true),
                Err(error) => {
                    // The table may be another one when it works again.
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

    /// One row that is refused is parked; if no row of several gets through, no row would.
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

    /// Ends all of the rows with the outcome of an error that is not about them.
    pub(super) fn end_all(&mut self, rows: Vec<Row>, error: &Error) {
        for row in rows {
            self.finish_unsent(row, outcome::of(error));
        }
    }
}
