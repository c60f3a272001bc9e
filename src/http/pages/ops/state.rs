//! What the pages under `/ops` keep in memory.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    attempts::Attempts, counts::Counts, health_log::HealthLog, live::Live,
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
    pub(super) attempts: Attempts,
    pub(super) counts: Arc<Counts>,
    pub(super) live: Arc<Live>,
    pub(super) health: Arc<HealthLog>,
}

impl OpsPages {
    /// `stop`: cancelled when the service stops.
    pub fn new(settings: OpsSettings, stop: CancellationToken) -> OpsPages {
        let host = url::Url::parse(&settings.livekit_url).ok();
        let host = host.and_then(|url| url.host_str().map(str::to_owned));
        let is_cloud = host.is_some_and(|host| host.ends_with(".livekit.cloud"));
        // The site fills in the project.
        let sessions = is_cloud.then(|| "https://cloud.livekit.io/projects/p_/sessions".to_owned());
        OpsPages {
            trust_header: settings.trust_header,
            sinks: settings.sinks,
            schema: settings.schema,
            sessions,
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
