//! PUBLIC_URL: whether it leads here, and whether the newest recording plays.

use std::time::Duration;

use reqwest::{StatusCode, tls::TlsInfo};
use tokio::time::Instant;

use super::{
    certificate::not_after,
    examined::Examined,
    finding::{
        BUCKET, DATABASE, Finding, Group, LIVEKIT_ADDRESS, LIVEKIT_KEY, Level, Name, OBJECTS,
        Severity,
    },
    reach::root,
    report::Report,
    row::Row,
};
use crate::{
    domain::{Call, link::Linked},
    livekit::trial_webhook::TrialWebhook,
    service::bucket,
    storage::{Method, Served},
    store::{self, CallFilter, Store},
    telemetry,
};

const GROUP: Group = Group::Links;
const PUBLIC_URL: Name = (GROUP, "PUBLIC_URL");
const CERTIFICATE: Name = (GROUP, "certificate");
/// How long a webhook that was acknowledged takes to be seen.
const TIMEOUT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(100);
/// Of a signed URL that is used at once.
const LIFE: Duration = Duration::from_secs(60);
const DAYS: i64 = 14;
const PROXY: &str = "PUBLIC_URL: the address of the reverse proxy in front of this service; it must pass POST requests with their Authorization header on to LISTEN_ADDR, see docs/src/set-up.md";

/// All checks of the group.
pub(super) async fn check(examined: &Examined, report: &mut Report) -> anyhow::Result<()> {
    let links = examined.settings.links.as_ref();
    let Some(url) = links.and_then(|links| links.public_url.as_deref()) else {
        let skipped = Finding::skipped("PUBLIC_URL is not set: rows hold links that expire");
        report.note(GROUP, PUBLIC_URL.1, skipped)?;
        return Ok(());
    };
    let certificate = certificate(examined, url);
    let certificate = report.check(GROUP, CERTIFICATE.1, certificate).await?;
    let causes = Causes {
        // A webhook of a key that nobody knows is refused everywhere.
        unauthorized: report.cause(&[LIVEKIT_ADDRESS, LIVEKIT_KEY]),
        unreachable: match certificate {
            Level::Failure(Severity::Unavailable) => Some(Finding::not_checked(CERTIFICATE)),
            _ => None,
        },
        unavailable: report.cause(&[DATABASE]),
    };
    let public_url = leads_here(examined, url, causes);
    report.check(GROUP, PUBLIC_URL.1, public_url).await?;
    let cause = report.cause(&[CERTIFICATE, PUBLIC_URL, BUCKET, OBJECTS]);
    let newest = async { newest(examined).await.caused_by(cause) };
    report.check(GROUP, "newest recording", newest).await?;
    Ok(())
}

/// Findings that explain an answer of PUBLIC_URL.
struct Causes {
    /// 401
    unauthorized: Option<Finding>,
    /// None at all.
    unreachable: Option<Finding>,
    /// 503
    unavailable: Option<Finding>,
}

/// Sends a signed webhook of our own through PUBLIC_URL, and looks where it arrives.
async fn leads_here(examined: &Examined, url: &str, causes: Causes) -> Finding {
    let Some(livekit) = &examined.settings.livekit else {
        return Finding::skipped("needs LIVEKIT_*, see Here");
    };
    if let Err(why) = examined.arrivals.is_open() {
        return why;
    }
    let key = (livekit.api_key.as_str(), &livekit.api_secret);
    let id = format!("{}-nonce", examined.id);
    examined.arrivals.expect(&id);
    let webhook = TrialWebhook::new(&id, key, examined.now());
    let target = format!("{}/webhooks/livekit", url.trim_end_matches('/'));
    let answer = match webhook.send(&examined.http, &target).await {
        Ok(answer) => answer,
        Err(error) => {
            let detail = format!("PUBLIC_URL cannot be reached: {}", root(&error));
            let found = Finding::failure(Severity::Unavailable, detail, PROXY, Row::PublicUrl);
            return found.caused_by(causes.unreachable);
        }
    };
    if let Some(refused) = refused(answer.status(), causes) {
        return refused;
    }
    let begun = Instant::now();
    while begun.elapsed() < TIMEOUT {
        let arrived = examined.arrivals.with(&id, examined.store.as_ref()).await;
        if arrived.is_ok_and(|bodies| !bodies.is_empty()) {
            return Finding::ok("a webhook sent to PUBLIC_URL arrived here");
        }
        tokio::time::sleep(POLL).await;
    }
    wrong_answer(
        "PUBLIC_URL answers 200, and the webhook did not arrive here: it leads to another service"
            .to_owned(),
    )
}

/// What an answer other than 200 means; `None`: it is 200.
fn refused(status: StatusCode, causes: Causes) -> Option<Finding> {
    let found = match status.as_u16() {
        200 => return None,
        300..=399 => wrong_answer(format!(
            "PUBLIC_URL/webhooks/livekit answers {}, a redirect: LiveKit's POST would become a GET, or get lost",
            status.as_u16()
        )),
        401 => wrong_answer(
            "PUBLIC_URL/webhooks/livekit answers 401 to a webhook signed with LIVEKIT_API_KEY: a proxy removes or replaces the Authorization header, or another service answers".to_owned(),
        )
        .caused_by(causes.unauthorized),
        503 => wrong_answer("PUBLIC_URL/webhooks/livekit answers 503 to POST".to_owned())
            .caused_by(causes.unavailable),
        other => wrong_answer(format!("PUBLIC_URL/webhooks/livekit answers {other} to POST")),
    };
    Some(found)
}

fn wrong_answer(detail: String) -> Finding {
    Finding::failure(Severity::Failed, detail, PROXY, Row::PublicUrl)
}

