//! Who a request comes from: a session's cookie, a bearer token, or a person that a trusted proxy names.

use std::net::SocketAddr;

use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, HeaderValue, Method, request::Parts},
};
use jiff::SignedDuration;
use uuid::Uuid;

use super::cookie::{self, LIFE};
use crate::{
    domain::{Scope, audit::Actor, sha256},
    http::{
        App, auth,
        tokens::{Access, KnownToken},
        visitor::Visitor,
    },
    store::{self, SessionHolder, StoredSession},
};

/// What a person may see and do whom a proxy has let in.
const OF_A_PERSON: [Scope; 3] = [Scope::Read, Scope::Words, Scope::Redrive];
/// Bytes of the longest name of a person.
const LONGEST_NAME: usize = 254;

/// Somebody who is let in.
pub(super) struct Found {
    /// Who.
    pub(super) visitor: Visitor,
    /// Of a session that began with this request.
    pub(super) cookie: Option<HeaderValue>,
}

/// Begins the session of a token's bearer; the cookie.
pub(super) async fn sign_in(
    app: &App,
    headers: &HeaderMap,
    token: &KnownToken,
) -> Result<HeaderValue, store::Error> {
    let id = new_id();
    let holder = SessionHolder::Token {
        name: token.access.name.clone(),
        proof: token.proof(&id),
    };
    begin(app, &id, holder).await?;
    Ok(cookie::set(headers, &id))
}

/// Ends the session of this request.
pub(super) async fn sign_out(app: &App, headers: &HeaderMap) -> Result<(), store::Error> {
    match cookie::read(headers) {
        Some(id) => app.store.end_session(&sha256(id)).await,
        None => Ok(()),
    }
}

/// Who sends this request; `None`: nobody who may see a page.
pub(super) async fn find(app: &App, request: &Parts) -> Result<Option<Found>, store::Error> {
    let headers = &request.headers;
    let person = person(app, request);
    if let Some(id) = cookie::read(headers)
        && let Some(visitor) = of_session(app, id, person.as_deref()).await?
    {
        return Ok(Some(Found {
            visitor,
            cookie: None,
        }));
    }
    if let Some(access) = auth::bearer_token(headers).and_then(|token| app.tokens.find(token)) {
        return Ok(Some(Found {
            visitor: bearer(&access, None),
            cookie: None,
        }));
    }
    let Some(name) = person else {
        return Ok(None);
    };
    // A session is for forms, and forms are on pages.
    if request.method != Method::GET {
        return Ok(Some(Found {
            visitor: of_person(&name, None),
            cookie: None,
        }));
    }
    let id = new_id();
    if let Err(error) = begin(app, &id, SessionHolder::Person(name.clone())).await {
        tracing::warn!(%error, "no session could be stored for a person; they can read the pages, which have no forms");
        return Ok(Some(Found {
            visitor: of_person(&name, None),
            cookie: None,
        }));
    }
    Ok(Some(Found {
        visitor: of_person(&name, Some(form_token(&id))),
        cookie: Some(cookie::set(headers, &id)),
    }))
}

async fn begin(app: &App, id: &str, holder: SessionHolder) -> Result<(), store::Error> {
    let now = (app.clock)();
    let session = StoredSession {
        id_hash: sha256(id),
        holder,
        expires_at: now + SignedDuration::from_secs(LIFE),
    };
    app.store.begin_session(&session, now).await
}

/// The holder of a session, while what let them in still does.
async fn of_session(
    app: &App,
    id: &str,
    person: Option<&str>,
) -> Result<Option<Visitor>, store::Error> {
    let hash = sha256(id);
    let Some(session) = app.store.session(&hash, (app.clock)()).await? else {
        return Ok(None);
    };
    let form_token = Some(form_token(id));
    match session.holder {
        SessionHolder::Token { name, proof } => {
            let token = app.tokens.named(&name);
            match token.filter(|token| token.proof(id) == proof) {
                Some(token) => Ok(Some(bearer(&token.access, form_token))),
                None => {
                    app.store.end_session(&hash).await?;
                    Ok(None)
                }
            }
        }
        SessionHolder::Person(name) if person == Some(name.as_str()) => {
            Ok(Some(of_person(&name, form_token)))
        }
        SessionHolder::Person(_) => Ok(None),
    }
}

fn bearer(access: &Access, form_token: Option<String>) -> Visitor {
    let actor = Actor::Token(access.name.clone());
    Visitor::new(actor, &access.name, access.scopes().clone(), form_token)
}

fn of_person(name: &str, form_token: Option<String>) -> Visitor {
    let actor = Actor::Person(name.to_owned());
    Visitor::new(actor, name, OF_A_PERSON.into(), form_token)
}

/// OPS_TRUST_HEADER, if one of TRUSTED_PROXIES has set it, and once.
fn person(app: &App, request: &Parts) -> Option<String> {
    let name = app.ops.trust_header.as_deref()?;
    let ConnectInfo(peer) = request.extensions.get::<ConnectInfo<SocketAddr>>()?;
    if !app.trusted_proxies.contains(peer.ip()) {
        return None;
    }
    let mut values = request.headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    let person = std::str::from_utf8(value.as_bytes()).ok()?.trim();
    let is_name = !person.is_empty() && person.len() <= LONGEST_NAME;
    is_name.then(|| person.to_owned())
}

/// More than 240 random bits.
fn new_id() -> String {
    let half = || Uuid::new_v4().simple().to_string();
    half() + &half()
}

/// What the forms of a session carry: only who has its cookie can have been shown it.
fn form_token(id: &str) -> String {
    sha256(format!("form {id}"))
}
