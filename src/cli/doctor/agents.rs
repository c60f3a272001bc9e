//! What agents sent lately.

use jiff::SignedDuration;

use super::{
    examined::Examined,
    finding::{Finding, Group, Name},
    report::Report,
    row::Row,
};
use crate::{
    domain::audit::RefusedReport,
    store::{self, CallFilter, Store},
};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Whether transcripts were refused.
const KEYS: Name = (Group::Agents, "keys");
/// How many calls are searched for one that has ended.
const CALLS: i64 = 20;

/// All checks of the group.
pub(super) async fn check(examined: &Examined, report: &mut Report) -> anyhow::Result<()> {
    let Some(store) = &examined.store else {
        let skipped = examined.without_store("there was no call yet");
        report.note(Group::Agents, "words", skipped)?;
        return Ok(());
    };
    let keys = async {
        let found = keys(examined, store).await;
        found.unwrap_or_else(|error| Finding::skipped(format!("{error:#}")))
    };
    report.check(KEYS.0, KEYS.1, keys).await?;
    let words = async {
        let found = words(store).await;
        found.unwrap_or_else(|error| Finding::skipped(format!("{error:#}")))
    };
    report.check(Group::Agents, "words", words).await?;
    Ok(())
}

/// Whether the newest call that has ended has a transcript, and what sent it.
async fn words(store: &Store) -> Result<Finding, store::Error> {
    let filter = CallFilter {
        limit: CALLS,
        ..CallFilter::default()
    };
    let page = store.page(&filter).await?;
    let mut calls = page.calls.iter().map(|row| &row.call);
    let Some(call) = calls.find(|call| !call.is_open()) else {
        return Ok(Finding::skipped("no call has ended yet"));
    };
    if !call.has_words {
        // A transcript that was refused since the call began may be the one that it lacks.
        let since = call.started_at();
        let was_refused = match since {
            Some(since) => !store.refused_reports(since).await?.is_empty(),
            None => false,
        };
        if was_refused {
            return Ok(Finding::not_checked(KEYS));
        }
        return Ok(Finding::warning(
            format!(
                "the newest call, {}, has no words: its agent sent no transcript",
                call.id
            ),
            "API_TOKEN or LIVEKIT_API_KEY: add the lines of docs/src/set-up.md#agents to your agent",
            Row::Agents,
        ));
    }
    let report = store.newest_report(&call.id).await?.unwrap_or_default();
    let sdk = sdk_version(&report);
    let sdk = sdk.map_or(String::new(), |version| {
        format!(", sent by version {version} of LiveKit's agents SDK")
    });
    Ok(Finding::ok(format!(
        "the newest call, {}, has words{sdk}",
        call.id
    )))
}

/// The version in a session report, which is not parsed: it may have 16 MiB.
fn sdk_version(report: &str) -> Option<&str> {
    const NAME: &str = "sdk_version";
    let begin = report.find(NAME)? + NAME.len();
    let rest = report[begin..].trim_start_matches(['\\', '"', ':', ' ']);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|version| (1..40).contains(&version.len()))
}

/// Reports that were refused with 401: agents that LiveKit Cloud hosts have keys of their own, and others may have a wrong secret.
async fn keys(examined: &Examined, store: &Store) -> Result<Finding, store::Error> {
    let refused = store.refused_reports(examined.now() - WEEK).await?;
    if refused.is_empty() {
        return Ok(Finding::ok("no transcript was refused this week"));
    }
    let details = refused
        .iter()
        .map(|(report, lines)| format!("{} ({lines})", cause(*report)));
    let remedies = refused.keys().map(|report| remedy(*report));
    Ok(Finding::warning(
        format!(
            "transcripts were refused with 401 this week: {}",
            details.collect::<Vec<_>>().join("; ")
        ),
        &remedies.collect::<Vec<_>>().join("; "),
        Row::Agents,
    ))
}

fn cause(report: RefusedReport) -> &'static str {
    match report {
        RefusedReport::Sent => {
            "sent without a valid token; an agent that LiveKit Cloud hosts gets a LIVEKIT_API_KEY of its own"
        }
        RefusedReport::Uploaded => {
            "uploaded by the agents SDK with a token of no key of this service"
        }
        RefusedReport::WrongSecret => {
            "signed with another secret than this service has for the key"
        }
    }
}

fn remedy(report: RefusedReport) -> &'static str {
    match report {
        RefusedReport::Sent => {
            "API_TOKEN: give it to the agent as a secret (lk agent update-secrets --secrets API_TOKEN=…), or add the agent's key to LIVEKIT_WEBHOOK_KEYS"
        }
        RefusedReport::Uploaded => {
            "LIVEKIT_WEBHOOK_KEYS: add the agent's LIVEKIT_API_KEY and LIVEKIT_API_SECRET; uploads take no API_TOKEN"
        }
        RefusedReport::WrongSecret => {
            "LIVEKIT_API_SECRET: give the agent and this service the same secret for the key, also in LIVEKIT_WEBHOOK_KEYS"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sdk_version;

    #[test]
    fn the_version_is_found_without_parsing() {
        assert_eq!(
            sdk_version(r#"{"sdk_version": "1.5.2", "a": 1}"#),
            Some("1.5.2")
        );
        assert_eq!(
            sdk_version(r#"{"body":"{\"sdk_version\":\"1.3.0\"}"}"#),
            Some("1.3.0")
        );
        assert_eq!(sdk_version(r#"{"sdk_version": null}"#), Some("null"));
        assert_eq!(sdk_version("{}"), None);
    }
}
