//! Authorization for `/v1`: API_TOKEN for everything, a token of API_TOKENS for its scopes, or a LiveKit access token
//! signed with our key for its room.

use std::sync::Arc;

use axum::http::{HeaderMap, header};

use super::{
    App,
    admission::Admission,
    error::Problem,
    refused_tokens::Entrance,
    token_refusal::{bad_token, without_token},
    tokens::Access,
};
use crate::{
    domain::{Claim, Scope, Signer, Standing, audit::Actor},
    livekit::token::{Grants, TokenError},
};

/// Whose token a request carries.
pub(super) enum Bearer {
    /// API_TOKEN, or one of API_TOKENS.
    Api(Arc<Access>),
    /// A LiveKit token, which permits what it grants in its room, and whose key has signed it.
    LiveKit(Grants, Signer),
}

/// What a request with a body needs: a grant of a LiveKit token, or a scope of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    /// `roomAdmin`, or `transcripts`
    Report,
    /// `roomRecord`, or `record`
    Record,
}

impl Grant {
    fn scope(self) -> Scope {
        match self {
            Grant::Report => Scope::Transcripts,
            Grant::Record => Scope::Record,
        }
    }
}

/// The bearer of a request with a body; 401 without a token or with a bad one, 403 without the grant, 429 if it sends too
/// many. Only then may the body be received.
pub(super) fn sender(app: &App, headers: &HeaderMap, grant: Grant) -> Result<Bearer, Problem> {
    let bearer = bearer(app, headers)?;
    bearer.may(grant)?;
    if let Bearer::LiveKit(grants, signer) = &bearer {
        app.admission.check_rate(&signer.key, grants)?;
    }
    Ok(bearer)
}

/// The bearer of a request; 401 without a token or with a bad one.
pub(super) fn bearer(app: &App, headers: &HeaderMap) -> Result<Bearer, Problem> {
    let token = bearer_token(headers).ok_or_else(|| without_token(app, Entrance::V1))?;
    if let Some(access) = app.tokens.find(token) {
        return Ok(Bearer::Api(access));
    }
    match app.keys.verify_sender(token, (app.clock)()) {
        Ok((grants, signer)) => Ok(Bearer::LiveKit(grants, signer)),
        Err(refused) => {
            let why = bad_token(app, token, refused, Entrance::V1);
            Err(Problem::unauthorized(format!(
                "the token is neither API_TOKEN nor a valid LiveKit token: {why}"
            )))
        }
    }
}

/// Checks that a request may read what takes this scope; a LiveKit token never may.
pub(super) fn reader(app: &App, headers: &HeaderMap, scope: Scope) -> Result<(), Problem> {
    match bearer(app, headers)? {
        Bearer::Api(access) => permitted(&access, scope),
        Bearer::LiveKit(..) => Err(Problem::forbidden(format!(
            "reading requires API_TOKEN, or a token of API_TOKENS with the scope `{}`",
            scope.as_str()
        ))),
    }
}

/// Recordings are started and stopped in our project: its key may, and no other.
fn starts_and_stops(signer: &Signer) -> Result<(), Problem> {
    let key = &signer.key;
    match signer.standing {
        Standing::Ours => Ok(()),
        Standing::Earlier | Standing::Other => Err(Problem::forbidden(format!(
            "the key {key:?} is another LiveKit project's: recordings are started and stopped with LIVEKIT_API_KEY, or with API_TOKEN"
        ))),
        Standing::Undecided(_) => Err(Problem::forbidden(format!(
            "LIVEKIT_URL has not said yet whether the key {key:?} is of its project: recordings are started and stopped with LIVEKIT_API_KEY, or with API_TOKEN"
        ))),
    }
}

/// Whose token a request carries, for the audit trail.
pub(super) fn actor(app: &App, headers: &HeaderMap) -> Actor {
    let Some(token) = bearer_token(headers) else {
        return Actor::Unknown;
    };
    if let Some(access) = app.tokens.find(token) {
        return Actor::Token(access.name.clone());
    }
    let sender = app.keys.verify_sender(token, (app.clock)());
    sender.map_or(Actor::Unknown, |(grants, _)| {
        Actor::LiveKit(Some(grants.identity))
    })
}

/// Why the LiveKit token of a request opens nothing; `None`: there is none, or it is good.
pub(super) fn token_error(app: &App, headers: &HeaderMap) -> Option<TokenError> {
    let token = bearer_token(headers)?;
    let sender = app.keys.verify_sender(token, (app.clock)());
    sender.err()
}

/// The token of `Authorization: Bearer`.
pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn permitted(access: &Access, scope: Scope) -> Result<(), Problem> {
    match access.permits(scope) {
        true => Ok(()),
        false => Err(Problem::forbidden(format!(
            "the token {:?} lacks the scope `{}`",
            access.name,
            scope.as_str()
        ))),
    }
}

impl Bearer {
    /// A token of ours must have the scope, a LiveKit token the grant, and name a room. Checked before the body is
    /// received.
    pub(super) fn may(&self, grant: Grant) -> Result<(), Problem> {
        let (grants, signer) = match self {
            Bearer::Api(access) => return permitted(access, grant.scope()),
            Bearer::LiveKit(grants, signer) => (grants, signer),
        };
        if grant == Grant::Record {
            starts_and_stops(signer)?;
        }
        let (name, granted) = match grant {
            Grant::Report => ("roomAdmin", grants.room_admin),
            Grant::Record => ("roomRecord", grants.room_record),
        };
        match (granted, &grants.room) {
            (true, Some(_)) => Ok(()),
            (false, _) => Err(Problem::forbidden(format!(
                "the token lacks the grant `{name}`"
            ))),
            (true, None) => Err(Problem::forbidden(format!(
                "the token's grant `{name}` is for no room: set `room`"
            ))),
        }
    }

    /// A LiveKit token must be for this room.
    pub(super) fn is_for(&self, room_name: &str) -> Result<(), Problem> {
        match self {
            Bearer::LiveKit(grants, _) if grants.room.as_deref() != Some(room_name) => {
                Err(Problem::forbidden("the token is for another room"))
            }
            _ => Ok(()),
        }
    }

    /// Counts the bytes of a report; 429 if this token has sent too many.
    pub(super) fn charge(&self, admission: &Admission, bytes: usize) -> Result<(), Problem> {
        match self {
            Bearer::Api(access) => admission.charge(&access.name, bytes),
            Bearer::LiveKit(grants, signer) => {
                admission.charge(&(&signer.key, &grants.identity, &grants.room), bytes)
            }
        }
    }

    /// The room of a LiveKit token.
    pub(super) fn room(&self) -> Option<&str> {
        match self {
            Bearer::Api(_) => None,
            Bearer::LiveKit(grants, _) => grants.room.as_deref(),
        }
    }

    /// Who signed a LiveKit token.
    pub(super) fn signer(&self) -> Option<&Signer> {
        match self {
            Bearer::Api(_) => None,
            Bearer::LiveKit(_, signer) => Some(signer),
        }
    }

    /// The calls on which the bearer may act; `None`: LIVEKIT_URL has not said yet.
    pub(super) fn claim(&self) -> Option<Claim> {
        self.signer().map_or(Some(Claim::Any), Signer::claim)
    }
}
