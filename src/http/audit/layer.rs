//! Makes an entry of a request and its answer.

use std::sync::Arc;

use axum::{
    extract::{RawPathParams, Request, State, rejection::RawPathParamsRejection},
    middleware::Next,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::client::client;
use crate::{
    domain::audit::{
        Actor, AuditAction, AuditEntry, AuditSubject, RefusedReport, Repeats, shown_id,
    },
    http::{App, auth, error::Problem, visitor::Visitor},
    livekit::token::TokenError,
};

/// What an answer is about, if the request's address does not say it.
#[derive(Debug, Clone)]
pub(in crate::http) struct Audited(pub AuditSubject);

/// Who did it to which calls, if the request's headers and address do not say it.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct AuditedAs {
    /// Who it turned out to be.
    pub(in crate::http) who: Option<Actor>,
    /// A line for each of these calls; empty: one line.
    pub(in crate::http) calls: Vec<String>,
    /// Words of a closed set.
    pub(in crate::http) detail: String,
}

/// An answer that also shows words, beside what its action says.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct WordsShown;

type Params = Result<RawPathParams, RawPathParamsRejection>;

/// Around a request of the audit trail. What is served waits for its line; what is refused is counted.
pub(in crate::http) async fn layer(
    State((app, action)): State<(Arc<App>, AuditAction)>,
    params: Params,
    request: Request,
    next: Next,
) -> Response {
    let is_link = request.uri().path().starts_with("/r/");
    let mut entry = AuditEntry {
        at: (app.clock)(),
        who: match is_link {
            true => Actor::Link,
            false => actor(&app, &request),
        },
        action,
        subject: subject(action, &params),
        client: client(&app.trusted_proxies, &request),
        status: 0,
        detail: String::new(),
        // A player asks for one recording many times.
        repeats: match is_link || action == AuditAction::Listen {
            true => Repeats::Hourly,
            false => Repeats::Each(Uuid::now_v7().simple().to_string()),
        },
    };
    let is_report = action == AuditAction::SendTranscript;
    let report = is_report.then(|| refused_report(&app, &request));
    let response = next.run(request).await;
    entry.status = response.status().as_u16();
    if let Some(report) = report.filter(|_| entry.status == 401) {
        entry.detail = report.as_str().to_owned();
    }
    let is_refused = match action.leaves_line() {
        true => entry.status >= 400,
        false => matches!(entry.status, 401 | 403),
    };
    if is_refused {
        app.audit.refused(refused(entry));
        return response;
    }
    if !action.leaves_line() {
        return response;
    }
    let about = response.extensions().get().cloned();
    let words = response.extensions().get();
    let words = words.map(|WordsShown| of_words(&entry));
    let entries: Vec<AuditEntry> = match response.extensions().get::<AuditedAs>() {
        Some(known) => of_each(entry, known),
        None => std::iter::once(entry).chain(words).collect(),
    };
    match record(&app, entries, about).await {
        Ok(()) => response,
        Err(problem) => problem.into_response(),
    }
}

/// The same for the words that the answer shows.
fn of_words(entry: &AuditEntry) -> AuditEntry {
    AuditEntry {
        action: AuditAction::ReadWords,
        repeats: match entry.repeats {
            Repeats::Hourly => Repeats::Hourly,
            Repeats::Each(_) => Repeats::Each(Uuid::now_v7().simple().to_string()),
        },
        ..entry.clone()
    }
}

/// Stores the entries, but for those that repeat in this hour.
async fn record(
    app: &App,
    entries: Vec<AuditEntry>,
    about: Option<Audited>,
) -> Result<(), Problem> {
    for mut entry in entries {
        if entry.repeats == Repeats::Hourly && app.audit.has_recently(&entry) {
            continue;
        }
        entry.subject = match &about {
            Some(Audited(subject)) => subject.clone(),
            None => known(app, entry.subject).await,
        };
        app.audit.record(entry).await?;
    }
    Ok(())
}

/// Whoever is signed in, or whose token came with the request.
fn actor(app: &App, request: &Request) -> Actor {
    match request.extensions().get::<Visitor>() {
        Some(visitor) => visitor.actor.clone(),
        None => auth::actor(app, request.headers()),
    }
}

/// An entry for each call.
fn of_each(entry: AuditEntry, known: &AuditedAs) -> Vec<AuditEntry> {
    let entry = AuditEntry {
        who: known.who.clone().unwrap_or(entry.who),
        detail: known.detail.clone(),
        ..entry
    };
    let of_call = |call: &String| AuditEntry {
        subject: AuditSubject {
            call_id: Some(call.clone()),
            ..AuditSubject::default()
        },
        repeats: Repeats::Each(Uuid::now_v7().simple().to_string()),
        ..entry.clone()
    };
    match known.calls.is_empty() {
        true => vec![entry],
        false => known.calls.iter().map(of_call).collect(),
    }
}

/// What a report is if it is refused with 401.
fn refused_report(app: &App, request: &Request) -> RefusedReport {
    match auth::token_error(app, request.headers()) {
        Some(TokenError::Signature) => RefusedReport::WrongSecret,
        _ if request.uri().path().starts_with("/observability/") => RefusedReport::Uploaded,
        _ => RefusedReport::Sent,
    }
}

/// The call or recording in the request's path.
fn subject(action: AuditAction, params: &Params) -> AuditSubject {
    let params = params.as_ref().ok();
    let mut all = params.into_iter().flat_map(RawPathParams::iter);
    let id = all.next().map(|(_, id)| id.to_owned());
    match action {
        AuditAction::Listen | AuditAction::RecordStop => AuditSubject {
            egress_id: id,
            ..AuditSubject::default()
        },
        _ => AuditSubject {
            call_id: id,
            ..AuditSubject::default()
        },
    }
}

/// An entry of a request that was refused: its path and its token's identity may be anything.
fn refused(entry: AuditEntry) -> AuditEntry {
    let shown = |id: Option<String>| id.as_deref().and_then(shown_id).map(str::to_owned);
    AuditEntry {
        who: match entry.who {
            Actor::LiveKit(_) => Actor::LiveKit(None),
            who => who,
        },
        subject: AuditSubject {
            call_id: shown(entry.subject.call_id),
            egress_id: shown(entry.subject.egress_id),
            configuration: None,
        },
        repeats: Repeats::Hourly,
        ..entry
    }
}

/// The subject with its call.
async fn known(app: &App, subject: AuditSubject) -> AuditSubject {
    let Some(egress) = &subject.egress_id else {
        return subject;
    };
    // Without its call, the line still has the recording.
    let row = app.store.call_of_egress(egress).await.ok().flatten();
    AuditSubject {
        call_id: row.map(|row| row.call.id.into()),
        ..subject
    }
}
