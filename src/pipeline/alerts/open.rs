//! The active alerts, for pages.

use super::{firing::OpenAlert, outbox::Outbox};
use crate::store::{Error, Setting, Store};

/// Every alert that is active, as the last check stored it.
///
/// # Errors
/// When the database cannot be read.
pub async fn open_alerts(store: &Store) -> Result<Vec<OpenAlert>, Error> {
    let stored = store.get(Setting::Alerts).await?;
    let stored: Option<Outbox> = stored.and_then(|text| serde_json::from_str(&text).ok());
    Ok(stored.unwrap_or_default().active.open().collect())
}
