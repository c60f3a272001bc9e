//! The whole configuration, and how commands read parts of it.

use secrecy::{ExposeSecret, SecretString};

use super::{
    AirtableSettings, Errors, HttpSettings, LinksSettings, LiveKitSettings, LogSettings,
    MirrorSettings, ProxySettings, Reader, RecordingSettings, Source, StorageSettings,
    SupervisorSettings, TimesSettings, UploadSettings, database, network, sections, supervisor,
};

/// Everything that `serve` needs.
pub struct Config {
    pub livekit: LiveKitSettings,
    pub storage: StorageSettings,
    pub airtable: AirtableSettings,
    pub recording: RecordingSettings,
    pub uploads: UploadSettings,
    pub links: LinksSettings,
    pub mirror: Option<MirrorSettings>,
    pub times: TimesSettings,
    pub http: HttpSettings,
    /// ALERT_WEBHOOK_URL: a secret, because anyone who knows a Slack webhook URL can post there.
    pub alert_webhook_url: Option<SecretString>,
    /// `sqlite:…` or `postgres://…`, possibly with a password: never print it.
    pub database_url: String,
    pub log: LogSettings,
    /// Who waits for the state of this process, such as systemd.
    pub supervisor: Option<SupervisorSettings>,
    /// A hash of the settings, without anything of a secret.
    pub fingerprint: String,
}

impl Config {
    /// Everything, with all errors at once.
    pub fn serve(source: &Source) -> Result<Self, Errors> {
        read(source, |r| {
            let livekit = LiveKitSettings::read(r);
            Self {
                storage: StorageSettings::read(r),
                airtable: AirtableSettings::read(r),
                recording: RecordingSettings::read(r),
                uploads: UploadSettings::read(r, &livekit.url),
                links: LinksSettings::read(r),
                mirror: MirrorSettings::read(r),
                times: TimesSettings::read(r),
                http: HttpSettings::read(r),
                alert_webhook_url: sections::alert_webhook_url(r),
                database_url: database::database_url(r),
                log: LogSettings::read(r),
                supervisor: supervisor::supervisor(source),
                fingerprint: r.fingerprint(),
                livekit,
            }
        })
    }

    /// The variables with an address of another machine that is reached in clear text.
    pub fn clear_text(&self) -> Vec<&'static str> {
        let mirror = self.mirror.as_ref().map(|mirror| mirror.url.as_str());
        let alerts = self.alert_webhook_url.as_ref();
        let alerts = alerts.map(ExposeSecret::expose_secret);
        let urls = [
            ("LIVEKIT_URL", Some(self.livekit.url.as_str())),
            (
                "S3_EGRESS_ENDPOINT",
                self.storage.egress_endpoint.as_deref(),
            ),
            ("EGRESS_WEBHOOK_URL", mirror),
            ("ALERT_WEBHOOK_URL", alerts),
        ];
        let is_clear = |url: &Option<&str>| url.is_some_and(network::is_clear_text);
        let clear = urls.into_iter().filter(|(_, url)| is_clear(url));
        clear.map(|(name, _)| name).collect()
    }

    /// LIVEKIT_*
    pub fn livekit(source: &Source) -> Result<LiveKitSettings, Errors> {
        read(source, LiveKitSettings::read)
    }

    /// S3_*
    pub fn storage(source: &Source) -> Result<StorageSettings, Errors> {
        read(source, StorageSettings::read)
    }

    /// AIRTABLE_*
    pub fn airtable(source: &Source) -> Result<AirtableSettings, Errors> {
        read(source, AirtableSettings::read)
    }

    /// AIRTABLE_* without AIRTABLE_BASE_ID, for the command that creates the base.
    pub fn airtable_without_base(source: &Source) -> Result<AirtableSettings, Errors> {
        read(source, AirtableSettings::without_base)
    }

    /// RECORD_* and RECORDING_*
    pub fn recording(source: &Source) -> Result<RecordingSettings, Errors> {
        read(source, RecordingSettings::read)
    }

    /// PUBLIC_URL and LINK_…
    pub fn links(source: &Source) -> Result<LinksSettings, Errors> {
        read(source, LinksSettings::read)
    }

    /// EGRESS_WEBHOOK_…
    pub fn mirror(source: &Source) -> Result<Option<MirrorSettings>, Errors> {
        read(source, MirrorSettings::read)
    }

    /// LISTEN_ADDR, PORT, API_TOKEN, API_TOKENS and TRUSTED_PROXIES
    pub fn http(source: &Source) -> Result<HttpSettings, Errors> {
        read(source, HttpSettings::read)
    }

    /// ALERT_WEBHOOK_URL
    pub fn alerts(source: &Source) -> Result<Option<SecretString>, Errors> {
        read(source, sections::alert_webhook_url)
    }

    /// DATABASE_URL and DATABASE_TLS
    pub fn database(source: &Source) -> Result<String, Errors> {
        read(source, database::database_url)
    }

    /// HTTP_PROXY and the like
    pub fn proxies(source: &Source) -> Result<ProxySettings, Errors> {
        read(source, ProxySettings::read)
    }

    /// RUST_LOG and LOG_FORMAT
    pub fn log(source: &Source) -> Result<LogSettings, Errors> {
        read(source, LogSettings::read)
    }
}

/// Reads any sections together: `read(&source, |r| (LiveKitSettings::read(r), StorageSettings::read(r)))`.
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
