//! The state that all request handlers share.

use std::sync::Arc;

use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    admission::Admission, audit::AuditTrail, error::Problem, pages::OpsPages,
    refused_tokens::TokenRefusals, tokens::ApiTokens, uploads::Uploads, writable::Writable,
};
use crate::{
    domain::{Call, PlayPage, audit::TrustedProxies, figures::Prices, link::LinkRules},
    livekit::token::Keys,
    pipeline::{JobStatus, Wake},
    storage,
    store::{self, Delivery, InboxMessage, Store},
    telemetry::LogThrottle,
    view::{BaseLimit, Waits},
};

/// Everything that requests need; one for all of them.
pub struct App {
    /// Answers come from here, and what is received goes here.
    pub store: Store,
    /// The keys that may sign webhooks and tokens.
    pub keys: Keys,
    /// Wakes jobs for what was received.
    pub wake: Arc<Wake>,
    /// For `/readyz` and `/metrics`.
    pub status: JobStatus,
    /// Signs the URLs that permanent links redirect to.
    pub storage: storage::Client,
    /// Checks the signatures of permanent links.
    pub links: LinkRules,
    /// PLAY_PAGE
    pub play_page: PlayPage,
    /// The base whose request budget is shown.
    pub base: BaseBudget,
    /// API_TOKEN and API_TOKENS
    pub tokens: ApiTokens,
    /// The room that there is for requests and their bodies.
    pub admission: Admission,
    /// The room that there is for agents' uploads.
    pub uploads: Uploads,
    /// PRICES_FILE
    pub prices: Option<Arc<Prices>>,
    /// Takes who read, listened, or was refused.
    pub audit: AuditTrail,
    /// The pages under `/ops`.
    pub ops: OpsPages,
    /// TRUSTED_PROXIES
    pub trusted_proxies: TrustedProxies,
    /// Renders counters for `/metrics`.
    pub metrics: PrometheusHandle,
    /// For `/readyz`.
    pub writable: Writable,
    /// Throttles the log lines of refused requests, by reason.
    pub refusal_log: Arc<LogThrottle>,
    /// Counts tokens that were refused, for the health page and `/readyz`.
    pub refused_tokens: TokenRefusals,
    /// Returns the current time: `telemetry::now`, or the clock of a test.
    pub clock: fn() -> Timestamp,
}

impl App {
    /// Stores what was received, and wakes the job that folds it.
    pub(super) async fn take(&self, message: InboxMessage) -> Result<(), store::Error> {
        let bytes = message.body.len();
        self.store.put(message).await?;
        self.wake.stored(bytes);
        Ok(())
    }

    /// Waits until the words of a call may be loaded and sent, if they are large. To be asked before they are loaded, so that
    /// they are not in memory while another answer is sent.
    pub(super) async fn answer_place(
        &self,
        call_id: &str,
    ) -> Result<Option<OwnedSemaphorePermit>, Problem> {
        let bytes = self.store.bytes_of_reports(call_id).await?;
        self.admission.answer(bytes).await
    }

    /// What the deliveries of the call wait for now.
    pub(super) async fn waits(
        &self,
        call: &Call,
        deliveries: &[Delivery],
    ) -> Result<Waits, store::Error> {
        let base = BaseLimit {
            id: &self.base.id,
            monthly_requests: self.base.monthly_requests,
        };
        Waits::read(&self.store, (call, deliveries), Some(base), (self.clock)()).await
    }
}

/// The Airtable base, as far as `/readyz` and `/metrics` show it.
#[derive(Debug, Clone)]
pub struct BaseBudget {
    /// `app…`
    pub id: String,
    /// AIRTABLE_MONTHLY_REQUESTS
    pub monthly_requests: Option<u64>,
    /// AIRTABLE_REQUESTS_PER_SECOND
    pub requests_per_second: f64,
}
