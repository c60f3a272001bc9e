//! The key to the bucket. A temporary one is replaced while the service runs, so it is looked up for each use.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

/// An access key with its secret, and the token that belongs to temporary ones.
#[derive(Debug, Clone)]
pub struct StorageKey {
    /// The key's ID, which is no secret.
    pub access_key: String,
    /// The secret that signs requests.
    pub secret_key: SecretString,
    /// Only of temporary credentials.
    pub session_token: Option<SecretString>,
}

/// Why the key cannot be looked up now; names the variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the storage's key cannot be read: {0}")]
pub struct KeyUnreadable(pub String);

/// Looks up the key of this moment. Clones share it.
#[derive(Clone)]
pub struct KeyLookup(Arc<dyn Fn() -> Result<StorageKey, KeyUnreadable> + Send + Sync>);

impl KeyLookup {
    /// Asks `read` for each use.
    pub fn new(
        read: impl Fn() -> Result<StorageKey, KeyUnreadable> + Send + Sync + 'static,
    ) -> KeyLookup {
        KeyLookup(Arc::new(read))
    }

    /// The key as it is now.
    ///
    /// # Errors
    /// When a file that holds a part of it cannot be read.
    pub fn get(&self) -> Result<StorageKey, KeyUnreadable> {
        (self.0)()
    }
}

impl From<StorageKey> for KeyLookup {
    /// A key that stays.
    fn from(key: StorageKey) -> KeyLookup {
        KeyLookup::new(move || Ok(key.clone()))
    }
}

impl StorageKey {
    /// Whether these credentials end by themselves.
    pub fn is_temporary(&self) -> bool {
        self.session_token.is_some()
    }
}

impl PartialEq for StorageKey {
    fn eq(&self, other: &StorageKey) -> bool {
        let token = |key: &StorageKey| {
            let token = key.session_token.as_ref();
            token.map(|token| token.expose_secret().to_owned())
        };
        self.access_key == other.access_key
            && self.secret_key.expose_secret() == other.secret_key.expose_secret()
            && token(self) == token(other)
    }
}
