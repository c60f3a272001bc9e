//! When a person is told that something is wrong: once when it begins and once when it is over, however many calls it
//! hits.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a condition must be gone before it is over: what comes and goes is one trouble.
const CALM: SignedDuration = SignedDuration::from_secs(60);
/// What has doubled is told again, but not sooner.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// Something that is wrong as of now.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// What makes the troubles of two looks one; a word.
    pub condition: String,
    /// What is wrong, in a few words: "calls wait for Airtable".
    pub name: String,
    /// What is wrong and what to do, in sentences.
    pub text: String,
    /// How many are hit, where it is counted.
    pub count: i64,
    /// Some of the calls that are hit.
    pub calls: Vec<String>,
    /// How long it must last before it is told.
    pub patience: SignedDuration,
}

/// A condition that holds, or held a moment ago.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Alarm {
    name: String,
    since: Timestamp,
    seen_at: Timestamp,
    /// When it was told, and the count of then.
    told: Option<(Timestamp, i64)>,
}

/// What holds now; kept across restarts, so that nothing is told twice.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Alarms(BTreeMap<String, Alarm>);

/// What a person is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    Begins { condition: String, text: String },
    Over { condition: String, text: String },
}

impl Notice {
    pub fn text(&self) -> &str {
        match self {
            Notice::Begins { text, .. } | Notice::Over { text, .. } => text,
        }
    }
}

impl Alarms {
    /// Compares what is wrong now with what was told.
    pub fn look(&mut self, troubles: &[Trouble], now: Timestamp) -> Vec<Notice> {
        let mut notices = Vec::new();
        for alarm in self.0.values_mut() {
            // A clock that was set back.
            alarm.since = alarm.since.min(now);
            alarm.seen_at = alarm.seen_at.min(now);
        }
        for trouble in troubles {
            let alarm = self.0.entry(trouble.condition.clone());
            let alarm = alarm.or_insert_with(|| Alarm {
                name: trouble.name.clone(),
                since: now,
                seen_at: now,
                told: None,
            });
            alarm.seen_at = now;
            if alarm.is_to_tell(trouble, now) {
                alarm.told = Some((now, trouble.count));
                notices.push(trouble.begins());
            }
        }
        let over = |alarm: &Alarm| now.duration_since(alarm.seen_at) >= CALM;
        for (condition, alarm) in &self.0 {
            if over(alarm) && alarm.told.is_some() {
                let lasted = lasted(alarm.seen_at.duration_since(alarm.since));
                let condition = condition.clone();
                let text = format!("Over after {lasted}: {}.", alarm.name);
                notices.push(Notice::Over { condition, text });
            }
        }
        self.0.retain(|_, alarm| !over(alarm));
        notices
    }

    /// Only these conditions could be looked at: what else held holds on.
    pub fn hold_all_but(&mut self, looked_at: &[&str], now: Timestamp) {
        let unseen = |held: &str| !looked_at.contains(&held);
        for (_, alarm) in self.0.iter_mut().filter(|(held, _)| unseen(held)) {
            alarm.seen_at = now;
        }
    }

    pub fn holds(&self, condition: &str) -> bool {
        self.0.contains_key(condition)
    }

    /// The conditions that were told and are not over.
    pub fn told(&self) -> impl Iterator<Item = &str> {
        let told = self.0.iter().filter(|(_, alarm)| alarm.told.is_some());
        told.map(|(condition, _)| condition.as_str())
    }
}

impl Alarm {
    fn is_to_tell(&self, trouble: &Trouble, now: Timestamp) -> bool {
        match self.told {
            None => now.duration_since(self.since) >= trouble.patience,
            Some((at, count)) => {
                trouble.count >= 2 * count.max(1) && now.duration_since(at) >= AGAIN
            }
        }
    }
}

