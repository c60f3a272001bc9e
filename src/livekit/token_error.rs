//! Why a token is refused.

/// Why a signature does not count. Nothing of the token is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("no token")]
    Missing,
    #[error("not a JSON Web Token")]
    Malformed,
    #[error("the token is not signed with HS256")]
    Algorithm,
    #[error("the token is of an API key that is not configured")]
    UnknownKey,
    #[error("the token is not signed with its key's secret")]
    Signature,
    #[error("the token has no time of expiry")]
    NoExpiry,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet: are the clocks right?")]
    NotYet,
    #[error("the token has no hash of the body")]
    NoBodyHash,
    #[error("the body is not the one that was signed")]
    Body,
}

impl TokenError {
    /// What the operator can do about a webhook that was refused for this reason.
    pub fn advice(self) -> &'static str {
        match self {
            TokenError::UnknownKey => {
                "the signing key of the webhook in LiveKit's settings must be LIVEKIT_API_KEY, or be added to LIVEKIT_WEBHOOK_KEYS"
            }
            TokenError::Signature => {
                "the secret in LIVEKIT_API_SECRET or LIVEKIT_WEBHOOK_KEYS is not that of the webhook's signing key"
            }
            TokenError::Expired | TokenError::NotYet => {
                "is this machine's clock right, and does a proxy hold requests up?"
            }
            TokenError::Body => "a proxy must pass the body on byte for byte",
            _ => "LiveKit does not send that: somebody else calls this address",
        }
    }
}
