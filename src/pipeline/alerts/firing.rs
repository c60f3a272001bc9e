//! When an alert fires, fires again and is resolved, while its condition holds.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    alert_text::AlertText,
    condition::{Condition, ConditionKind, Repeat},
    notification::Notification,
};

/// How long a condition must be absent before it is resolved: one that returns before that counts as the same.
const RESOLVE_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// An alert whose count has doubled fires again, but not sooner than this.
const REPEAT_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// The interval of daily alerts.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A condition that holds, or held until a moment ago.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ActiveAlert {
    #[serde(rename = "name")]
    summary: String,
    /// As it fires, or would fire, with the numbers of the last check. Earlier versions store none.
    #[serde(rename = "parts", default, skip_serializing_if = "Option::is_none")]
    text: Option<AlertText>,
    since: Timestamp,
    seen_at: Timestamp,
    /// When it last fired, and with which count.
    #[serde(rename = "told")]
    fired: Option<(Timestamp, i64)>,
}

/// An active alert, as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAlert {
    /// Names the condition.
    pub condition: String,
    /// The same; `None`: a newer version has stored it.
    pub kind: Option<ConditionKind>,
    /// What ALERT_WEBHOOK_URL gets in one piece.
    pub text: AlertText,
    /// When it began.
    pub since: Timestamp,
    /// When it last fired; `None`: it has not lasted long enough.
    pub fired_at: Option<Timestamp>,
}

/// The alerts that are active now, by condition; stored, so that none fires twice across restarts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct ActiveAlerts(BTreeMap<String, ActiveAlert>);

impl ActiveAlerts {
    /// Compares the conditions of now with the active alerts; what fires and what is resolved.
    pub(super) fn update(&mut self, conditions: &[Condition], now: Timestamp) -> Vec<Notification> {
        let mut notifications = Vec::new();
        for alert in self.0.values_mut() {
            // Times in the future come from a clock that was moved back.
            alert.since = alert.since.min(now);
            alert.seen_at = alert.seen_at.min(now);
        }
        for condition in conditions {
            let alert = self.0.entry(condition.kind.to_string());
            let alert = alert.or_insert_with(|| ActiveAlert {
                summary: condition.summary.clone(),
                text: None,
                since: now,
                seen_at: now,
                fired: None,
            });
            alert.seen_at = now;
            alert.text = Some(condition.text.clone());
            if alert.should_fire(condition, now) {
                alert.fired = Some((now, condition.count));
                notifications.push(Notification::firing(condition));
            }
        }
        notifications.extend(self.resolve(now));
        notifications
    }

    fn resolve(&mut self, now: Timestamp) -> Vec<Notification> {
        let mut resolved = Vec::new();
        self.0.retain(|condition, alert| {
            if now.duration_since(alert.seen_at) < RESOLVE_AFTER {
                return true;
            }
            if alert.fired.is_some() {
                let lasted = alert.seen_at.duration_since(alert.since);
                let notification = Notification::resolved(condition, &alert.summary, lasted);
                resolved.push(notification);
            }
            false
        });
        resolved
    }

    /// Keeps every alert active but those of the conditions that could be checked.
    pub(super) fn keep_unchecked(&mut self, checked: &[ConditionKind], now: Timestamp) {
        let checked: Vec<String> = checked.iter().map(ConditionKind::to_string).collect();
        for (condition, alert) in &mut self.0 {
            if !checked.contains(condition) {
                alert.seen_at = now;
            }
        }
    }

    /// Every alert that is active, for people.
    pub(super) fn open(&self) -> impl Iterator<Item = OpenAlert> {
        self.0.iter().map(|(condition, alert)| OpenAlert {
            condition: condition.clone(),
            kind: ConditionKind::of(condition),
            text: alert.text.clone().unwrap_or_else(|| AlertText {
                what: format!("{}.", alert.summary),
                ..AlertText::default()
            }),
            since: alert.since,
            fired_at: alert.fired.map(|(at, _)| at),
        })
    }

    /// Whether this condition holds, alerted or not.
    pub(super) fn contains(&self, kind: &ConditionKind) -> bool {
        self.0.contains_key(&kind.to_string())
    }
}

