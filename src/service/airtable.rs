//! Airtable's client, its request budget and the table's schema, as the service and every command use them.

use std::{path::Path, time::Duration};

use super::Error;
use crate::{
    airtable::{Client, Config, Schema},
    config,
    pipeline::{Clock, budget::Budget},
    store::Store,
};

/// Another process of ours may have sent requests a moment ago.
const FIRST_REQUEST_AFTER: Duration = Duration::from_secs(1);

/// The base's request budget. Every command that sends requests counts them with it.
pub fn budget(config: &config::AirtableSettings, store: &Store, clock: Clock) -> Budget {
    let limit = config.monthly_requests;
    Budget::new(store.clone(), config.base_id.clone(), limit, clock)
}

/// A client that counts no requests until it is given the ledger of [`budget`].
pub fn client(config: &config::AirtableSettings, http: reqwest::Client) -> Client {
    let config = Config {
        api_url: config.api_url.clone(),
        token: config.token.clone(),
        base_id: config.base_id.clone(),
        table: config.table.clone(),
        requests_per_second: config.requests_per_second,
    };
    let client = Client::new(http, config);
    client.not_before(FIRST_REQUEST_AFTER);
    client
}

/// The schema of the file AIRTABLE_SCHEMA, or the built-in one.
///
/// # Errors
/// When the file cannot be read or is wrong.
pub fn schema(path: Option<&Path>) -> Result<Schema, Error> {
    match path {
        Some(path) => Schema::read(path).map_err(|error| Error::Configuration(error.to_string())),
        None => Ok(Schema::built_in()),
    }
}
