//! The tokens of API_TOKEN and API_TOKENS, as hashes: equally long, and of no use to anybody.

use std::{collections::BTreeSet, sync::Arc};

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::{ApiToken, Scope, hex};

/// All configured tokens.
pub struct ApiTokens(Vec<(Arc<Access>, [u8; 32])>);

/// What the bearer of a token may do.
pub(super) struct Access {
    /// The token's name.
    pub(super) name: String,
    scopes: BTreeSet<Scope>,
}

impl Access {
    /// All of its scopes.
    pub(super) fn scopes(&self) -> &BTreeSet<Scope> {
        &self.scopes
    }

    /// Whether the token has this scope.
    pub(super) fn permits(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

impl ApiTokens {
    /// The tokens of the configuration.
    pub fn new(tokens: &[ApiToken]) -> ApiTokens {
        let hashed = tokens.iter().map(|token| {
            let access = Access {
                name: token.name.clone(),
                scopes: token.scopes.clone(),
            };
            (Arc::new(access), hash(token.token.expose_secret()))
        });
        ApiTokens(hashed.collect())
    }

    /// Whether there is any.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The token that somebody typed, if it is known.
    pub(super) fn known(&self, token: &str) -> Option<KnownToken> {
        let access = self.find(token)?;
        Some(KnownToken {
            access,
            hash: hash(token),
        })
    }

    /// The token with this name.
    pub(super) fn named(&self, name: &str) -> Option<KnownToken> {
        let mut all = self.0.iter();
        let (access, hash) = all.find(|(access, _)| access.name == name)?;
        Some(KnownToken {
            access: access.clone(),
            hash: *hash,
        })
    }

    /// What the bearer of this token may do; None for an unknown token. Takes the same time for each.
    pub(super) fn find(&self, token: &str) -> Option<Arc<Access>> {
        let hash = hash(token);
        let mut found = None;
        for (access, known) in &self.0 {
            if bool::from(known.ct_eq(&hash)) {
                found = Some(access.clone());
            }
        }
        found
    }
}

/// A token that a person has typed, and what it permits.
pub(super) struct KnownToken {
    /// What its bearer may do.
    pub(super) access: Arc<Access>,
    hash: [u8; 32],
}

impl KnownToken {
    /// A hash that takes the token and the ID of a session to compute.
    pub(super) fn proof(&self, session_id: &str) -> String {
        hex(&Sha256::new_with_prefix(session_id)
            .chain_update(self.hash)
            .finalize())
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
