//! Alerts: a line is sent by `--alert-test` alone.

use super::{
    examined::Examined,
    finding::{Finding, Group},
    report::Report,
    row::Row,
};
use crate::alert::Client;

/// Whether a line is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    None,
    /// `--alert-test`
    Test,
}

/// The check of the group.
pub(super) async fn check(
    examined: &Examined,
    line: Line,
    report: &mut Report,
) -> anyhow::Result<()> {
    let test = async {
        match (&examined.settings.alerts, line) {
            (None, _) => Finding::skipped("ALERT_WEBHOOK_URL is not set"),
            (Some(_), Line::None) => Finding::skipped("--alert-test sends one line"),
            (Some(url), Line::Test) => {
                let client = Client::new(url.clone(), examined.http.clone());
                let text = "livekit-airtable doctor: a test, nothing is wrong";
                match client.post(text).await {
                    Ok(()) => Finding::ok("one line was accepted"),
                    Err(error) => Finding::warning(
                        error.to_string(),
                        "ALERT_WEBHOOK_URL: api.slack.com/apps → your app → Incoming Webhooks shows the URL",
                        Row::Alerts,
                    ),
                }
            }
        }
    };
    report.check(Group::Alerts, "test", test).await?;
    Ok(())
}
