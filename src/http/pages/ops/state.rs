//! What the pages under `/ops` keep in memory.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    attempts::Attempts, counts::Counts, health_log::HealthLog, live::Live, row_check::RowCheck,
    schema_check::SchemaCheck,
};
use crate::{domain::Sink, http::tokens::ApiTokens};

/// What the pages are made with.
pub struct OpsSettings {
    /// OPS_TRUST_HEADER
    pub trust_header: Option<String>,
    /// LIVEKIT_URL
    pub livekit_url: String,
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

#[cfg(test)]
mod tests {
    use super::*;

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