impl Trouble {
    fn begins(&self) -> Notice {
        let more = self.count > self.calls.len() as i64;
        let calls = match self.calls.as_slice() {
            [] => String::new(),
            calls => format!(" ({}{})", calls.join(", "), if more { ", …" } else { "" }),
        };
        Notice::Begins {
            condition: self.condition.clone(),
            text: format!("{}{calls}", self.text),
        }
    }
}

/// For people: `50 s`, `14 min`, `3 h`, `2 days`.
pub fn lasted(duration: SignedDuration) -> String {
    match duration.as_secs().max(0) {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn trouble(count: i64) -> Trouble {
        Trouble {
            condition: "dead".into(),
            name: "rows are given up".into(),
            text: format!("{count} rows are given up"),
            count,
            calls: vec!["RM_1".into()],
            patience: SignedDuration::ZERO,
        }
    }

    fn texts(alarms: &mut Alarms, troubles: &[Trouble], seconds: i64) -> Vec<String> {
        let notices = alarms.look(troubles, at(seconds));
        notices.iter().map(|n| n.text().to_owned()).collect()
    }

    #[test]
    fn a_condition_is_told_when_it_begins_and_when_it_is_over() {
        let mut alarms = Alarms::default();
        let begun = texts(&mut alarms, &[trouble(1)], 0);
        assert_eq!(begun, ["1 rows are given up (RM_1)"]);
        for minute in 1..60 {
            let told = texts(&mut alarms, &[trouble(100)], minute * 60);
            assert_eq!(told, [""; 0]);
        }
        assert_eq!(texts(&mut alarms, &[], 3550), [""; 0], "it may come back");
        assert_eq!(alarms.told().collect::<Vec<_>>(), ["dead"]);
        let over = texts(&mut alarms, &[], 3600);
        assert_eq!(over, ["Over after 59 min: rows are given up."]);
        assert_eq!(
            (texts(&mut alarms, &[], 3700), alarms),
            (vec![], Alarms::default())
        );
    }

    #[test]
    fn what_has_doubled_is_told_again_after_an_hour() {
        let mut alarms = Alarms::default();
        let counts = [(0, 2), (3600, 3), (7200, 4), (7201, 8), (10_800, 8)];
        let told = counts.map(|(at, count)| texts(&mut alarms, &[trouble(count)], at).len());
        assert_eq!(told, [1, 0, 1, 0, 1]);
        let text = &texts(&mut alarms, &[trouble(16)], 20_000)[0];
        assert_eq!(text, "16 rows are given up (RM_1, …)");
    }

    #[test]
    fn what_comes_and_goes_is_one_trouble_and_what_passes_is_none() {
        let mut alarms = Alarms::default();
        let patient = Trouble {
            patience: SignedDuration::from_mins(5),
            ..trouble(0)
        };
        let flapping = (0..20).map(|n| match n % 2 {
            0 => texts(&mut alarms, std::slice::from_ref(&patient), n * 30).len(),
            _ => texts(&mut alarms, &[], n * 30).len(),
        });
        assert_eq!(flapping.sum::<usize>(), 1);
        let mut alarms = Alarms::default();
        assert_eq!(texts(&mut alarms, &[patient], 0), [""; 0]);
        assert_eq!(texts(&mut alarms, &[], 200), [""; 0]);
    }

    #[test]
    fn a_clock_that_was_set_back_holds_no_end_back() {
        let mut alarms = Alarms::default();
        texts(&mut alarms, &[trouble(1)], 3600);
        assert_eq!(texts(&mut alarms, &[], 0), [""; 0]);
        assert_eq!(texts(&mut alarms, &[], 60).len(), 1);
    }

    #[test]
    fn nothing_is_over_while_nobody_could_look() {
        let mut alarms = Alarms::default();
        texts(&mut alarms, &[trouble(1)], 0);
        alarms.hold_all_but(&["store"], at(600));
        assert_eq!(texts(&mut alarms, &[], 601), [""; 0]);
    }
}
