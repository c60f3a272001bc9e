//! Whether a permanent link that this service has signed is still valid.

use axum::http::StatusCode;
use jiff::Timestamp;

use super::{App, error::Problem};
use crate::domain::{Call, link::SignedLink};

/// Refuses a link that has been revoked (`calls unlink`) or has expired (LINK_LIFE). `since`: when there was first
/// something to link to.
///
/// # Errors
/// 410, or 503 when the database cannot tell.
pub(super) async fn check(
    app: &App,
    call: &Call,
    link: SignedLink,
    since: Option<Timestamp>,
) -> Result<(), Problem> {
    let gone = |detail| Err(Problem::new(StatusCode::GONE, detail));
    // The database is asked at every click, so a revocation ends links at once in every process.
    let revocation = app.store.link_revocation(&call.id).await?;
    if revocation.is_some_and(|revocation| revocation.ends(link.issue)) {
        return gone("this link was revoked; ask whoever sent it for a new one");
    }
    let since = link.issue.map(|issue| issue.at).or(since);
    let expires = since.and_then(|since| app.links.expires(since));
    if expires.is_some_and(|expires| expires <= (app.clock)()) {
        return gone("this link has expired; ask whoever sent it for a new one");
    }
    Ok(())
}
