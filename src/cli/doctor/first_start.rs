//! What a first `serve` says by itself: no request is sent for it.

use super::{
    finding::{Finding, Level},
    local,
};
use crate::config::Source;

/// So many are read; more are not.
const MOST: usize = 3;

/// The most useful findings, the most important first.
pub(in crate::cli) fn most_useful(source: &Source) -> Vec<String> {
    let half = source.half_set().into_iter();
    let half = half.map(|(set, needed)| format!("{set} has no effect without {needed}"));
    let seen = [local::user(), local::limits()].into_iter();
    let seen = seen.filter(|found| found.level != Level::Ok).map(line);
    let missing = MISSING.into_iter().filter(|(name, _)| !source.is_set(name));
    let missing = missing.map(|(name, why)| format!("{name} is not set: {why}"));
    half.chain(seen).chain(missing).take(MOST).collect()
}

/// Variables that most installations need, and what is missing without them.
const MISSING: [(&str, &str); 4] = [
    (
        "PUBLIC_URL",
        "links in rows expire after RECORDING_URL_TTL; with the https address of this service they do not",
    ),
    (
        "ALERT_WEBHOOK_URL",
        "nobody is notified when a person is needed; a Slack webhook is enough",
    ),
    (
        "API_TOKEN",
        "only LiveKit tokens open /v1, and /metrics is closed",
    ),
    (
        "AIRTABLE_MONTHLY_REQUESTS",
        "on a plan with a monthly limit, rows stop when it is reached",
    ),
];

fn line(found: Finding) -> String {
    let detail = found.detail.replace('\n', "; ");
    match found.remedy {
        Some(remedy) => format!("{detail}: {remedy}"),
        None => detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_are_shown_and_a_half_set_pair_comes_first() {
        let source = Source::from_pairs([("EGRESS_WEBHOOK_SECRET", "x"), ("API_TOKEN", "x")]);
        let found = most_useful(&source);
        assert_eq!(found.len(), MOST);
        assert_eq!(
            found[0],
            "EGRESS_WEBHOOK_SECRET has no effect without EGRESS_WEBHOOK_URL"
        );
        let last = most_useful(&Source::from_pairs([("PUBLIC_URL", "x")]));
        assert!(
            last.iter().all(|line| !line.starts_with("PUBLIC_URL")),
            "{last:?}"
        );
    }
}
