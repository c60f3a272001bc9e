//! Why the storage did not do what it was asked for.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::domain::KeyUnreadable;

/// A failed request, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Also AWS's answer for a missing object if the key may not list the bucket.
    #[error(
        "the storage refused access (403): check S3_ACCESS_KEY, S3_SECRET_KEY and the key's permissions for S3_BUCKET (on AWS, a missing object gives the same error without s3:ListBucket)"
    )]
    Forbidden,
    #[error(
        "the storage rejected the request ({status} {code}): check S3_ENDPOINT, S3_REGION and S3_BUCKET"
    )]
    Refused { status: u16, code: String },
    /// Temporary credentials have expired.
    #[error(
        "the storage's temporary credentials have expired or were rejected: write new ones into the files of S3_SESSION_TOKEN_FILE, S3_ACCESS_KEY_FILE and S3_SECRET_KEY_FILE, which are read again for each request"
    )]
    Expired,
    /// A file with a part of the key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyUnreadable),
    /// Try again later.
    #[error("the storage is unreachable: {what}")]
    Away {
        what: String,
        /// `None`: there was no complete answer.
        status: Option<u16>,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("cannot sign a URL: its lifetime must be above 0 and at most 7 days")]
    Presign(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The HTTP status of the storage's answer; `None` without one, or when it is not known.
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Error::Forbidden => Some(403),
            Error::Refused { status, .. } => Some(*status),
            Error::Away { status, .. } => *status,
            Error::Expired | Error::Key(_) | Error::Presign(_) => None,
        }
    }
}

/// The HTTP status of the storage's answer; `None` without one.
pub(super) fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|r| r.status().as_u16())
}

/// The meaning of an error of the SDK.
pub(super) fn failed<E>(error: SdkError<E>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let what = match (status(&error), &error) {
        (Some(403), _) => return Error::Forbidden,
        (Some(status), _) if status < 500 && status != 429 && status != 408 => {
            let code = error.code().unwrap_or_default().to_owned();
            return Error::Refused { status, code };
        }
        (Some(status), _) => format!("it answered {status}"),
        (None, SdkError::TimeoutError(_)) => "timed out".into(),
        (None, _) => "no connection".into(),
    };
    Error::Away {
        what,
        status: status(&error),
        source: error.into(),
    }
}
