//! LINK_SECRET: from the environment; else from a file beside the SQLite database, or from the PostgreSQL database. The first
//! start makes one.

use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{Error, link_files::LinkFiles};
use crate::{
    config,
    domain::LinkSecrets,
    store::{Erased, Setting, Store},
};

/// What is shorter can be guessed.
const CHARACTERS: usize = 32;

/// The secrets for a service that starts. Moves the secret that an earlier version has made out of the SQLite database, after
/// it is safe in its file; makes one if there is none.
///
/// # Errors
/// When the database or the file cannot be read or written.
pub(super) async fn prepare(
    links: &config::LinksSettings,
    database_url: &str,
    store: &Store,
) -> anyhow::Result<LinkSecrets> {
    let known = store.get(Setting::LinkFingerprint).await?;
    if let Some(files) = LinkFiles::beside(database_url) {
        let stored = store.get(Setting::LinkSecret).await?;
        if let Some(stored) = &stored {
            files.keep(stored)?;
        }
        // Without a fingerprint, a process may have been killed before it had erased everything.
        if stored.is_some() || known.is_none() {
            erase(store, &files).await?;
        }
        if links.secret.is_none() && files.read()?.is_none() {
            files.keep(&generated())?;
        }
        files.tidy();
    }
    let secrets = secrets(links, database_url, store).await?;
    report(links, &secrets, known.as_deref());
    let fingerprint = secrets.fingerprint();
    if known.as_ref() != Some(&fingerprint) {
        store.set(Setting::LinkFingerprint, &fingerprint).await?;
    }
    Ok(secrets)
}

/// The secrets as a service has them that runs on this database.
///
/// # Errors
/// When the secret is not in the environment and cannot be read, or no service has made one yet.
pub(super) async fn secrets(
    links: &config::LinksSettings,
    database_url: &str,
    store: &Store,
) -> anyhow::Result<LinkSecrets> {
    let mut before = links.secrets_before.clone();
    if let Some(secret) = &links.secret {
        return Ok(LinkSecrets::new(secret.clone(), before));
    }
    let Some(files) = LinkFiles::beside(database_url) else {
        let fresh = generated();
        let secret = store.get_or_set(Setting::LinkSecret, &fresh).await?;
        return Ok(LinkSecrets::new(secret.into(), before));
    };
    if let Some(kept) = files.read()? {
        before.extend(kept.before.into_iter().map(SecretString::from));
        return Ok(LinkSecrets::new(kept.secret.into(), before));
    }
    // No service has run since the update.
    let stored = store.get(Setting::LinkSecret).await?;
    let secret = stored.ok_or_else(|| {
        let file = files.secret.display();
        let text = format!("LINK_SECRET: is not set, and there is no {file}; `serve` makes it");
        Error::Configuration(text)
    })?;
    Ok(LinkSecrets::new(secret.into(), before))
}

fn generated() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

async fn erase(store: &Store, files: &LinkFiles) -> anyhow::Result<()> {
    if store.erase_link_secret().await? == Erased::NotFromLog {
        let file = files.secret.display();
        tracing::warn!(
            "the secret of permanent links was moved from the database to {file}, but the write-ahead log may still have it until this service is restarted: another process reads the database"
        );
    }
    Ok(())
}

/// Says in the log what a change of the secret means for links.
fn report(links: &config::LinksSettings, secrets: &LinkSecrets, known: Option<&str>) {
    match known {
        Some(known) if known == secrets.fingerprint() => {}
        Some(known) if secrets.accepts(known) => tracing::info!(
            "LINK_SECRET has changed; links that the earlier secret has signed stay valid, and rows get new ones"
        ),
        Some(_) => tracing::warn!(
            "LINK_SECRET has changed, and links that the earlier secret has signed are no longer valid; rows get new ones. To keep earlier links valid, add the earlier secret to LINK_SECRETS_BEFORE"
        ),
        None => {}
    }
    let is_short = |secret: &SecretString| secret.expose_secret().chars().count() < CHARACTERS;
    if links.secrets_before.iter().any(is_short) {
        tracing::warn!(
            "LINK_SECRETS_BEFORE has a secret under {CHARACTERS} characters: whoever guesses it can sign links. Remove it as soon as nobody uses its links any more (rows get new ones)"
        );
    }
}
