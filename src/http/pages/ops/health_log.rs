//! How each dependency was in the last ninety minutes, in memory: it is empty after a restart.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

/// Minutes that are remembered.
pub(super) const MINUTES: usize = 90;

/// What the service depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dependency {
    LiveKit,
    Bucket,
    Airtable,
    Mirror,
    Database,
    Disk,
    Clock,
}

impl Dependency {
    /// As people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Dependency::LiveKit => "LiveKit",
            Dependency::Bucket => "Bucket",
            Dependency::Airtable => "Airtable",
            Dependency::Mirror => "Mirror",
            Dependency::Database => "Database",
            Dependency::Disk => "Disk",
            Dependency::Clock => "Clock",
        }
    }
}

/// How a dependency was in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Working,
    Failing,
}

/// What is known of a dependency.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// The worst of each minute (counted from the epoch), oldest first.
    minutes: VecDeque<(i64, State)>,
    /// Since when it is as it is.
    pub(super) since: Option<(Timestamp, State)>,
    pub(super) last_success: Option<Timestamp>,
    pub(super) last_error: Option<(Timestamp, String)>,
}

impl History {
    fn note(&mut self, result: Result<(), String>, now: Timestamp) {
        let state = match &result {
            Ok(()) => State::Working,
            Err(_) => State::Failing,
        };
        match result {
            Ok(()) => self.last_success = Some(now),
            Err(error) => self.last_error = Some((now, error)),
        }
        if self.since.is_none_or(|(_, before)| before != state) {
            self.since = Some((now, state));
        }
        let minute = now.as_second().div_euclid(60);
        match self.minutes.back_mut() {
            Some((last, worst)) if *last == minute => *worst = state.max(*worst),
            _ => self.minutes.push_back((minute, state)),
        }
        while self.minutes.len() > MINUTES {
            self.minutes.pop_front();
        }
    }

    /// The last minutes up to now, oldest first; `None`: nobody looked.
    pub(super) fn bars(&self, now: Timestamp) -> Vec<Option<State>> {
        let last = now.as_second().div_euclid(60);
        let known: BTreeMap<i64, State> = self.minutes.iter().copied().collect();
        let minutes = (last - MINUTES as i64 + 1)..=last;
        minutes.map(|minute| known.get(&minute).copied()).collect()
    }
}

/// A dependency that fails now.
pub(super) struct Failing {
    pub(super) dependency: Dependency,
    pub(super) since: Timestamp,
    /// The last error, for people.
    pub(super) error: String,
}

/// The history of every dependency.
#[derive(Default)]
pub(super) struct HealthLog(Mutex<BTreeMap<Dependency, History>>);

impl HealthLog {
    /// Notes how a dependency is now.
    pub(super) fn note(&self, of: Dependency, result: Result<(), String>, now: Timestamp) {
        self.lock().entry(of).or_default().note(result, now);
    }

    /// The dependencies that fail now.
    pub(super) fn failing(&self) -> Vec<Failing> {
        let all = self.lock();
        let failing = all.iter().filter_map(|(dependency, history)| {
            let (since, State::Failing) = history.since? else {
                return None;
            };
            let (_, error) = history.last_error.clone()?;
            Some(Failing {
                dependency: *dependency,
                since,
                error,
            })
        });
        failing.collect()
    }

    /// A copy of what is known.
    pub(super) fn all(&self) -> BTreeMap<Dependency, History> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Dependency, History>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_as_bad_as_its_worst_moment() {
        let at = |seconds: i64| Timestamp::from_second(60 * 1000 + seconds).unwrap();
        let mut history = History::default();
        history.note(Ok(()), at(0));
        history.note(Err("away".into()), at(20));
        history.note(Ok(()), at(40));
        history.note(Ok(()), at(120));
        let bars = history.bars(at(125));
        assert_eq!(bars.len(), MINUTES);
        let last = [Some(State::Failing), None, Some(State::Working)];
        assert_eq!(bars[MINUTES - 3..], last);
        assert_eq!(history.since, Some((at(40), State::Working)));
        assert_eq!(history.last_error, Some((at(20), "away".into())));
        for minute in 0..200 {
            history.note(Ok(()), at(180 + 60 * minute));
        }
        assert_eq!(history.minutes.len(), MINUTES);
    }
}
