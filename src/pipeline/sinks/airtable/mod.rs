//! The Airtable sink: one row per call, ten rows a request, changed columns only.
//!
//! A [`trip::Trip`] brings a batch of calls to their rows. What the table is like is in [`table`], what a row should
//! say and what of it is news in [`row`], its links in [`addresses`], the copy of the recording in [`attachment`], and
//! what becomes of rows that Airtable refuses in [`refusal`].

mod addresses;
mod attachment;
mod news;
mod refusal;
mod row;
mod table;
mod trip;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Mutex;

pub use news::news;

use crate::{
    airtable::{Client, Schema},
    domain::{Sink, link::LinkRules},
    pipeline::{
        Wake,
        budget::Budget,
        deliver::{Attempt, BatchPermit, Deliverer, Due, Slot},
    },
    storage,
    store::Store,
};

/// Airtable takes ten rows a request.
const ROWS: usize = 10;

pub struct Airtable {
    pub client: Client,
    pub schema: Schema,
    pub store: Store,
    pub storage: storage::Client,
    pub links: LinkRules,
    pub wake: Arc<Wake>,
    /// RECORDING_PATH's key for the transcript of a call without a recording.
    pub path: String,
    pub table: Mutex<table::Known>,
    pub budget: Budget,
}

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

    async fn ready(&self, now: Timestamp) -> anyhow::Result<Option<Slot>> {
        let permit = self.client.ready().await;
        let policy = self.budget.gather(now).await?;
        Ok(Some(Slot { policy, permit }))
    }

    async fn deliver(&self, due: &[Due], permit: BatchPermit, now: Timestamp) -> Vec<Attempt> {
        match self.table(now).await {
            Ok(table) => trip::Trip::new(self, due, now, table).run(permit).await,
            Err(error) => {
                let outcome = refusal::answer(&error);
                let attempt = |due: &Due| Attempt::new(outcome.clone(), &due.delivery.sink_state);
                due.iter().map(attempt).collect()
            }
        }
    }
}
