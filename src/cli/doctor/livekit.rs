//! LiveKit: its address, our key, an egress worker, and its webhooks.

use super::{
    clock::LiveKitReached,
    egress,
    examined::{Examined, not_configured},
    finding::{Finding, Group, LIVEKIT_ADDRESS, LIVEKIT_KEY, Level, Name, Severity},
    report::Report,
    row::Row,
    trial_room::{refused, severity},
    webhook,
};
use crate::livekit::client::{Client, WrongPart};

const GROUP: Group = Group::LiveKit;
const CLOCK: Name = (Group::Clock, "LiveKit");
/// Where LiveKit shows a project's keys.
const KEYS: &str = "cloud.livekit.io → your project → Settings → API keys; self-hosted: `keys` in the configuration of livekit-server";

/// All checks of the group.
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
    report.note(GROUP, "address", address)?;
    let key = key(&client, report.cause(&[CLOCK]));
    let key = report
        .check_after(&[LIVEKIT_ADDRESS], LIVEKIT_KEY, key)
        .await?;
    let needs: &[Name] = match key {
        Level::Ok => &[],
        _ => &[LIVEKIT_ADDRESS, LIVEKIT_KEY, CLOCK],
    };
    let egress = egress::check(examined, &client);
    report
        .check_after(needs, (GROUP, "egress worker"), egress)
        .await?;
    let webhook = webhook::check(examined, &client);
    report
        .check_after(needs, (GROUP, "webhook"), webhook)
        .await?;
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

/// `clock`: that ours differs from LiveKit's, which is a finding of its own.
async fn key(client: &Client, clock: Option<Finding>) -> Finding {
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
        Some(WrongPart::Unknown) => (
            error.to_string(),
            format!("LIVEKIT_API_KEY, LIVEKIT_API_SECRET: {KEYS}"),
        ),
        None => return refused(error.to_string(), &error),
    };
    let found = Finding::failure(severity(&error), detail, &remedy, Row::LiveKitKey);
    match error.wrong_part() {
        Some(WrongPart::Clock) => found.caused_by(clock),
        _ => found,
    }
}
