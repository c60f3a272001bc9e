//! The jobs that start and stop recordings: of `serve`, and of `record` when no service runs.

use std::sync::Arc;

use super::{Failure, serve::spawn_sink};
use crate::{
    config,
    domain::{Policy, Sink},
    livekit::egress,
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
    pub fn start(
        &self,
        store: &Store,
        runner: &Runner,
        storage: &storage::Client,
        http: reqwest::Client,
    ) -> anyhow::Result<()> {
        let client = egress_config(self.livekit, self.bucket, self.recording);
        let client = egress::Client::new(client, http);
        let mut owed = vec![Sink::Egress, Sink::Storage, Sink::Airtable];
        if self.mirrors {
            owed.push(Sink::Mirror);
        }
        runner.spawn(Arc::new(Intake {
            store: store.clone(),
            policy: policy(self.recording)?,
            sinks: owed,
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
            store: store.clone(),
            storage: storage.clone(),
            path: self.recording.path.clone(),
            lost_after: self.times.egress_lost_after,
        };
        spawn_sink(runner, store, egress);
        Ok(())
    }
}

/// RECORD_ON and RECORD_ROOMS
fn policy(recording: &config::Recording) -> Result<Policy, Failure> {
    Policy::new(recording.on, &recording.rooms)
        .map_err(|error| Failure::Usage(format!("RECORD_ROOMS: {error}")))
}

pub fn egress_config(
    livekit: &config::LiveKit,
    storage: &config::Storage,
    recording: &config::Recording,
) -> egress::Config {
    let endpoint = storage.egress_endpoint.clone();
    egress::Config {
        url: livekit.url.clone(),
        api_key: livekit.api_key.clone(),
        api_secret: livekit.api_secret.clone(),
        upload: egress::Upload {
            access_key: storage.access_key.clone(),
            secret_key: storage.secret_key.clone(),
            region: storage.region.clone(),
            endpoint: endpoint.or_else(|| storage.endpoint.clone()),
            bucket: storage.bucket.clone(),
        },
        file_type: recording.file_type,
        dual: recording.channels == config::Channels::Dual,
    }
}
