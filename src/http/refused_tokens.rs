//! Requests with a token that opens nothing, counted since the start of this process: who asks why there is no call or no
//! transcript finds them on the health page and in `/readyz`.
//!
//! Anybody can send them, so there is one count for each route and reason, and nothing of what was sent is kept; a key is
//! named only if it is configured.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::livekit::token::TokenError;

/// Where a token was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entrance {
    /// `/webhooks/livekit`
    Webhooks,
    /// `/observability`, where the agents SDK uploads to.
    Observability,
    /// `/v1`
    V1,
}

impl Entrance {
    /// The beginning of its addresses.
    pub(super) fn path(self) -> &'static str {
        match self {
            Entrance::Webhooks => "/webhooks/livekit",
            Entrance::Observability => "/observability",
            Entrance::V1 => "/v1",
        }
    }

    /// What comes there.
    pub(super) fn name(self) -> &'static str {
        match self {
            Entrance::Webhooks => "Webhooks",
            Entrance::Observability => "Agents' uploads",
            Entrance::V1 => "API requests",
        }
    }

    /// What to do about tokens that were refused for this reason.
    pub(super) fn advice(self, reason: TokenError) -> &'static str {
        match (self, reason) {
            (Entrance::Webhooks, reason) => reason.advice(),
            (Entrance::V1, TokenError::UnknownKey) => {
                "an agent on LiveKit Cloud gets a key of its own: give it API_TOKEN as a secret, or add that key to LIVEKIT_WEBHOOK_KEYS"
            }
            (_, TokenError::UnknownKey) => {
                "an agent on LiveKit Cloud gets a key of its own: add that key to LIVEKIT_WEBHOOK_KEYS"
            }
            (_, TokenError::Signature) => {
                "the agent's LIVEKIT_API_SECRET is not the one that this service has for the key"
            }
            (_, TokenError::Expired | TokenError::NotYet) => {
                "check the clocks of this machine and of the agent's"
            }
            (_, TokenError::Missing) => {
                "a proxy in front of this service removes the Authorization header, or somebody else calls this address"
            }
            (Entrance::V1, _) => {
                "the sender has neither API_TOKEN nor a LiveKit token: check its token"
            }
            _ => {
                "the sender has no LiveKit token: check its token, or somebody else calls this address"
            }
        }
    }
}

/// Tokens that were refused at one route for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct RefusedTokens {
    /// Where they were sent.
    #[serde(skip)]
    pub(super) entrance: Entrance,
    /// Why they were refused.
    #[serde(skip)]
    pub(super) why: TokenError,
    /// The beginning of the addresses: `/webhooks/livekit`.
    path: &'static str,
    /// Why they were refused, for people.
    pub(super) reason: String,
    /// What to do about it, for people.
    pub(super) advice: &'static str,
    /// Since the start of this process.
    pub(super) count: u64,
    /// When the last one came (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    pub(super) last_at: Timestamp,
    /// The configured API key that one of them named last; null: none did.
    #[schema(required = true)]
    pub(super) key: Option<String>,
}

/// The counts of this process.
#[derive(Default)]
pub struct TokenRefusals(Mutex<BTreeMap<(Entrance, TokenError), Count>>);

struct Count {
    count: u64,
    last_at: Timestamp,
    key: Option<String>,
}

impl TokenRefusals {
    /// Counts one; `key`: the configured key that it names, if any.
    pub(super) fn note(
        &self,
        entrance: Entrance,
        why: TokenError,
        key: Option<&str>,
        now: Timestamp,
    ) {
        let mut counts = self.lock();
        let known = counts.entry((entrance, why)).or_insert(Count {
            count: 0,
            last_at: now,
            key: None,
        });
        known.count += 1;
        known.last_at = now;
        if let Some(key) = key.filter(|key| known.key.as_deref() != Some(key)) {
            known.key = Some(key.to_owned());
        }
    }

    /// All of them, webhooks first.
    pub(super) fn all(&self) -> Vec<RefusedTokens> {
        let counts = self.lock();
        let all = counts
            .iter()
            .map(|(&(entrance, why), known)| RefusedTokens {
                entrance,
                why,
                path: entrance.path(),
                reason: why.to_string(),
                advice: entrance.advice(why),
                count: known.count,
                last_at: known.last_at,
                key: known.key.clone(),
            });
        all.collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Entrance, TokenError), Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
