//! The request budget of a base: requests per month and per second, computed from numbers alone.

use std::time::Duration;

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};

/// A UTC calendar month, which is how plans and AIRTABLE_MONTHLY_REQUESTS count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// Its first moment.
    pub starts: Timestamp,
    /// The start of the next month.
    pub ends: Timestamp,
}

impl Month {
    /// The month that `now` is in.
    pub fn of(now: Timestamp) -> Month {
        let first = utc_day(now).first_of_month();
        let next = first.last_of_month().tomorrow().unwrap_or(Date::MAX);
        Month {
            starts: midnight(first),
            ends: midnight(next),
        }
    }
}

/// How requests are spent, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// The month's requests suffice: every change is sent at once.
    Free,
    /// They suffice for final rows only, which are sent at once.
    FinalFirst,
    /// They would not suffice: only final rows are sent, in full requests.
    Saving,
    /// No requests are left.
    Spent,
}

/// A month's requests: `used` of `limit`; no limit without AIRTABLE_MONTHLY_REQUESTS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests a month; `None` is unlimited.
    pub limit: Option<u64>,
    /// Requests of this month, of all processes.
    pub used: u64,
}

/// Rows that must be written before the month ends: known ones, and an estimate from the calls of the last hour and day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// Calls whose final row is not written yet.
    pub open_rows: u64,
    /// Rows whose links expire this month.
    pub renewals: u64,
    /// Calls that began within the last hour, and within the last day.
    pub last_hour: u64,
    pub last_day: u64,
}

/// How long a row may wait for a full request while the month's requests are short.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);
/// Rows in a request: what Airtable takes.
pub const ROWS: u64 = 10;
/// For how many hours the last hour's rate of calls is expected to continue.
const RUSH_HOURS: f64 = 3.0;
/// Reserve for requests in flight and for those that the estimate does not include: reading the schema, a refusal.
const UNDER_WAY: u64 = 5;

/// More than are sent while a forecast is kept.
const AMPLE: u64 = 100;

impl Demand {
    /// The numbers from which on each alone needs more than the requests that are left: no more must be counted.
    pub fn enough(left: u64, now: Timestamp) -> Demand {
        let too_many = left.saturating_add(1);
        let hours = hours_left(now);
        let per = |calls: f64| (too_many as f64 / calls).ceil() as u64;
        Demand {
            open_rows: too_many,
            renewals: too_many.saturating_mul(ROWS),
            last_hour: per(hours.min(RUSH_HOURS)),
            last_day: per(hours / 24.0),
        }
    }

    /// Calls that are expected to begin before the month ends.
    pub fn expected(&self, now: Timestamp) -> u64 {
        let hours = hours_left(now);
        let rush = self.last_hour as f64 * hours.min(RUSH_HOURS);
        (rush + self.last_day as f64 * hours / 24.0).ceil() as u64
    }

    /// Requests that the final rows need if each is sent alone.
    pub fn requests(&self, now: Timestamp) -> u64 {
        self.open_rows + self.expected(now) + self.renewals.div_ceil(ROWS)
    }
}

/// Hours to the end of the month.
fn hours_left(now: Timestamp) -> f64 {
    Month::of(now).ends.duration_since(now).as_secs_f64() / 3600.0
}

/// Seconds of a month's first day, whose share may be used however fast: a pace is not judged by less than a day.
const FIRST_DAY: f64 = 86_400.0;

impl Allowance {
    /// Requests that this month still has; `None` is unlimited.
    pub fn left(&self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(self.used))
    }

    /// Whether the month's requests last to its end at the current pace.
    pub fn mode(&self, now: Timestamp) -> Mode {
        match self.left() {
            None => Mode::Free,
            Some(0) => Mode::Spent,
            Some(_) if self.runs_out(now).is_some() => Mode::Saving,
            Some(_) => Mode::Free,
        }
    }

    /// How to spend the remaining requests so that they suffice for the final rows of known and expected calls. The month's
    /// pace alone would miss a rush near its end.
    pub fn mode_for(&self, demand: &Demand, now: Timestamp) -> Mode {
        let needed = demand.requests(now);
        let forecast = match self.left() {
            None => Mode::Free,
            Some(left) if left < needed => Mode::Saving,
            Some(left) if left <= needed + needed / 5 + UNDER_WAY => Mode::FinalFirst,
            Some(_) => Mode::Free,
        };
        forecast.max(self.mode(now))
    }

    /// Whether requests can be spent on what no call waits for, and the pace still leaves a twentieth of the month's.
    pub fn has_spare(&self, now: Timestamp) -> bool {
        let kept = self.limit.unwrap_or_default() / 20;
        let later = Allowance {
            used: self.used + kept,
            ..*self
        };
        later.mode(now) == Mode::Free
    }

    /// Whether so many requests are left that a forecast still holds some seconds later.
    pub fn is_ample(&self, demand: &Demand, now: Timestamp) -> bool {
        let enough = 2 * demand.requests(now) + AMPLE;
        self.left().is_none_or(|left| left >= enough)
    }

    /// When no requests are left at this pace; `None`: they last to the end of the month.
    pub fn runs_out(&self, now: Timestamp) -> Option<Timestamp> {
        let left = self.left()? as f64;
        if left == 0.0 {
            return Some(now);
        }
        let month = Month::of(now);
        let passed = now.duration_since(month.starts).as_secs_f64();
        let a_second = self.used as f64 / passed.max(FIRST_DAY);
        let seconds = left / a_second;
        let rest = month.ends.duration_since(now).as_secs_f64();
        // Nothing used yet would divide by zero: the requests last.
        (seconds < rest).then(|| now + Duration::from_secs_f64(seconds))
    }
}

