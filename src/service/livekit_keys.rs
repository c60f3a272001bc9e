//! The keys of LIVEKIT_WEBHOOK_KEYS: whose they are is found out before the service listens, if LiveKit answers soon.

use std::{sync::Arc, time::Duration};

use anyhow::Context;

use super::recording::livekit;
use crate::{
    config::LiveKitSettings,
    domain::{KeyEntry, SigningKey},
    livekit::{client, token::Keys},
    pipeline::{
        Job, Runner,
        livekit_keys::{ListedKey, LiveKitKeys},
    },
    store::Store,
    telemetry,
};

/// How long a start waits for LiveKit's answers.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// The keys that may sign webhooks and tokens; starts the job that finds out whose they are.
///
/// # Errors
/// When the database cannot be read or written.
pub(super) async fn start(
    config: &LiveKitSettings,
    store: &Store,
    runner: &Runner,
) -> anyhow::Result<Keys> {
    let keys = Keys::new(config.webhook_keys.clone());
    let http = telemetry::http_client()?;
    let client = client::Client::new(livekit(config), http.clone());
    let main = SigningKey {
        name: config.api_key.clone(),
        secret: config.api_secret.clone(),
        entry: KeyEntry::Main,
    };
    let listed = config.webhook_keys.iter();
    let listed = listed.filter(|key| key.entry == KeyEntry::Listed);
    let listed = listed.map(|key| ListedKey {
        client: client::Client::new(
            client::Config {
                api_key: key.name.clone(),
                api_secret: key.secret.clone(),
                ..livekit(config)
            },
            http.clone(),
        ),
        key: key.clone(),
    });
    let main = (main, client);
    let (store, wake) = (store.clone(), runner.wake.clone());
    let job = LiveKitKeys::new(keys.clone(), main, listed.collect(), store, wake);
    let now = (runner.clock)();
    let recalled = job.recall(now).await;
    recalled.context("DATABASE_URL: the database is not writable")?;
    // The job goes on with what is not answered.
    let asked = tokio::time::timeout(ANSWER_TIMEOUT, job.step(now)).await;
    asked.ok();
    runner.spawn(Arc::new(job));
    Ok(keys)
}
