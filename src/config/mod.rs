//! Everything people set: environment variables and a `.env` file, read once at start.
//!
//! A command asks for the sections it uses and is told every error of them at once. Only this module reads the
//! environment.

mod check;
mod remotes;
mod sections;
mod source;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;

use crate::domain::{Channels, FileType, policy::RecordOn};

pub use check::duration;
pub use remotes::schema;
pub use sections::database_url;
pub use source::{Errors, Reader, Source};

/// All that `serve` needs.
pub struct Config {
    pub livekit: LiveKit,
    pub storage: Storage,
    pub airtable: Airtable,
    pub recording: Recording,
    pub links: Links,
    pub mirror: Option<Mirror>,
    pub times: Times,
    pub http: Http,
    /// ALERT_WEBHOOK_URL: a secret, for who knows a Slack address may post there.
    pub alert_webhook_url: Option<SecretString>,
    /// `sqlite:…` or `postgres://…`, perhaps with a password in it: never to be printed.
    pub database_url: String,
    pub log: Log,
}

impl Config {
    /// Everything, with all errors at once.
    pub fn serve(source: &Source) -> Result<Self, Errors> {
        read(source, |r| Self {
            livekit: LiveKit::read(r),
            storage: Storage::read(r),
            airtable: Airtable::read(r),
            recording: Recording::read(r),
            links: Links::read(r),
            mirror: Mirror::read(r),
            times: Times::read(r),
            http: Http::read(r),
            alert_webhook_url: sections::alert_webhook_url(r),
            database_url: sections::database_url(r),
            log: Log::read(r),
        })
    }

    pub fn livekit(source: &Source) -> Result<LiveKit, Errors> {
        read(source, LiveKit::read)
    }

    pub fn storage(source: &Source) -> Result<Storage, Errors> {
        read(source, Storage::read)
    }

    pub fn airtable(source: &Source) -> Result<Airtable, Errors> {
        read(source, Airtable::read)
    }

    /// Without AIRTABLE_BASE_ID, for the command that makes the base.
    pub fn airtable_without_base(source: &Source) -> Result<Airtable, Errors> {
        read(source, Airtable::without_base)
    }

    pub fn recording(source: &Source) -> Result<Recording, Errors> {
        read(source, Recording::read)
    }

    pub fn links(source: &Source) -> Result<Links, Errors> {
        read(source, Links::read)
    }

    pub fn http(source: &Source) -> Result<Http, Errors> {
        read(source, Http::read)
    }

    pub fn database(source: &Source) -> Result<String, Errors> {
        read(source, sections::database_url)
    }

    pub fn log(source: &Source) -> Result<Log, Errors> {
        read(source, Log::read)
    }
}

/// Reads any sections together: `read(&source, |r| (LiveKit::read(r), Storage::read(r)))`.
///
/// A section with an error still gives a value, so that the others are looked at too; the value is thrown away.
pub fn read<T>(source: &Source, sections: impl FnOnce(&mut Reader<'_>) -> T) -> Result<T, Errors> {
    let mut reader = Reader::new(source);
    let value = sections(&mut reader);
    reader.finish(value)
}

pub struct LiveKit {
    /// `http://host[:port]` or `https://host[:port]`: ws and wss are rewritten, a path is dropped.
    pub url: String,
    pub api_key: String,
    pub api_secret: SecretString,
    /// Who may sign webhooks, `(key, secret)`: the main key first, then LIVEKIT_WEBHOOK_KEYS.
    pub webhook_keys: Vec<(String, SecretString)>,
}

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

pub struct Links {
    /// Without a slash at its end.
    pub public_url: Option<String>,
    /// None: the one that the database keeps.
    pub secret: Option<SecretString>,
}

pub struct Mirror {
    pub url: String,
    pub secret: Option<SecretString>,
}

#[derive(Debug, Clone)]
pub struct Times {
    pub reconcile_interval: Duration,
    pub egress_lost_after: Duration,
    pub keep: Duration,
}

pub struct Http {
    pub listen: SocketAddr,
    pub api_token: Option<SecretString>,
}

#[derive(Debug, Clone)]
pub struct Log {
    /// In RUST_LOG's language.
    pub filter: String,
    pub json: bool,
}
