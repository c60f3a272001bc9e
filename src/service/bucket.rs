//! The bucket's client, and the rules of the links to its objects, as the service and every command use them.

use secrecy::SecretString;
use uuid::Uuid;

use super::Error;
use crate::{
    config,
    domain::link::LinkRules,
    storage,
    store::{Setting, Store},
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

/// Warns of links that end before RECORDING_URL_TTL: a presigned URL lives no longer than the key that signed it.
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
            "S3_SESSION_TOKEN is set: the links in rows end with that token, long before RECORDING_URL_TTL. Set PUBLIC_URL for links that do not, or use a permanent key"
        );
    }
    Ok(())
}

/// PUBLIC_URL, LINK_SECRET and how long URLs live. Without LINK_SECRET the first start generates one.
///
/// # Errors
/// When the secret is to be read from the database, and it fails.
pub async fn links(
    links: &config::LinksSettings,
    recording: &config::RecordingSettings,
    store: &Store,
) -> anyhow::Result<LinkRules> {
    let generated = || format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let secret = match &links.secret {
        Some(secret) => secret.clone(),
        None => SecretString::from(store.get_or_set(Setting::LinkSecret, &generated()).await?),
    };
    let public_url = links.public_url.as_deref();
    Ok(LinkRules {
        public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
        secret,
        ttl: recording.url_ttl,
        refresh: recording.url_refresh,
    })
}
