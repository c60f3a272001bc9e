//! The jobs that start and stop recordings: for `serve`, and for `record` when no service runs.

use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;

use super::{Error, sinks};
use crate::{
    config,
    domain::{DoctorKey, KeptAttributes, OurBucket, Policy, Sink},
    livekit::client,
    pipeline::{
        Runner,
        intake::{Intake, LargeIntake, Listed},
        reconcile::Reconcile,
        sinks::egress::Egress,
    },
    storage,
    store::Store,
};

/// The configuration of these jobs; nothing of Airtable's.
pub struct RecordingJobs<'a> {
    /// LIVEKIT_*
    pub livekit: &'a config::LiveKitSettings,
    /// S3_*
    pub bucket: &'a config::StorageSettings,
    /// RECORD_* and RECORDING_*
    pub recording: &'a config::RecordingSettings,
    /// RECONCILE_INTERVAL and EGRESS_LOST_AFTER
    pub times: &'a config::TimesSettings,
    /// The sinks that deliveries are made for.
    pub sinks: Vec<Sink>,
    /// The participants' attributes that calls keep.
    pub attributes: KeptAttributes,
}

/// The sinks that are configured; `mirror` is EGRESS_WEBHOOK_URL.
pub fn configured_sinks(mirror: Option<&config::MirrorSettings>) -> Vec<Sink> {
    let configured = |sink: &Sink| *sink != Sink::Mirror || mirror.is_some();
    Sink::ALL.into_iter().filter(configured).collect()
}

impl RecordingJobs<'_> {
    /// Starts intake, the egress sink and reconcile.
    ///
    /// # Errors
    /// When RECORD_ROOMS is wrong, or the database is not writable.
    pub async fn start(
        self,
        store: &Store,
        runner: &Runner,
        storage: &storage::Client,
        http: reqwest::Client,
    ) -> anyhow::Result<()> {
        let began_at = store.begin((runner.clock)()).await;
        let began_at = began_at.context("DATABASE_URL: the database is not writable")?;
        let client = client::Client::new(livekit(self.livekit), http);
        let intake = Arc::new(Intake {
            store: store.clone(),
            policy: self.policy(began_at)?,
            sinks: self.sinks.clone(),
            listed: Listed::default(),
            wake: runner.wake.clone(),
        });
        runner.spawn(Arc::new(LargeIntake(intake.clone())));
        runner.spawn(intake);
        let reconcile = Reconcile::new(
            client.clone(),
            store.clone(),
            runner.wake.clone(),
            self.times.reconcile_interval,
            self.times.egress_lost_after,
        );
        runner.spawn(Arc::new(reconcile.keeping(self.attributes.clone())));
        let egress = Egress {
            client,
            output: output(self.bucket, self.recording),
            bucket: our_bucket(self.bucket),
            store: store.clone(),
            storage: storage.clone(),
            path: self.recording.path.clone(),
            lost_after: self.times.egress_lost_after,
            clock: runner.clock,
            leases: runner.leases.clone(),
        };
        sinks::spawn(runner, store, egress);
        Ok(())
    }

    /// RECORD_ON, RECORD_ROOMS, RECORD_SIMULATIONS and S3_BUCKET; `began_at`: when the service first ran on this database.
    fn policy(&self, began_at: Timestamp) -> Result<Policy, Error> {
        let mut policy = Policy::new(self.recording.on, &self.recording.rooms)
            .map_err(|error| Error::Configuration(format!("RECORD_ROOMS: {error}")))?;
        policy.began_at = began_at;
        policy.attributes = self.attributes.clone();
        policy.simulations = self.recording.simulations;
        policy.bucket = Some(our_bucket(self.bucket));
        policy.path.clone_from(&self.recording.path);
        policy.doctor = Some(DoctorKey::new(self.livekit.api_secret.clone()));
        Ok(policy)
    }
}

/// The bucket with all its addresses, LiveKit's first.
fn our_bucket(storage: &config::StorageSettings) -> OurBucket {
    let endpoints = [&storage.egress_endpoint, &storage.endpoint];
    let endpoints: Vec<&str> = endpoints
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    OurBucket::new(&storage.bucket, &endpoints)
}

/// LiveKit's address and our key, for its API.
pub fn livekit(livekit: &config::LiveKitSettings) -> client::Config {
    client::Config {
        url: livekit.url.clone(),
        api_key: livekit.api_key.clone(),
        api_secret: livekit.api_secret.clone(),
    }
}

/// What LiveKit records, and where it uploads it.
pub fn output(
    storage: &config::StorageSettings,
    recording: &config::RecordingSettings,
) -> client::Output {
    let endpoint = storage.egress_endpoint.clone();
    client::Output {
        upload: client::Upload {
            key: storage.egress_key.clone(),
            region: storage.region.clone(),
            addressing: storage.addressing,
            endpoint: endpoint.or_else(|| storage.endpoint.clone()),
            bucket: storage.bucket.clone(),
        },
        file_type: recording.file_type,
        channels: recording.channels,
    }
}
