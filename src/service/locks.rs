//! The columns that their permissions lock, as the database remembers them for every process.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    airtable::Client,
    store::{self, Setting, Store},
};

/// The locked columns by name in the schema, and when each was last tried (milliseconds since the epoch).
pub async fn read(store: &Store, client: &Client) -> Result<BTreeMap<String, i64>, store::Error> {
    let key = client.mapping_key();
    map(store, Setting::LockedColumns(&key)).await
}

/// Remembers that these columns are locked and no others, so that a running service writes the others again.
pub async fn write(
    store: &Store,
    client: &Client,
    locked: &[String],
    now: Timestamp,
) -> Result<(), store::Error> {
    let key = client.mapping_key();
    let before = read(store, client).await?;
    let is_unlocked = |name: &String| before.contains_key(name) && !locked.contains(name);
    let mut refused: BTreeMap<String, u64> = map(store, Setting::RefusedColumns(&key)).await?;
    refused.retain(|name, _| !is_unlocked(name));
    let text = serde_json::to_string(&refused).unwrap_or_default();
    store.set(Setting::RefusedColumns(&key), &text).await?;
    let locked = locked.iter().map(|name| (name, now.as_millisecond()));
    let text = serde_json::to_string(&locked.collect::<BTreeMap<_, _>>()).unwrap_or_default();
    store.set(Setting::LockedColumns(&key), &text).await
}

async fn map<T: serde::de::DeserializeOwned>(
    store: &Store,
    setting: Setting<'_>,
) -> Result<BTreeMap<String, T>, store::Error> {
    let text = store.get(setting).await?;
    Ok(text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default())
}
