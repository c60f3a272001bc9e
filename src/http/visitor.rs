//! Who asks for a page, and what they may see and do there.

use std::collections::BTreeSet;

use super::error::Problem;
use crate::domain::{Scope, audit::Actor};

/// Somebody who is signed in to the pages, or has sent a token with this request.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    /// For the audit trail.
    pub(super) actor: Actor,
    /// As the page calls them.
    pub(super) name: String,
    scopes: BTreeSet<Scope>,
    form_token: Option<String>,
    warnings: Warnings,
}

/// What every page warns of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Warnings {
    /// Dependencies of the service that fail now.
    pub(super) failing: usize,
    /// Things that need somebody.
    pub(super) attention: usize,
}

impl Visitor {
    /// `form_token`: what forms of the session carry; `None` without a session, which can only read.
    pub(super) fn new(
        actor: Actor,
        name: &str,
        scopes: BTreeSet<Scope>,
        form_token: Option<String>,
    ) -> Visitor {
        Visitor {
            actor,
            name: name.to_owned(),
            scopes,
            form_token,
            warnings: Warnings::default(),
        }
    }

    /// The same, whose pages warn of this.
    pub(super) fn warned_of(self, warnings: Warnings) -> Visitor {
        Visitor { warnings, ..self }
    }

    /// What their pages warn of.
    pub(super) fn warnings(&self) -> Warnings {
        self.warnings
    }

    /// Whether they have this scope.
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// 403 without this scope.
    pub(super) fn require(&self, scope: Scope) -> Result<(), Problem> {
        match self.may(scope) {
            true => Ok(()),
            false => Err(Problem::forbidden(format!(
                "`{}` lacks the scope `{}`",
                self.name,
                scope.as_str()
            ))),
        }
    }

    /// What forms of the session carry.
    pub(super) fn form_token(&self) -> Option<&str> {
        self.form_token.as_deref()
    }
}
