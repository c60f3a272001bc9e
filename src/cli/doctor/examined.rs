//! What the checks work on.

use jiff::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    arrivals::Arrivals,
    finding::{DATABASE, Finding},
    traces::Traces,
};
use crate::{
    airtable,
    config::{self, Config, Source},
    domain::{Sink, doctor_id},
    livekit, service, storage,
    store::{self, Store},
    telemetry,
};

/// Whether rows and objects may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writes {
    Allowed,
    /// `--no-write`
    Skipped,
}

/// The sections of the configuration that are right.
pub(super) struct Settings {
    pub(super) livekit: Option<config::LiveKitSettings>,
    pub(super) storage: Option<config::StorageSettings>,
    pub(super) airtable: Option<config::AirtableSettings>,
    pub(super) recording: Option<config::RecordingSettings>,
    pub(super) links: Option<config::LinksSettings>,
    pub(super) mirror: Option<config::MirrorSettings>,
    pub(super) http: Option<config::HttpSettings>,
    pub(super) alerts: Option<SecretString>,
    pub(super) database_url: Option<String>,
}

impl Settings {
    /// Each section by itself.
    pub(super) fn read(source: &Source) -> Settings {
        Settings {
            livekit: Config::livekit(source).ok(),
            storage: Config::storage(source).ok(),
            airtable: Config::airtable(source).ok(),
            recording: Config::recording(source).ok(),
            links: Config::links(source).ok(),
            mirror: Config::mirror(source).ok().flatten(),
            http: Config::http(source).ok(),
            alerts: Config::alerts(source).ok().flatten(),
            database_url: Config::database(source).ok(),
        }
    }
}

/// Everything that checks need.
pub(super) struct Examined {
    /// The name of everything that this run creates.
    pub(super) id: String,
    /// When the command was started.
    pub(super) begun_at: Timestamp,
    pub(super) settings: Settings,
    pub(super) http: reqwest::Client,
    /// `None`: there is none yet, or it cannot be opened.
    pub(super) store: Option<Store>,
    /// Why it cannot be opened.
    pub(super) store_error: Option<store::Error>,
    /// Whether `serve` runs on this database.
    pub(super) is_served: bool,
    pub(super) arrivals: Arrivals,
    pub(super) traces: Traces,
    pub(super) writes: Writes,
}

impl Examined {
    /// Opens the database, if there is one.
    ///
    /// # Errors
    /// When the machine's certificates cannot be read.
    pub(super) async fn open(source: &Source, writes: Writes) -> anyhow::Result<Examined> {
        let begun_at = telemetry::now();
        let settings = Settings::read(source);
        let url = settings.database_url.as_deref();
        let opened = match url.filter(|url| store::exists(url)) {
            Some(url) => Some(Store::open(url, telemetry::now()).await),
            None => None,
        };
        let (store, store_error) = match opened {
            Some(Ok(store)) => (Some(store), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let is_served = match &store {
            Some(store) => {
                let leased = store.is_leased(Sink::Airtable.as_str(), telemetry::now());
                leased.await.unwrap_or(false)
            }
            None => false,
        };
        Ok(Examined {
            id: doctor_id(Uuid::new_v4().as_u128()),
            begun_at,
            settings,
            http: telemetry::http_client()?,
            store,
            store_error,
            is_served,
            arrivals: Arrivals::default(),
            traces: Traces::default(),
            writes,
        })
    }

    /// Why a check has no database to look into: it cannot be opened, or there is none yet.
    pub(super) fn without_store(&self, none_yet: &str) -> Finding {
        match self.store_error {
            Some(_) => Finding::not_checked(DATABASE),
            None => Finding::skipped(none_yet),
        }
    }

    /// The current time.
    pub(super) fn now(&self) -> Timestamp {
        telemetry::now()
    }

    /// LiveKit's API.
    pub(super) fn livekit(&self) -> Option<livekit::client::Client> {
        let settings = self.settings.livekit.as_ref()?;
        let config = service::recording::livekit(settings);
        Some(livekit::client::Client::new(config, self.http.clone()))
    }

    /// The bucket.
    pub(super) fn storage(&self) -> Option<storage::Client> {
        let settings = self.settings.storage.as_ref()?;
        Some(service::bucket::client(settings))
    }

    /// Airtable, with its requests counted in the budget that `serve` has, too.
    pub(super) fn airtable(&self) -> Option<airtable::Client> {
        let settings = self.settings.airtable.as_ref()?;
        let client = service::airtable::client(settings, self.http.clone());
        Some(match &self.store {
            Some(store) => {
                let budget = service::airtable::budget(settings, store, telemetry::now);
                client.counted(budget.ledger())
            }
            None => client,
        })
    }
}

/// The check needs a section of the configuration that is missing or wrong.
pub(super) fn not_configured(variables: &str) -> Finding {
    Finding::skipped(format!("{variables} is missing or wrong, see Here"))
}
