//! Requests signed with one key. The key may be replaced while their answers are under way.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::error::{Error, failed};

/// The SDK's client with one key.
pub(super) struct Session {
    pub(super) s3: aws_sdk_s3::Client,
    /// Whether that key expires.
    pub(super) is_temporary: bool,
}

impl Session {
    /// The error of a request that was signed with this key.
    pub(super) fn failed<E>(&self, error: SdkError<E>) -> Error
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        match failed(error) {
            Error::Refused { status: 400, code } if self.is_temporary && is_expiry(&code) => {
                Error::Expired
            }
            error => error,
        }
    }
}

/// Whether a 400 with this code means that temporary credentials have expired. The response to HEAD has no code.
fn is_expiry(code: &str) -> bool {
    matches!(
        code,
        "" | "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired"
    )
}
