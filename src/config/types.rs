//! The sections of the configuration, as their consumers get them.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;

use crate::domain::{Channels, FileType, policy::RecordOn};

/// LIVEKIT_*: the project whose calls are recorded.
pub struct LiveKit {
    /// `http://host[:port]` or `https://host[:port]`: ws and wss are rewritten, a path is dropped.
    pub url: String,
    pub api_key: String,
    pub api_secret: SecretString,
    /// Who may sign webhooks, `(key, secret)`: the main key first, then LIVEKIT_WEBHOOK_KEYS.
    pub webhook_keys: Vec<(String, SecretString)>,
}

/// S3_*: the bucket.
pub struct Storage {
    pub access_key: String,
    pub secret_key: SecretString,
    pub bucket: String,
    /// None is AWS itself.
    pub endpoint: Option<String>,
    pub region: String,
    /// Where LiveKit's egress uploads to, if that is not `endpoint`.
    pub egress_endpoint: Option<String>,
}

/// AIRTABLE_*: the base and its limits.
#[derive(Clone)]
pub struct Airtable {
    pub token: SecretString,
    pub base_id: String,
    /// Name or `tbl…`.
    pub table: String,
    pub schema: Option<PathBuf>,
    pub requests_per_second: f64,
    pub monthly_requests: Option<u64>,
    /// `scheme://host[:port]`, without `/v0`.
    pub api_url: String,
    pub content_url: String,
}

/// RECORD_* and RECORDING_*: what is recorded, and how.
#[derive(Debug, Clone)]
pub struct Recording {
    pub on: RecordOn,
    /// Globs of room names; `!` in front excludes.
    pub rooms: Vec<String>,
    /// The object key with `{room_id}`, `{room_name}`, `{date}`, `{time}`; ends in the file type's extension.
    pub path: String,
    pub file_type: FileType,
    pub channels: Channels,
    pub url_ttl: Duration,
    pub url_refresh: Duration,
}
/// PUBLIC_URL and LINK_SECRET: permanent links.
pub struct Links {
    /// Without a slash at its end.
    pub public_url: Option<String>,
    /// None: the one that the database keeps.
    pub secret: Option<SecretString>,
}

/// EGRESS_WEBHOOK_*: the mirror.
pub struct Mirror {
    pub url: String,
    pub secret: Option<SecretString>,
}

/// RECONCILE_INTERVAL, EGRESS_LOST_AFTER and KEEP.
#[derive(Debug, Clone)]
pub struct Times {
    pub reconcile_interval: Duration,
    pub egress_lost_after: Duration,
    pub keep: Duration,
}

/// LISTEN_ADDR and API_TOKEN.
pub struct Http {
    pub listen: SocketAddr,
    pub api_token: Option<SecretString>,
}

/// RUST_LOG and LOG_FORMAT.
#[derive(Debug, Clone)]
pub struct Log {
    /// In RUST_LOG's language.
    pub filter: String,
    pub json: bool,
}
