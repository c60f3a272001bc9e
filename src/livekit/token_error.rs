//! Why a token is refused.

/// Why a signature is invalid. Contains nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum TokenError {
    #[error("no token")]
    Missing,
    #[error("not a JSON Web Token")]
    Malformed,
    #[error("the token is not signed with HS256")]
    Algorithm,
    #[error("the token's API key is not configured")]
    UnknownKey,
    #[error("the token's signature does not match the secret of its key")]
    Signature,
    #[error("the token has no expiry")]
    NoExpiry,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet: check the clocks")]
    NotYet,
    #[error("the token has no body hash")]
    NoBodyHash,
    #[error("the body does not match the signed hash")]
    Body,
}

impl TokenError {
    /// Whether no configured key has signed the token.
    pub fn is_foreign(self) -> bool {
        matches!(self, TokenError::UnknownKey | TokenError::Signature)
    }

    /// What its sender may know: not whether the key that it names, in `iss`, is configured.
    pub fn for_sender(self, named_key: Option<&str>) -> String {
        match named_key.filter(|_| self.is_foreign()) {
            Some(key) => format!("no configured API key has signed the token (`iss` is {key:?})"),
            None => self.to_string(),
        }
    }

    /// What the operator can do about a webhook that was refused for this reason.
    pub fn advice(self) -> &'static str {
        match self {
            TokenError::UnknownKey => {
                "set the webhook's signing key in LiveKit's settings to LIVEKIT_API_KEY, or add that key to LIVEKIT_WEBHOOK_KEYS"
            }
            TokenError::Signature => {
                "the secret in LIVEKIT_API_SECRET or LIVEKIT_WEBHOOK_KEYS does not belong to the webhook's signing key"
            }
            TokenError::Expired | TokenError::NotYet => {
                "check this machine's clock, and whether a proxy delays requests"
            }
            TokenError::Body => "a proxy must forward the body unchanged",
            TokenError::Missing => {
                "LiveKit signs its webhooks in the Authorization header: a proxy, firewall or tunnel in front of this service may remove that header and must forward it unchanged, or somebody else calls this address"
            }
            TokenError::Malformed => {
                "a proxy in front of this service may replace the Authorization header, for example with Basic authentication of its own, or somebody else calls this address"
            }
            _ => "LiveKit does not send such requests: somebody else calls this address",
        }
    }
}
