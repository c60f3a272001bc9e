//! Our clock against those of the services.

use super::{
    examined::Examined,
    finding::{Finding, Group, Severity},
    reach::{Reached, reach},
    report::Report,
    row::Row,
};
use crate::config;

/// More than 5 seconds.
const WARNING: u64 = 6;
/// More than a minute: LiveKit and the storage refuse signatures of such a clock.
const FAILURE: u64 = 61;

/// The answer of LiveKit's address, for the checks of its group; `None`: it is not configured.
pub(super) type LiveKitReached = Option<Result<Reached, String>>;

/// One request to each service.
pub(super) async fn check(
    examined: &Examined,
    report: &mut Report,
) -> anyhow::Result<LiveKitReached> {
    let settings = &examined.settings;
    let livekit = match &settings.livekit {
        Some(livekit) => Some(reach(&examined.http, &livekit.url).await),
        None => None,
    };
    let judged = judge(livekit.as_ref(), "LiveKit");
    report.note(Group::Clock, "LiveKit", judged)?;
    let storage = async {
        let url = settings.storage.as_ref().map(storage_url)?;
        Some(reach(&examined.http, &url).await)
    };
    let storage = async { judge(storage.await.as_ref(), "the storage") };
    report.check(Group::Clock, "storage", storage).await?;
    let airtable = async {
        let url = settings.airtable.as_ref().map(|it| it.api_url.as_str())?;
        Some(reach(&examined.http, url).await)
    };
    let airtable = async { judge(airtable.await.as_ref(), "Airtable") };
    report.check(Group::Clock, "Airtable", airtable).await?;
    Ok(livekit)
}

fn storage_url(storage: &config::StorageSettings) -> String {
    let aws = || format!("https://s3.{}.amazonaws.com", storage.region);
    storage.endpoint.clone().unwrap_or_else(aws)
}

fn judge(reached: Option<&Result<Reached, String>>, whose: &str) -> Finding {
    let ahead = match reached {
        None => return Finding::skipped(format!("{whose} is not configured, see Here")),
        Some(Err(why)) => {
            return Finding::skipped(format!("{whose} cannot be reached: {why}"));
        }
        Some(Ok(reached)) => reached.ahead,
    };
    let Some(ahead) = ahead else {
        return Finding::skipped(format!("{whose} does not say what time it is"));
    };
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    let detail = format!("our clock is {} s {direction} {whose}'s", ahead.abs());
    let remedy = "no variable: set this machine's clock, e.g. timedatectl set-ntp true";
    match ahead.unsigned_abs() {
        0 => Finding::ok(format!("the same as {whose}'s")),
        FAILURE.. => Finding::failure(Severity::Failed, detail, remedy, Row::Clock),
        WARNING.. => Finding::warning(detail, remedy, Row::Clock),
        _ => Finding::ok(detail),
    }
}
