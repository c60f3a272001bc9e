//! The tokens of API_TOKEN and API_TOKENS, as hashes: equally long, and of no use to anybody.

use std::{collections::BTreeSet, sync::Arc};

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::{ApiToken, Scope};

/// All configured tokens.
pub struct ApiTokens(Vec<(Arc<Access>, [u8; 32])>);

/// What the bearer of a token may do.
pub(super) struct Access {
    /// The token's name.
    pub(super) name: String,
    scopes: BTreeSet<Scope>,
}

impl Access {
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

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
