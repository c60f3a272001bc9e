//! The sinks that deliver what is known of calls: the bucket's, Airtable's and the mirror's.

use std::sync::Arc;

use super::airtable;
use crate::{
    airtable::Schema,
    config::Config,
    domain::{figures::Prices, link::LinkRules},
    mirror,
    pipeline::{
        Runner,
        budget::Budget,
        deliver::{Deliver, Deliverer},
        links::Links,
        sinks::{
            Unpriced,
            airtable::{Airtable, CreateGate},
            mirror::Mirror,
            storage::Storage,
        },
    },
    storage,
    store::Store,
};

/// Everything that the sinks need.
pub(super) struct Sinks<'a> {
    pub(super) config: &'a Config,
    pub(super) storage: &'a storage::Client,
    pub(super) links: &'a LinkRules,
    pub(super) http: reqwest::Client,
}

/// Starts the job that delivers to one sink.
pub(super) fn spawn<D: Deliverer>(runner: &Runner, store: &Store, sink: D) {
    let deliver = Deliver::new(sink, store.clone(), runner);
    runner.spawn(Arc::new(Arc::new(deliver)));
}

impl Sinks<'_> {
    /// Starts all of them; the mirror's only with EGRESS_WEBHOOK_URL.
    pub(super) fn start(&self, store: &Store, runner: &Runner, schema: Schema) {
        spawn(runner, store, self.storage());
        let budget = airtable::budget(&self.config.airtable, store, runner.clock);
        let wake = runner.wake.clone();
        let links = Links::new(store.clone(), budget.clone(), self.links, wake);
        let prices = schema.prices.clone();
        let airtable = self.airtable(store, runner, schema, budget);
        let mirror = self.mirror(store, prices, airtable.unpriced.clone());
        spawn(runner, store, airtable);
        runner.spawn(Arc::new(links));
        if let Some(mirror) = mirror {
            spawn(runner, store, mirror);
        }
    }

    fn storage(&self) -> Storage {
        Storage {
            client: self.storage.clone(),
            lost_after: self.config.times.egress_lost_after,
        }
    }

    fn airtable(&self, store: &Store, runner: &Runner, schema: Schema, budget: Budget) -> Airtable {
        let config = &self.config.airtable;
        Airtable {
            client: airtable::client(config, self.http.clone()).counted(budget.ledger()),
            budget,
            schema,
            store: store.clone(),
            storage: self.storage.clone(),
            links: self.links.clone(),
            wake: runner.wake.clone(),
            path: self.config.recording.path.clone(),
            table: Default::default(),
            writes: config.writes,
            creates: CreateGate::default(),
            writes_refused: Default::default(),
            unpriced: Unpriced::default(),
        }
    }

    fn mirror(
        &self,
        store: &Store,
        prices: Option<Arc<Prices>>,
        unpriced: Unpriced,
    ) -> Option<Mirror> {
        let config = self.config.mirror.as_ref()?;
        let (transcript, figures) = (config.transcript, config.figures);
        let config = mirror::Config {
            url: config.url.clone(),
            secret: config.secret.clone(),
        };
        Some(Mirror {
            client: mirror::Client::new(config, self.http.clone()),
            storage: self.storage.clone(),
            links: self.links.clone(),
            store: store.clone(),
            transcript,
            figures,
            prices,
            unpriced,
        })
    }
}
