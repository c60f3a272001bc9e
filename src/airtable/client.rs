//! Requests to one base, each waiting for its permit.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use super::body;
use super::class::{Access, Class};
use super::error::Error;
use super::ledger::{Denied, RequestLedger};
use super::rate_limiter::{Permit, RateLimiter};
use super::refusal::{LOCKOUT, Refusal};
use super::wire::Response;

/// The base's address and its request rate.
pub struct Config {
    /// `https://api.airtable.com`, without `/v0`.
    pub api_url: String,
    /// A personal access token (`pat…`).
    pub token: SecretString,
    /// `app…`
    pub base_id: String,
    /// Name or `tbl…`
    pub table: String,
    /// AIRTABLE_REQUESTS_PER_SECOND
    pub requests_per_second: f64,
}

/// The owner of a base's request budget: every request waits for its permit (even spacing, never more than the rate in a
/// sliding second) and times out after 30 s. Nothing is retried here.
pub struct Client {
    http: reqwest::Client,
    config: Config,
    limiter: RateLimiter,
}

const TIMEOUT: Duration = Duration::from_secs(30);

impl Client {
    /// Nothing is sent before the first call.
    pub fn new(http: reqwest::Client, config: Config) -> Client {
        let limiter = RateLimiter::new(config.requests_per_second);
        Client {
            http,
            config,
            limiter,
        }
    }

    /// Has every request written into a ledger that other processes use, too.
    pub fn counted(self, ledger: RequestLedger) -> Client {
        let limiter = self.limiter.counted(ledger);
        Client { limiter, ..self }
    }

    /// Delays the first request by `delay`: requests that another process sent before this one started count, too.
    pub fn not_before(&self, delay: Duration) {
        self.limiter.not_before(delay);
    }

    /// Waits until a request could go in a moment. Until the returned permit is dropped nobody else gets one: whoever
    /// holds it chooses what to send, and drops it just before sending.
    pub async fn ready(&self) -> Option<OwnedSemaphorePermit> {
        self.limiter.ready().await
    }

    /// The rest of the pause after a 429; calls made now wait for its end.
    pub fn paused(&self) -> Option<Duration> {
        self.limiter.paused()
    }

    /// Requests per second as of now: each 429 halves it, down to 1, and it recovers within ten minutes.
    pub fn requests_per_second(&self) -> f64 {
        self.limiter.rate()
    }

    /// Requests sent since the start, including failed ones: all of them count towards the plan's monthly limit.
    pub fn sent(&self) -> u64 {
        self.limiter.sent()
    }

    /// AIRTABLE_BASE_ID: `app…`.
    pub fn base_id(&self) -> &str {
        &self.config.base_id
    }

    /// AIRTABLE_TABLE: name or `tbl…`.
    pub fn table(&self) -> &str {
        &self.config.table
    }

    /// The key under which a [`super::Mapping`] is stored: its IDs are not valid in another base or for another table.
    pub fn mapping_key(&self) -> String {
        format!("{}/{}", self.config.base_id, self.config.table)
    }

    /// A request with the token and a timeout; `path` follows `/v0`, a segment each.
    pub(super) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = format!("{}/v0", self.config.api_url.trim_end_matches('/'));
        for segment in path {
            url.push('/');
            // A table's name may contain slashes and spaces.
            let encoded: String =
                url::form_urlencoded::byte_serialize(segment.as_bytes()).collect();
            url.push_str(&encoded.replace('+', "%20"));
        }
        self.http
            .request(method, url)
            .bearer_auth(self.config.token.expose_secret())
            .timeout(TIMEOUT)
    }

    /// Sends once a permit is there. `access` is named when Airtable refuses it.
    ///
    /// # Errors
    /// Without a permit, without an answer, for any status but 2xx, and for a body that is no `T`.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        access: Access,
        request: RequestBuilder,
    ) -> Result<T, Error> {
        let permit = self
            .limiter
            .acquire()
            .await
            .map_err(|denied| match denied {
                Denied::Spent { limit, rest } => Error::Spent { limit, rest },
                Denied::Uncounted(why) => Error::Uncounted(why),
            })?;
        let response = Response::of(request).await;
        let outcome = self.outcome(access, response, &permit).await;
        // Not before a lockout is known: a request that waits must not go now.
        drop(permit);
        outcome
    }

    async fn outcome<T: DeserializeOwned>(
        &self,
        access: Access,
        response: Result<Response, Error>,
        permit: &Permit<'_>,
    ) -> Result<T, Error> {
        let response = response?;
        if response.status.is_success() {
            self.limiter.answered(permit);
            if access != Access::WriteRecords || !body::is_page(&response.body) {
                return serde_json::from_slice(&response.body).map_err(Error::Unreadable);
            }
            // Some firewalls answer 200 with a page of theirs.
            let refusal = Refusal::new(access, response.status.as_u16(), &response.body, None);
            return Err(Error::Refused(Box::new(refusal)));
        }
        let mut refusal = Refusal::new(
            access,
            response.status.as_u16(),
            &response.body,
            response.retry_after,
        );
        if let Class::Locked { .. } = refusal.class() {
            let after = response.retry_after.unwrap_or(LOCKOUT);
            refusal.after = Some(self.limiter.lock_out(after).await);
        } else {
            self.limiter.answered(permit);
        }
        Err(Error::Refused(Box::new(refusal)))
    }
}
