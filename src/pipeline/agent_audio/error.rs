//! Why agents' audio could not be uploaded.

use crate::{storage, store};

/// Why a file is not in the bucket, for people.
#[derive(Debug, thiserror::Error)]
pub(super) enum UploadError {
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error("other recordings of the call have all keys of the agent's audio")]
    NoKey,
    /// Of our database: nobody waits for the bucket.
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the recording cannot be noted")]
    Json(#[from] serde_json::Error),
}