/// The certificate is trusted, which the request itself shows, and does not expire soon.
async fn certificate(examined: &Examined, url: &str) -> Finding {
    if !url.starts_with("https://") {
        return Finding::skipped("PUBLIC_URL is not https");
    }
    let client = match telemetry::http_client_with_certificates() {
        Ok(client) => client,
        Err(error) => return Finding::skipped(error.to_string()),
    };
    let answer = match client.get(format!("{url}/healthz")).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let detail = format!(
                "the certificate or its chain is not accepted, or there is no answer: {}",
                root(&error)
            );
            let remedy = "PUBLIC_URL: check that the reverse proxy runs at this address, and that it sends the whole chain (fullchain.pem, not cert.pem)";
            return Finding::failure(Severity::Unavailable, detail, remedy, Row::PublicUrl);
        }
    };
    let info = answer.extensions().get::<TlsInfo>();
    let certificate = info.and_then(TlsInfo::peer_certificate);
    let Some(expires) = certificate.and_then(not_after) else {
        return Finding::ok("trusted");
    };
    let days = expires.duration_since(examined.now()).as_hours() / 24;
    match days {
        ..DAYS => Finding::failure(
            Severity::Failed,
            format!("the certificate expires in {days} days"),
            "PUBLIC_URL: look why the proxy does not renew it",
            Row::PublicUrl,
        ),
        _ => Finding::ok(format!("trusted, and valid for {days} days")),
    }
}

/// The permanent link of the newest recording: 302, then 206.
async fn newest(examined: &Examined) -> Finding {
    let Some(store) = &examined.store else {
        return examined.without_store("there is no recording yet");
    };
    if !examined.is_served {
        return Finding::skipped("`serve` does not run");
    }
    let call = match newest_call(store).await {
        Ok(Some(call)) => call,
        Ok(None) => return Finding::skipped("there is no recording yet"),
        Err(error) => return Finding::skipped(error.to_string()),
    };
    plays(examined, &call).await
}

/// The link of a call as its row has it: it leads to the recording, and serves ranges.
pub(super) async fn plays(examined: &Examined, call: &Call) -> Finding {
    let signed = async {
        let Some(store) = &examined.store else {
            return Ok(None);
        };
        link(examined, store, call).await
    };
    let link = match signed.await {
        Ok(Some(link)) => link,
        Ok(None) => return Finding::skipped("there is no recording to play"),
        Err(error) => return Finding::skipped(format!("{error:#}")),
    };
    match link {
        Link::Permanent(url) => permanent_plays(examined, &url).await,
        Link::Signed(url) => signed_plays(examined, &url, "its signed link plays (206)").await,
    }
}

/// A link as rows have it.
enum Link {
    /// With PUBLIC_URL.
    Permanent(String),
    /// Of the storage.
    Signed(String),
}

async fn permanent_plays(examined: &Examined, link: &str) -> Finding {
    let range = |url: &str| examined.http.get(url).header("range", "bytes=0-0").send();
    let answer = match range(link).await {
        Ok(answer) => answer,
        Err(error) => {
            return not_played(format!("PUBLIC_URL cannot be reached: {}", root(&error)));
        }
    };
    let location = answer.headers().get("location");
    let location = location.and_then(|it| it.to_str().ok());
    let (302, Some(location)) = (answer.status().as_u16(), location) else {
        return not_played(format!(
            "the link of the newest recording answers {} instead of 302",
            answer.status().as_u16()
        ));
    };
    signed_plays(examined, location, "its link plays (302, then 206)").await
}

async fn signed_plays(examined: &Examined, url: &str, works: &str) -> Finding {
    let request = examined.http.get(url).header("range", "bytes=0-0");
    match request.send().await {
        Ok(played) if played.status().as_u16() == 206 => Finding::ok(works),
        Ok(played) => not_played(format!(
            "the storage answers {} to the link of the newest recording instead of 206",
            played.status().as_u16()
        )),
        Err(error) => not_played(format!("the storage cannot be reached: {}", root(&error))),
    }
}

fn not_played(detail: String) -> Finding {
    let remedy = format!("{PROXY}; LINK_SECRET: the same as that of `serve`");
    Finding::failure(Severity::Failed, detail, &remedy, Row::NewestLink)
}

/// The newest call with a recording in the bucket.
async fn newest_call(store: &Store) -> Result<Option<Call>, store::Error> {
    let filter = CallFilter {
        limit: 20,
        ..CallFilter::default()
    };
    let calls = store.page(&filter).await?.calls.into_iter();
    let mut calls = calls.map(|row| row.call);
    Ok(calls.find(|call| call.playable_recording().is_some()))
}

async fn link(examined: &Examined, store: &Store, call: &Call) -> anyhow::Result<Option<Link>> {
    let settings = &examined.settings;
    let (Some(links), Some(recording), Some(database), Some(storage)) = (
        &settings.links,
        &settings.recording,
        &settings.database_url,
        examined.storage(),
    ) else {
        return Ok(None);
    };
    let rules = bucket::links(links, recording, database, store).await?;
    let revocation = store.link_revocation(&call.id).await?;
    let Some((recording, _)) = call.playable_recording() else {
        return Ok(None);
    };
    let issue = rules.issue(revocation.as_ref(), examined.now());
    if let Some(url) = rules.permanent(Linked::Recording(&recording.egress_id), issue) {
        return Ok(Some(Link::Permanent(url)));
    }
    let url = storage.presign(&recording.key, LIFE, Method::Get, Served::default());
    Ok(Some(Link::Signed(url.await?)))
}
