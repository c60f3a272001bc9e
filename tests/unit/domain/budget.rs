//! A month of calls, spent request by request: final rows never lack the requests that other rows took.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use livekit_airtable::domain::budget::{Allowance, Demand, Mode, Month};
use proptest::prelude::*;

const STEP: i64 = 10;
const DAY: i64 = 1440;
/// How long a call lasts, in minutes.
const CALL: i64 = 30;

/// A base and its calls, in minutes since the beginning of the simulation.
struct Simulation {
    limit: u64,
    used: u64,
    begun: Vec<i64>,
    /// When calls that are open end.
    open: VecDeque<i64>,
    /// Since when final rows wait.
    finals: VecDeque<i64>,
    /// Rows of open calls that wait.
    live: u64,
}

impl Simulation {
    fn new(limit: u64) -> Simulation {
        Simulation {
            limit,
            used: 0,
            begun: Vec::new(),
            open: VecDeque::new(),
            finals: VecDeque::new(),
            live: 0,
        }
    }

    fn demand(&self, minute: i64) -> Demand {
        let since = |past: i64| self.begun.iter().filter(|at| **at > minute - past).count() as u64;
        Demand {
            open_rows: (self.open.len() + self.finals.len()) as u64,
            renewals: 0,
            last_hour: since(60),
            last_day: since(DAY),
        }
    }

    fn mode(&self, minute: i64, now: Timestamp) -> Mode {
        let allowance = Allowance {
            limit: Some(self.limit),
            used: self.used,
        };
        allowance.mode_for(&self.demand(minute), now)
    }

    fn call(&mut self, minute: i64) {
        self.begun.push(minute);
        self.open.push_back(minute + CALL);
        self.live += 1;
    }

    fn end_calls(&mut self, minute: i64) {
        while self.open.front().is_some_and(|end| *end <= minute) {
            self.open.pop_front();
            self.finals.push_back(minute);
            self.live = self.live.min(self.open.len() as u64);
        }
    }

    /// Sends what is worth a request, as the sink does.
    fn send(&mut self, minute: i64, now: Timestamp) {
        loop {
            let waits_long = self.finals.front().is_some_and(|at| minute - at >= DAY);
            match self.mode(minute, now) {
                Mode::Spent => return,
                Mode::Free if self.live > 0 => {
                    self.live -= self.live.min(10);
                    self.used += 1;
                    let left = self.limit - self.used;
                    let known = (self.open.len() + self.finals.len()) as u64;
                    assert!(left >= known, "{left} for {known} final rows at {now}");
                }
                Mode::Free | Mode::FinalFirst if !self.finals.is_empty() => self.send_finals(),
                Mode::Saving if self.finals.len() >= 10 || waits_long => self.send_finals(),
                _ => return,
            }
        }
    }

    fn send_finals(&mut self) {
        self.finals.drain(..self.finals.len().min(10));
        self.used += 1;
    }
}

fn month(year: i16, month: i8) -> Month {
    let text = format!("{year}-{month:02}-01T00:00:00Z");
    Month::of(text.parse().unwrap())
}

fn minutes(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs() / 60
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// From any day of any month to its end, with calls at an even pace, after a day of them.
    #[test]
    fn final_rows_of_an_even_pace_are_all_written(
        (year, number) in (2026_i16..2029, 1_i8..=12),
        day in 0_i64..31,
        a_day in 1_i64..60,
        slack in 0_u64..400,
    ) {
        let month = month(year, number);
        let begin = month.starts + SignedDuration::from_hours(24 * day);
        prop_assume!(begin < month.ends);
        let to_end = minutes(begin, month.ends);
        let days = (to_end + DAY - 1) / DAY;
        // What full requests need, one more a day for what waits that long, and what is under way.
        let needed = (a_day * days) / 10 + 1 + 2 * days + 10;
        let mut simulation = Simulation::new(needed as u64 + slack);
        let every = DAY / a_day;
        for minute in (-DAY..0).step_by(every as usize) {
            simulation.begun.push(minute);
        }
        for minute in (0..to_end).step_by(STEP as usize) {
            let now = begin + SignedDuration::from_mins(minute);
            let calls = (minute..minute + STEP).filter(|at| at % every == 0);
            calls.for_each(|at| simulation.call(at));
            simulation.end_calls(minute);
            simulation.send(minute, now);
            let waits = simulation.finals.front().map_or(0, |at| minute - at);
            prop_assert!(waits <= DAY, "a final row waits for {} min at {}", waits, now);
        }
        prop_assert!(simulation.used <= simulation.limit);
    }

    /// A rush on any day of the month takes no request for rows that are not final beyond those of its own.
    #[test]
    fn a_rush_leaves_what_its_own_final_rows_need(
        (year, number) in (2026_i16..2029, 1_i8..=12),
        minute_of_month in 0_i64..(31 * DAY),
        calls in 1_usize..300,
        limit in 1_u64..400,
    ) {
        let month = month(year, number);
        let begin = month.starts + SignedDuration::from_mins(minute_of_month);
        prop_assume!(begin < month.ends);
        let mut simulation = Simulation::new(limit);
        (0..calls).for_each(|_| simulation.call(0));
        simulation.send(0, begin);
        let left = limit - simulation.used;
        let spent_live = simulation.used > 0;
        prop_assert!(!spent_live || left >= calls as u64, "{} left for {}", left, calls);
        let end = begin + SignedDuration::from_mins(CALL);
        simulation.end_calls(CALL);
        if end < month.ends {
            simulation.send(CALL, end);
            let unwritten = simulation.finals.len() as u64;
            let full = (calls as u64) / 10;
            prop_assert!(unwritten < 10 || simulation.used == limit, "{} of {}", unwritten, calls);
            prop_assert!(limit < full || unwritten < 10, "{} requests suffice for {}", limit, full);
        }
    }
}

#[test]
fn the_turn_of_a_month_forgets_what_was_used_and_not_what_is_expected() {
    let demand = Demand {
        open_rows: 4,
        renewals: 25,
        last_hour: 2,
        last_day: 30,
    };
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let expected = |text: &str| demand.expected(at(text));
    assert_eq!(expected("2026-11-30T23:30:00Z"), 2);
    assert_eq!(expected("2026-11-29T00:00:00Z"), 6 + 60);
    assert_eq!(expected("2026-12-01T00:00:00Z"), 6 + 31 * 30);
    assert_eq!(demand.requests(at("2026-11-30T23:30:00Z")), 4 + 2 + 3);
    let mode = |used, text| {
        let allowance = Allowance {
            limit: Some(20),
            used,
        };
        allowance.mode_for(&demand, at(text))
    };
    assert_eq!(mode(0, "2026-11-30T23:30:00Z"), Mode::Free);
    assert_eq!(mode(8, "2026-11-30T23:30:00Z"), Mode::FinalFirst);
    assert_eq!(mode(12, "2026-11-30T23:30:00Z"), Mode::Saving);
    assert_eq!(mode(20, "2026-11-30T23:30:00Z"), Mode::Spent);
    assert_eq!(mode(0, "2026-11-28T12:00:00Z"), Mode::Saving);
    assert_eq!(mode(0, "2026-12-01T00:00:00Z"), Mode::Saving);
}