/// The share of the configured rate that is recovered each minute after it was reduced: from half to all in ten.
const RECOVERY: f64 = 0.05;
/// The lowest rate after reductions, in requests per second: half of what a plan over its quota still gets.
const LOWEST: f64 = 1.0;

/// Requests per second when the rate was reduced to `reduced` that long `ago`: it recovers minute by minute, because
/// another program may still be using the base.
pub fn recovered_rate(configured: f64, reduced: f64, ago: Duration) -> f64 {
    let minutes = (ago.as_secs() / 60) as f64;
    (reduced + configured * RECOVERY * minutes).min(configured)
}

/// The rate after Airtable answered 429 at `rate`.
pub fn reduced_rate(configured: f64, rate: f64) -> f64 {
    (rate / 2.0).max(LOWEST.min(configured))
}

/// The day by which plans count.
pub fn utc_day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

fn midnight(day: Date) -> Timestamp {
    let at = TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight()));
    at.unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let month = Month::of(at("2026-11-30T23:59:59.999Z"));
        assert_eq!(month.starts, at("2026-11-01T00:00:00Z"));
        assert_eq!(month.ends, at("2026-12-01T00:00:00Z"));
        assert_eq!(
            Month::of(at("2026-12-01T00:00:00Z")).ends,
            at("2027-01-01T00:00:00Z")
        );
        assert_eq!(
            Month::of(at("2028-02-10T00:00:00Z")).ends,
            at("2028-03-01T00:00:00Z")
        );
    }

    #[test]
    fn a_pace_that_lasts_is_free_and_one_that_does_not_saves() {
        let mode = |limit, used, now| Allowance { limit, used }.mode(at(now));
        let free = "1000 in 30 days: 500 by the middle of the month";
        assert_eq!(
            mode(Some(1000), 500, "2026-11-16T00:00:00Z"),
            Mode::Free,
            "{free}"
        );
        assert_eq!(mode(Some(1000), 501, "2026-11-16T00:00:00Z"), Mode::Saving);
        assert_eq!(mode(Some(1000), 999, "2026-11-30T23:30:00Z"), Mode::Free);
        assert_eq!(mode(Some(1000), 1000, "2026-11-30T23:00:00Z"), Mode::Spent);
        assert_eq!(mode(Some(1000), 2000, "2026-11-30T23:00:00Z"), Mode::Spent);
        assert_eq!(mode(None, 1_000_000, "2026-11-02T00:00:00Z"), Mode::Free);
        // A day's share may be used in the first minute.
        assert_eq!(mode(Some(1000), 32, "2026-11-01T00:01:00Z"), Mode::Free);
        assert_eq!(mode(Some(1000), 34, "2026-11-01T00:01:00Z"), Mode::Saving);
        assert_eq!(mode(Some(1), 0, "2026-11-01T00:00:00Z"), Mode::Free);
    }

    #[test]
    fn what_can_wait_leaves_a_twentieth() {
        let has_spare = |limit, used, now| Allowance { limit, used }.has_spare(at(now));
        assert!(has_spare(Some(1000), 450, "2026-11-16T00:00:00Z"));
        assert!(!has_spare(Some(1000), 451, "2026-11-16T00:00:00Z"));
        assert!(!has_spare(Some(1000), 0, "2026-11-01T00:01:00Z"));
        assert!(has_spare(None, 1_000_000, "2026-11-02T00:00:00Z"));
    }

    #[test]
    fn the_day_it_runs_out_is_known() {
        let runs_out = |limit, used| {
            let allowance = Allowance { limit, used };
            allowance.runs_out(at("2026-11-11T00:00:00Z"))
        };
        assert_eq!(runs_out(Some(1000), 500), Some(at("2026-11-21T00:00:00Z")));
        assert_eq!(runs_out(Some(1000), 1000), Some(at("2026-11-11T00:00:00Z")));
        assert_eq!(runs_out(Some(1000), 300), None);
        assert_eq!(runs_out(None, 300), None);
        assert_eq!(runs_out(Some(1000), 0), None);
    }

    #[test]
    fn a_reduced_rate_recovers_step_by_step() {
        let minutes = |n: u64| recovered_rate(5.0, 2.5, Duration::from_secs(60 * n));
        let rates: Vec<f64> = [0, 1, 4, 10, 600].into_iter().map(minutes).collect();
        assert_eq!(rates, [2.5, 2.75, 3.5, 5.0, 5.0]);
        assert_eq!(
            [
                reduced_rate(5.0, 5.0),
                reduced_rate(5.0, 2.5),
                reduced_rate(5.0, 1.25)
            ],
            [2.5, 1.25, 1.0]
        );
        assert_eq!(reduced_rate(0.5, 0.5), 0.5);
    }
}
