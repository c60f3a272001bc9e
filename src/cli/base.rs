//! The Airtable base as every command asks it: one client, one count.

use std::{path::Path, time::Duration};

use super::Failure;
use crate::{
    airtable::{self, Schema},
    config,
    pipeline::{Clock, budget::Budget},
    store::Store,
};

/// What a base's requests are counted with, in every command that sends any.
pub fn budget(config: &config::Airtable, store: &Store, clock: Clock) -> Budget {
    let limit = config.monthly_requests;
    Budget::new(store.clone(), config.base_id.clone(), limit, clock)
}

/// A client without a count; [`budget`]'s book gives it one.
pub fn airtable_client(config: &config::Airtable, http: reqwest::Client) -> airtable::Client {
    let config = airtable::Config {
        api_url: config.api_url.clone(),
        token: config.token.clone(),
        base_id: config.base_id.clone(),
        table: config.table.clone(),
        requests_per_second: config.requests_per_second,
    };
    let client = airtable::Client::new(http, config);
    // Another process of ours may have sent something a moment ago.
    client.not_before(Duration::from_secs(1));
    client
}

/// AIRTABLE_SCHEMA, or what is built in.
pub fn schema(config: &config::Airtable) -> Result<Schema, Failure> {
    schema_at(config.schema.as_deref())
}

pub fn schema_at(path: Option<&Path>) -> Result<Schema, Failure> {
    match path {
        Some(path) => Schema::read(path).map_err(|error| Failure::Usage(error.to_string())),
        None => Ok(Schema::built_in()),
    }
}
