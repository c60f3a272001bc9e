//! `calls link`: a link that plays a recording.

use anyhow::bail;

use crate::{
    cli::audited::audited,
    cli::console::output::{Format, print_json, print_line},
    config::{self, Config, Source},
    domain::{Call, ObjectState, Recording, audit::AuditAction, link::Linked},
    service::{bucket, database},
    storage::{Method, Served},
    store::Store,
    telemetry,
    view::LinkView,
};

/// Prints the link of the recording with this id, or of a call's newest one.
pub(super) async fn link(id: &str, format: Format, source: &Source) -> anyhow::Result<()> {
    let (url, links, recording) = config::read(source, |r| {
        let (links, recording) = (
            config::LinksSettings::read(r),
            config::RecordingSettings::read(r),
        );
        (config::database_url(r), links, recording)
    })?;
    // Signing a permanent link does not need the storage.
    let storage = match links.public_url {
        Some(_) => None,
        None => Some(Config::storage(source)?),
    };
    let find = async |store: &Store| {
        let links = bucket::links(&links, &recording, &url, store).await?;
        let call = database::find(store, id).await?.call;
        let revocation = store.link_revocation(&call.id).await?;
        let Some(found) = playable(&call, id).cloned() else {
            let (status, error) = (call.status().label(), call.error());
            bail!(
                "{} has no recording that can be played; its status is {status}. {error}",
                call.id
            );
        };
        Ok((links, call, found, revocation))
    };
    let find = async |store: &Store| {
        let action = (AuditAction::Link, String::new());
        audited(store, action, &[id.to_owned()], find(store)).await
    };
    let (links, call, found, revocation) = database::existing(&url, find).await?;
    let now = telemetry::now();
    let issue = links.issue(revocation.as_ref(), now);
    let permanent = links.permanent(Linked::Recording(&found.egress_id), issue);
    let (link, expires_at) = match (permanent, storage) {
        (None, Some(config)) => {
            let client = bucket::client(&config);
            let signed = client.presign(&found.key, links.ttl, Method::Get, Served::default());
            (signed.await?, Some(now + links.ttl))
        }
        (permanent, _) => {
            let expires = issue.and_then(|issue| links.expires(issue.at));
            (permanent.unwrap_or_default(), expires)
        }
    };
    match format {
        Format::Text => print_line(&link),
        Format::Json => print_json(&LinkView {
            call_id: &call.id,
            egress_id: &found.egress_id,
            url: &link,
            expires_at,
        }),
    }
}

/// The recording with this id, else the call's newest, if it is in the bucket.
fn playable<'a>(call: &'a Call, id: &str) -> Option<&'a Recording> {
    let Some(named) = call.recordings.get(id) else {
        return call.playable_recording().map(|(recording, _)| recording);
    };
    matches!(call.object(named), Some(ObjectState::Found { .. })).then_some(named)
}
