//! The mirror: whether its host answers. A recording is sent to it by `--mirror-test` alone.

use serde_json::json;
use url::Url;

use super::{
    examined::Examined,
    finding::{Finding, Group, Level, Name},
    reach::root,
    report::Report,
    row::Row,
};
use crate::{
    config::MirrorSettings,
    mirror::{Client, Config, PostOutcome},
};

const ADDRESS: Name = (Group::Mirror, "address");
const REMEDY: &str = "EGRESS_WEBHOOK_URL: in n8n, open the workflow's Webhook node, copy the Production URL, and activate the workflow";

/// Whether a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    None,
    /// `--mirror-test`
    Test,
}

/// All checks of the group.
pub(super) async fn check(
    examined: &Examined,
    payload: Payload,
    report: &mut Report,
) -> anyhow::Result<()> {
    let Some(mirror) = &examined.settings.mirror else {
        let skipped = Finding::skipped("EGRESS_WEBHOOK_URL is not set");
        report.note(Group::Mirror, ADDRESS.1, skipped)?;
        return Ok(());
    };
    let address = address(examined, mirror);
    let level = report.check(Group::Mirror, ADDRESS.1, address).await?;
    let cause = (level != Level::Ok).then(|| Finding::not_checked(ADDRESS));
    let test = async {
        match payload {
            Payload::None => Finding::skipped("--mirror-test sends one request"),
            Payload::Test => test(examined, mirror).await.caused_by(cause),
        }
    };
    report.check(Group::Mirror, "test", test).await?;
    Ok(())
}

async fn address(examined: &Examined, mirror: &MirrorSettings) -> Finding {
    if let Err(error) = examined.http.head(&mirror.url).send().await {
        let detail = format!("EGRESS_WEBHOOK_URL cannot be reached: {}", root(&error));
        return Finding::warning(detail, REMEDY, Row::Mirror);
    }
    // The answer to HEAD has no text, and a GET of the webhook itself could start a workflow.
    let front = Url::parse(&mirror.url).and_then(|url| url.join("/"));
    let text = match front {
        Ok(front) => examined.http.get(front).send().await.ok(),
        Err(_) => None,
    };
    let text = match text {
        Some(answer) => answer.text().await.unwrap_or_default(),
        None => String::new(),
    };
    match text.trim_start().starts_with("n8n is starting up") {
        true => Finding::warning(
            "n8n is still starting up: it answers 200 and runs nothing",
            "EGRESS_WEBHOOK_URL: wait until n8n has started, and run doctor again",
            Row::Mirror,
        ),
        false => Finding::ok("its host answers"),
    }
}

async fn test(examined: &Examined, mirror: &MirrorSettings) -> Finding {
    let config = Config {
        url: mirror.url.clone(),
        secret: mirror.secret.clone(),
    };
    let client = Client::new(config, examined.http.clone());
    let body = json!({ "event": "doctor_test", "id": examined.id }).to_string();
    match client.post(&examined.id, body, examined.now()).await {
        PostOutcome::Delivered { .. } => Finding::ok("one request was accepted"),
        PostOutcome::Retry { error, .. } => Finding::warning(error, REMEDY, Row::Mirror),
    }
}
