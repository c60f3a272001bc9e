//! What the pages under `/ops` keep in memory.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    attempts::Attempts, counts::Counts, health_log::HealthLog, live::Live, row_check::RowCheck,
    schema_check::SchemaCheck,
};
use crate::{
    domain::Sink,
    http::{local::is_this_machine, tokens::ApiTokens},
};

/// What the pages are made with.
pub struct OpsSettings {
    /// OPS_TRUST_HEADER
    pub trust_header: Option<String>,
    /// LIVEKIT_URL
    pub livekit_url: String,
    /// AIRTABLE_API_URL
    pub airtable_url: String,
    /// AIRTABLE_BASE_ID
    pub base_id: String,
    /// The sinks that are configured.
    pub sinks: Vec<Sink>,
    /// Compares the base with the schema.
    pub schema: SchemaCheck,
    /// Compares the row of a call with what is written into it.
    pub row: RowCheck,
    /// Under which the columns of the table are stored: [`crate::store::Setting::Columns`].
    pub columns_key: String,
}

/// The settings of the pages, and what they share.
pub struct OpsPages {
    /// OPS_TRUST_HEADER
    pub(super) trust_header: Option<String>,
    /// The sinks that are configured.
    pub(super) sinks: Vec<Sink>,
    /// Where LiveKit Cloud shows sessions.
    pub(super) sessions: Option<String>,
    /// Where people open the base.
    pub(super) rows: Option<String>,
    pub(super) schema: SchemaCheck,
    pub(super) row: RowCheck,
    pub(super) columns_key: String,
    pub(super) attempts: Attempts,
    pub(super) counts: Arc<Counts>,
    pub(super) live: Arc<Live>,
    pub(super) health: Arc<HealthLog>,
}

impl OpsPages {
    /// `stop`: cancelled when the service stops.
    pub fn new(settings: OpsSettings, stop: CancellationToken) -> OpsPages {
        OpsPages {
            trust_header: settings.trust_header,
            sinks: settings.sinks,
            schema: settings.schema,
            row: settings.row,
            columns_key: settings.columns_key,
            sessions: sessions(&settings.livekit_url),
            rows: rows(&settings.airtable_url, &settings.base_id),
            attempts: Attempts::default(),
            counts: Arc::default(),
            live: Arc::new(Live::new(stop)),
            health: Arc::default(),
        }
    }

    /// Whether anybody could sign in.
    pub(super) fn are_open(&self, tokens: &ApiTokens) -> bool {
        !tokens.is_empty() || self.trust_header.is_some()
    }
}

/// Where LiveKit Cloud shows the sessions of its projects, which it finds by itself.
fn sessions(livekit_url: &str) -> Option<String> {
    let url = url::Url::parse(livekit_url).ok()?;
    let is_cloud = url.host_str()?.ends_with(".livekit.cloud");
    is_cloud.then(|| "https://cloud.livekit.io/projects/p_/sessions".to_owned())
}

/// Where people open the base. A stand-in on this machine shows none.
fn rows(api_url: &str, base_id: &str) -> Option<String> {
    let url = url::Url::parse(api_url).ok()?;
    let is_stand_in = is_this_machine(url.host_str()?);
    (!is_stand_in).then(|| format!("https://airtable.com/{base_id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_on_this_machine_has_no_pages() {
        for (url, shows) in [
            ("https://api.airtable.com", true),
            ("https://proxy.example.com/airtable/", true),
            ("http://127.0.0.1:8081", false),
            ("http://localhost:8081/", false),
            ("http://[::1]:8081/", false),
        ] {
            let rows = rows(url, "app1");
            assert_eq!(rows.is_some(), shows, "{url}");
            assert!(rows.is_none_or(|it| it == "https://airtable.com/app1"));
        }
    }

    #[test]
    fn only_livekit_cloud_shows_sessions() {
        for (url, shows) in [
            ("wss://clinic-1a2b.livekit.cloud", true),
            ("https://clinic-1a2b.livekit.cloud/", true),
            ("wss://livekit.cloud.example.com", false),
            ("ws://127.0.0.1:7880", false),
        ] {
            assert_eq!(sessions(url).is_some(), shows, "{url}");
        }
    }
}
