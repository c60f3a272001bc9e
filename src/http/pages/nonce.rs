//! The nonce of an answer: only styles that carry it are applied.

use uuid::Uuid;

use crate::domain::hex;

/// Random, and different in each answer.
pub(super) struct Nonce(String);

impl Nonce {
    /// A new one.
    pub(super) fn new() -> Nonce {
        Nonce(hex(Uuid::new_v4().as_bytes()))
    }

    /// As it stands in the policy and in elements.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
