//! How a stand-in behaves.

use std::time::Duration;

use serde_json::Value;

/// Limits and the first base. The default has Airtable's limits and an empty base.
#[derive(Debug, Clone)]
pub struct Options {
    /// Per base; 0 is no limit. Airtable's is 5.
    pub requests_per_second: f64,
    /// Per token, over all bases; 0 is no limit. Airtable's is 50, for all tokens of one user together.
    pub token_requests_per_second: f64,
    /// How long every request gets 429 after one request too many. Airtable's is 30 s.
    pub lockout: Duration,
    /// The one token that is accepted; `None`: any that begins with `pat`. Others get Airtable's 401.
    pub token: Option<String>,
    /// Requests with this token are not counted, never rate limited and meet no faults: a test reads with it what the
    /// client under test has written.
    pub onlooker_token: Option<String>,
    /// The base to start with: `{"id","name","tables":[as the metadata API prints them, each with
    /// "records":[{"id"?,"fields"}]]}`. The options of a rollup may name its `formula`, e.g. `SUM(values)`, which the
    /// metadata API does not print.
    pub seed: Option<Value>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            requests_per_second: 5.0,
            token_requests_per_second: 50.0,
            lockout: Duration::from_secs(30),
            token: None,
            onlooker_token: None,
            seed: None,
        }
    }
}

impl Options {
    /// The default without rate limits.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            requests_per_second: 0.0,
            token_requests_per_second: 0.0,
            ..Self::default()
        }
    }
}
