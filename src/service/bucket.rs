//! The bucket's client, and the rules of the links to its objects, as the service and every command use them.

use super::{Error, link_secret};
use crate::{
    config,
    domain::{LinkSecrets, link::LinkRules},
    storage,
    store::Store,
};

/// A client for the configured bucket.
pub fn client(config: &config::StorageSettings) -> storage::Client {
    storage::Client::new(storage::Config {
        key: config.key.clone(),
        bucket: config.bucket.clone(),
        endpoint: config.endpoint.clone(),
        region: config.region.clone(),
        addressing: config.addressing,
    })
}

/// Warns if links expire before RECORDING_URL_TTL: a presigned URL is valid no longer than the key that signed it.
///
/// # Errors
/// When a file with a part of the key cannot be read.
pub(super) fn check_links(
    storage: &config::StorageSettings,
    links: &config::LinksSettings,
) -> Result<(), Error> {
    let key = storage.key.get();
    let key = key.map_err(|error| Error::Configuration(error.to_string()))?;
    if key.is_temporary() && links.public_url.is_none() {
        tracing::warn!(
            "S3_SESSION_TOKEN is set: the links in rows expire with that token, long before RECORDING_URL_TTL. Set PUBLIC_URL for links that do not, or use a permanent key"
        );
    }
    Ok(())
}

/// The rules of links for a command, beside a running service or without one.
///
/// # Errors
/// When the secret that signs permanent links cannot be read.
pub async fn links(
    links: &config::LinksSettings,
    recording: &config::RecordingSettings,
    database_url: &str,
    store: &Store,
) -> anyhow::Result<LinkRules> {
    let secrets = link_secret::secrets(links, database_url, store).await?;
    Ok(rules(links, recording, secrets))
}

/// The rules of links for a service that starts.
///
/// # Errors
/// When the secret that signs permanent links cannot be read or made.
pub(super) async fn service_links(
    config: &config::Config,
    store: &Store,
) -> anyhow::Result<LinkRules> {
    let secrets = link_secret::prepare(&config.links, &config.database_url, store).await?;
    Ok(rules(&config.links, &config.recording, secrets))
}

fn rules(
    links: &config::LinksSettings,
    recording: &config::RecordingSettings,
    secrets: LinkSecrets,
) -> LinkRules {
    let public_url = links.public_url.as_deref();
    LinkRules {
        public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
        secrets,
        life: links.life,
        ttl: recording.url_ttl,
        refresh: recording.url_refresh,
    }
}
