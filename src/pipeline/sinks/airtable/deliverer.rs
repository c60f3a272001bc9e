//! How batches of calls come to the sink.

use jiff::Timestamp;

use super::{batch::WriteBatch, outcome, sink::Airtable};
use crate::{
    domain::Sink,
    pipeline::deliver::{Attempt, Deliverer, Due, Line, Place},
};

/// Rows in a request: what Airtable takes.
const ROWS: usize = 10;

impl Deliverer for Airtable {
    fn sink(&self) -> Sink {
        Sink::Airtable
    }

    fn batch(&self) -> usize {
        ROWS
    }

    fn parallel(&self) -> usize {
        5
    }

    async fn ready(&self, now: Timestamp) -> anyhow::Result<Option<Place>> {
        let line = self.client.ready().await;
        let gather = self.budget.batch_policy(now).await?;
        Ok(Some(Place { gather, line }))
    }

    async fn deliver(&self, due: &[Due], line: Line, now: Timestamp) -> Vec<Attempt> {
        match self.table(now).await {
            Ok(table) => WriteBatch::new(self, due, now, table).run(line).await,
            Err(error) => {
                let answer = outcome::of(&error);
                let attempt = |due: &Due| Attempt::new(answer.clone(), &due.delivery.memo);
                due.iter().map(attempt).collect()
            }
        }
    }
}
