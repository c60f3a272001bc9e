//! How batches of calls come to the sink.

use jiff::Timestamp;

use super::{batch::WriteBatch, outcome, sink::Airtable};
use crate::{
    domain::{Sink, budget},
    pipeline::deliver::{Attempt, BatchPermit, Deliverer, Due, Slot},
};

impl Deliverer for Airtable {
    fn sink(&self) -> Sink {
        Sink::Airtable
    }

    fn batch(&self) -> usize {
        budget::ROWS as usize
    }

    fn parallel(&self) -> usize {
        5
    }

    async fn ready(&self, now: Timestamp) -> anyhow::Result<Option<Slot>> {
        let permit = self.client.ready().await;
        let policy = self.budget.batch_policy(now).await?;
        Ok(Some(Slot { policy, permit }))
    }

    async fn deliver(&self, due: &[Due], permit: BatchPermit, now: Timestamp) -> Vec<Attempt> {
        match self.table(now).await {
            Ok(table) => WriteBatch::new(self, due, now, table).run(permit).await,
            Err(error) => {
                let outcome = outcome::of(&error);
                let attempt = |due: &Due| {
                    Attempt::new(outcome.clone(), &due.delivery.sink_state).answered(error.status())
                };
                due.iter().map(attempt).collect()
            }
        }
    }
}
