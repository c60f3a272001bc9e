//! The jobs that start and stop recordings: of `serve`, and of `record` when no service runs.

use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;

use super::{Failure, serve::spawn_sink};
use crate::{
    config,
    domain::{Policy, Sink},
    livekit::client,
    pipeline::{Runner, intake::Intake, reconcile::Reconcile, sinks},
    storage,
    store::Store,
};

/// What they are told.
pub struct Recorder<'a> {
    pub livekit: &'a config::LiveKit,
    pub bucket: &'a config::Storage,
    pub recording: &'a config::Recording,
    pub times: &'a config::Times,
    /// Whether the mirror is owed anything.
    pub mirrors: bool,
}

impl Recorder<'_> {
    /// Starts intake, the egress sink and reconcile.
    pub async fn start(
        &self,
        store: &Store,
        runner: &Runner,
        storage: &storage::Client,
        http: reqwest::Client,
    ) -> anyhow::Result<()> {
        let began_at = store.begin((runner.clock)()).await;
        let began_at = began_at.context("DATABASE_URL: the database cannot be written")?;
        let client = client::Client::new(livekit_config(self.livekit), http);
        let mut due_deliveries = vec![Sink::Egress, Sink::Storage, Sink::Airtable];
        if self.mirrors {
            due_deliveries.push(Sink::Mirror);
        }
        runner.spawn(Arc::new(Intake {
            store: store.clone(),
            policy: policy(self.recording, began_at)?,
            sinks: due_deliveries,
            wake: runner.wake.clone(),
        }));
        runner.spawn(Arc::new(Reconcile {
            client: client.clone(),
            store: store.clone(),
            wake: runner.wake.clone(),
            interval: self.times.reconcile_interval,
            lost_after: self.times.egress_lost_after,
        }));
        let egress = sinks::egress::Egress {
            client,
            output: output(self.bucket, self.recording),
            store: store.clone(),
            storage: storage.clone(),
            path: self.recording.path.clone(),
            lost_after: self.times.egress_lost_after,
            clock: runner.clock,
        };
        spawn_sink(runner, store, egress);
        Ok(())
    }
}

/// RECORD_ON and RECORD_ROOMS; `began_at`: when the service first ran.
fn policy(recording: &config::Recording, began_at: Timestamp) -> Result<Policy, Failure> {
    let mut policy = Policy::new(recording.on, &recording.rooms)
        .map_err(|error| Failure::Usage(format!("RECORD_ROOMS: {error}")))?;
    policy.began_at = began_at;
    Ok(policy)
}

pub fn livekit_config(livekit: &config::LiveKit) -> client::Config {
    client::Config {
        url: livekit.url.clone(),
        api_key: livekit.api_key.clone(),
        api_secret: livekit.api_secret.clone(),
    }
}

fn output(storage: &config::Storage, recording: &config::Recording) -> client::Output {
    let endpoint = storage.egress_endpoint.clone();
    client::Output {
        upload: client::Upload {
            access_key: storage.access_key.clone(),
            secret_key: storage.secret_key.clone(),
            region: storage.region.clone(),
            endpoint: endpoint.or_else(|| storage.endpoint.clone()),
            bucket: storage.bucket.clone(),
        },
        file_type: recording.file_type,
        channels: recording.channels,
    }
}
