//! The whole configuration, and how commands read parts of it.

use secrecy::SecretString;

use super::{
    Airtable, Errors, Http, Links, LiveKit, Log, Mirror, Reader, Recording, Source, Storage, Times,
    sections,
};

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

    /// LIVEKIT_*
    pub fn livekit(source: &Source) -> Result<LiveKit, Errors> {
        read(source, LiveKit::read)
    }

    /// S3_*
    pub fn storage(source: &Source) -> Result<Storage, Errors> {
        read(source, Storage::read)
    }

    /// AIRTABLE_*
    pub fn airtable(source: &Source) -> Result<Airtable, Errors> {
        read(source, Airtable::read)
    }

    /// AIRTABLE_* without AIRTABLE_BASE_ID, for the command that creates the base.
    pub fn airtable_without_base(source: &Source) -> Result<Airtable, Errors> {
        read(source, Airtable::without_base)
    }

    /// RECORD_* and RECORDING_*
    pub fn recording(source: &Source) -> Result<Recording, Errors> {
        read(source, Recording::read)
    }

    /// PUBLIC_URL and LINK_SECRET
    pub fn links(source: &Source) -> Result<Links, Errors> {
        read(source, Links::read)
    }

    /// LISTEN_ADDR and API_TOKEN
    pub fn http(source: &Source) -> Result<Http, Errors> {
        read(source, Http::read)
    }

    /// DATABASE_URL
    pub fn database(source: &Source) -> Result<String, Errors> {
        read(source, sections::database_url)
    }

    /// RUST_LOG and LOG_FORMAT
    pub fn log(source: &Source) -> Result<Log, Errors> {
        read(source, Log::read)
    }
}

/// Reads any sections together: `read(&source, |r| (LiveKit::read(r), Storage::read(r)))`.
///
/// A section with an error still gives a value, so that the others are read, too; the value is discarded.
///
/// # Errors
/// Every error of all sections.
pub fn read<T>(source: &Source, sections: impl FnOnce(&mut Reader<'_>) -> T) -> Result<T, Errors> {
    let mut reader = Reader::new(source);
    let value = sections(&mut reader);
    reader.finish(value)
}
