//! LiveKit: its address, our key, an egress worker, and its webhooks.

use super::{
    clock::LiveKitReached,
    egress,
    examined::{Examined, not_configured},
    finding::{Finding, Group, Level, Severity},
    report::Report,
    row::Row,
    trial_room::severity,
    webhook,
};
use crate::livekit::client::{Client, WrongPart};

const GROUP: Group = Group::LiveKit;
/// Where LiveKit shows a project's keys.
const KEYS: &str = "cloud.livekit.io → your project → Settings → API keys; self-hosted: `keys` in the configuration of livekit-server";

/// All checks of the group. What needs the key is skipped when the key is refused.
pub(super) async fn check(
    examined: &Examined,
    reached: LiveKitReached,
    report: &mut Report,
) -> anyhow::Result<()> {
    let Some(client) = examined.livekit() else {
        report.note(GROUP, "address", not_configured("LIVEKIT_*"))?;
        return Ok(());
    };
    let address = address(reached);
    if report.note(GROUP, "address", address)? != Level::Ok {
        let skipped = Finding::skipped("LiveKit cannot be reached");
        report.note(GROUP, "key and secret", skipped)?;
        return Ok(());
    }
    let key = report.check(GROUP, "key and secret", key(&client)).await?;
    if key != Level::Ok {
        let skipped = || Finding::skipped("LiveKit refuses the key");
        report.note(GROUP, "egress worker", skipped())?;
        report.note(GROUP, "webhook", skipped())?;
        return Ok(());
    }
    let egress = egress::check(examined, &client);
    report.check(GROUP, "egress worker", egress).await?;
    let webhook = webhook::check(examined, &client);
    report.check(GROUP, "webhook", webhook).await?;
    Ok(())
}

fn address(reached: LiveKitReached) -> Finding {
    match reached {
        None => not_configured("LIVEKIT_*"),
        Some(Ok(reached)) => Finding::ok(format!("answers in {} ms", reached.ms)),
        Some(Err(why)) => Finding::failure(
            Severity::Unavailable,
            format!("LIVEKIT_URL cannot be reached: {why}"),
            "LIVEKIT_URL: copy it from cloud.livekit.io → your project → Settings → Project; self-hosted: check the host, its port and its certificate",
            Row::LiveKitAddress,
        ),
    }
}

async fn key(client: &Client) -> Finding {
    // Of no room: a project may have many.
    let Err(error) = client.rooms(&["doctor"]).await else {
        return Finding::ok("accepted");
    };
    let (detail, remedy) = match error.wrong_part() {
        Some(WrongPart::Key) => (
            "LiveKit does not know this LIVEKIT_API_KEY".to_owned(),
            format!("LIVEKIT_API_KEY: copy the key of this project: {KEYS}"),
        ),
        Some(WrongPart::Secret) => (
            "LIVEKIT_API_SECRET is not the secret of this LIVEKIT_API_KEY".to_owned(),
            format!("LIVEKIT_API_SECRET: make a new key, its secret is shown once: {KEYS}"),
        ),
        Some(WrongPart::Clock) => (
            "LiveKit refuses the time in our token".to_owned(),
            "no variable: set this machine's clock, e.g. timedatectl set-ntp true".to_owned(),
        ),
        Some(WrongPart::Unknown) | None => (
            error.to_string(),
            format!("LIVEKIT_API_KEY, LIVEKIT_API_SECRET: {KEYS}"),
        ),
    };
    Finding::failure(severity(&error), detail, &remedy, Row::LiveKitKey)
}