impl ActiveAlert {
    fn should_fire(&self, condition: &Condition, now: Timestamp) -> bool {
        match self.fired {
            None => now.duration_since(self.since) >= condition.grace,
            Some((at, _)) if condition.repeat == Repeat::Daily => now.duration_since(at) >= DAY,
            Some((at, count)) => {
                condition.count >= 2 * count.max(1) && now.duration_since(at) >= REPEAT_AFTER
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Sink;

    const DEAD: ConditionKind = ConditionKind::DeadLetters(Sink::Airtable);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn condition(count: i64) -> Condition {
        let text = format!("{count} rows failed permanently");
        Condition::new(DEAD, "rows failed permanently", text).affecting(count, vec!["RM_1".into()])
    }

    fn texts(alerts: &mut ActiveAlerts, conditions: &[Condition], seconds: i64) -> Vec<String> {
        let notifications = alerts.update(conditions, at(seconds));
        notifications.iter().map(|n| n.text().to_owned()).collect()
    }

    #[test]
    fn an_alert_fires_when_its_condition_begins_and_is_resolved_when_it_ends() {
        let mut alerts = ActiveAlerts::default();
        let fired = texts(&mut alerts, &[condition(1)], 0);
        assert_eq!(fired, ["1 rows failed permanently (RM_1)"]);
        for minute in 1..60 {
            let fired = texts(&mut alerts, &[condition(100)], minute * 60);
            assert_eq!(fired, [""; 0]);
        }
        assert_eq!(texts(&mut alerts, &[], 3550), [""; 0], "it may come back");
        assert!(alerts.contains(&DEAD));
        let resolved = texts(&mut alerts, &[], 3600);
        assert_eq!(
            resolved,
            ["Resolved after 59 min: rows failed permanently."]
        );
        assert_eq!(
            (texts(&mut alerts, &[], 3700), alerts),
            (vec![], ActiveAlerts::default())
        );
    }

    #[test]
    fn an_alert_whose_count_has_doubled_fires_again_after_an_hour() {
        let mut alerts = ActiveAlerts::default();
        let counts = [(0, 2), (3600, 3), (7200, 4), (7201, 8), (10_800, 8)];
        let fired = counts.map(|(at, count)| texts(&mut alerts, &[condition(count)], at).len());
        assert_eq!(fired, [1, 0, 1, 0, 1]);
        let text = &texts(&mut alerts, &[condition(16)], 20_000)[0];
        assert_eq!(text, "16 rows failed permanently (RM_1, …)");
    }

    #[test]
    fn a_daily_alert_fires_once_a_day_whatever_its_count() {
        let mut alerts = ActiveAlerts::default();
        let counts = [
            (0, 1),
            (3600, 50),
            (86_399, 99),
            (86_401, 99),
            (90_001, 100),
        ];
        let fired =
            counts.map(|(at, count)| texts(&mut alerts, &[condition(count).daily()], at).len());
        assert_eq!(fired, [1, 0, 0, 1, 0]);
    }

    #[test]
    fn a_condition_that_comes_and_goes_fires_once_and_one_that_passes_never() {
        let mut alerts = ActiveAlerts::default();
        let patient = condition(0).after(SignedDuration::from_mins(5));
        let flapping = (0..20).map(|n| match n % 2 {
            0 => texts(&mut alerts, std::slice::from_ref(&patient), n * 30).len(),
            _ => texts(&mut alerts, &[], n * 30).len(),
        });
        assert_eq!(flapping.sum::<usize>(), 1);
        let mut alerts = ActiveAlerts::default();
        assert_eq!(texts(&mut alerts, &[patient], 0), [""; 0]);
        assert_eq!(texts(&mut alerts, &[], 200), [""; 0]);
    }

    #[test]
    fn a_clock_that_was_moved_back_delays_no_resolution() {
        let mut alerts = ActiveAlerts::default();
        texts(&mut alerts, &[condition(1)], 3600);
        assert_eq!(texts(&mut alerts, &[], 0), [""; 0]);
        assert_eq!(texts(&mut alerts, &[], 60).len(), 1);
    }

    #[test]
    fn nothing_is_resolved_while_it_cannot_be_checked() {
        let mut alerts = ActiveAlerts::default();
        texts(&mut alerts, &[condition(1)], 0);
        alerts.keep_unchecked(&[ConditionKind::Database], at(600));
        assert_eq!(texts(&mut alerts, &[], 601), [""; 0]);
    }

    #[test]
    fn the_stored_form_is_the_one_of_earlier_versions() {
        let stored = r#"{"dead_airtable":{"name":"calls were given up","since":"2026-01-01T00:00:00Z","seen_at":"2026-01-01T00:01:00Z","told":["2026-01-01T00:00:00Z",2]}}"#;
        let alerts: ActiveAlerts = serde_json::from_str(stored).unwrap();
        assert!(alerts.contains(&DEAD));
        assert_eq!(serde_json::to_string(&alerts).unwrap(), stored);
    }
}
