//! What keeps the deliveries of a call from being sent, read from the database, which says the same with the service down.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::time::utc_seconds;
use crate::{
    domain::{
        Call, Sink,
        budget::{Allowance, Demand, LONGEST_WAIT, Mode},
    },
    store::{self, Delivery, DeliveryKey, DeliveryState, PausedSink, Store},
};

/// The base whose requests are limited.
#[derive(Debug, Clone, Copy)]
pub struct BaseLimit<'a> {
    /// `app…`
    pub id: &'a str,
    /// AIRTABLE_MONTHLY_REQUESTS
    pub monthly_requests: Option<u64>,
}

/// Why deliveries of one call wait, as of one moment.
#[derive(Debug, Default)]
pub struct Waits {
    now: Timestamp,
    /// Whether the call has a final status.
    is_final: bool,
    /// No process delivers.
    is_stopped: bool,
    paused: Vec<PausedSink>,
    /// When Airtable takes requests again.
    locked_until: Option<Timestamp>,
    /// How the requests of the month are spent, and how many are left.
    budget: Option<(Mode, u64)>,
    /// Recordings whose message to the mirror comes after that of the other one.
    after: BTreeMap<String, String>,
    /// How many deliveries are due before one of the call.
    before: HashMap<DeliveryKey, i64>,
}

impl Waits {
    /// Reads what the outstanding deliveries of the call wait for. `base`: of Airtable's requests; `None`: not known here.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn read(
        store: &Store,
        (call, deliveries): (&Call, &[Delivery]),
        base: Option<BaseLimit<'_>>,
        now: Timestamp,
    ) -> Result<Waits, store::Error> {
        let mut waits = Waits {
            now,
            is_final: call.status().is_final(),
            ..Waits::default()
        };
        let is_outstanding =
            |it: &&Delivery| matches!(it.state, DeliveryState::Pending | DeliveryState::Parked);
        let outstanding: Vec<&Delivery> = deliveries.iter().filter(is_outstanding).collect();
        if outstanding.is_empty() {
            return Ok(waits);
        }
        // The one job that every process wants has an owner as soon as there is a process.
        waits.is_stopped = !store.is_leased(Sink::Airtable.as_str(), now).await?;
        waits.paused = store.paused_sinks().await?;
        waits.after = later_messages(&outstanding);
        for delivery in outstanding.iter().filter(|it| is_due(it, now)) {
            let before = store.due_before(delivery.key.sink, delivery.due_at.unwrap_or(now));
            waits.before.insert(delivery.key.clone(), before.await?);
        }
        let has_row = outstanding.iter().any(|it| it.key.sink == Sink::Airtable);
        if let Some(base) = base.filter(|_| has_row) {
            waits.read_budget(store, base).await?;
        }
        Ok(waits)
    }

    async fn read_budget(
        &mut self,
        store: &Store,
        base: BaseLimit<'_>,
    ) -> Result<(), store::Error> {
        let now = self.now;
        let row = store.base(base.id).await?;
        self.locked_until = row.and_then(|row| row.locked_until(now));
        let allowance = Allowance {
            limit: base.monthly_requests,
            used: row.map_or(0, |row| row.used(now)),
        };
        let Some(left) = allowance.left() else {
            return Ok(());
        };
        let mode = match allowance.mode(now) {
            Mode::Free => {
                let demand = store.demand(&Demand::enough(left, now), now).await?;
                allowance.mode_for(&demand, now)
            }
            mode => mode,
        };
        self.budget = Some((mode, left));
        Ok(())
    }

    /// The pause of a delivery's sink.
    fn pause_of(&self, delivery: &Delivery) -> Option<&PausedSink> {
        self.paused.iter().find(|it| it.sink == delivery.key.sink)
    }

    /// When it is sent, retried, probed or renewed: a paused sink gets nothing before its probe.
    pub(super) fn due_at(&self, delivery: &Delivery) -> Option<Timestamp> {
        let probe_at = self.pause_of(delivery).map(|paused| paused.probe_at);
        match delivery.state {
            DeliveryState::Pending => probe_at.max(delivery.due_at),
            DeliveryState::Parked => probe_at.or(delivery.due_at),
            DeliveryState::Dead | DeliveryState::Done => delivery.due_at,
        }
    }

    /// The next step of a delivery, for people.
    pub(super) fn next_step(&self, delivery: &Delivery) -> String {
        let due_at = self.due_at(delivery);
        let when = self.when(due_at);
        match delivery.state {
            DeliveryState::Pending => self.of_pending(delivery),
            DeliveryState::Parked if self.is_stopped => {
                format!("Manual action needed. {STOPPED}")
            }
            DeliveryState::Parked => match self.pause_of(delivery) {
                // Its last attempt has the same reason.
                Some(paused) if delivery.last_error.as_deref() == Some(&paused.error) => {
                    let (name, probe) = (name(paused.sink), self.probe(paused));
                    format!("Manual action needed: {name} is paused. {probe}")
                }
                Some(paused) => {
                    let (pause, probe) = (pause(paused), self.probe(paused));
                    format!("Manual action needed: {pause}. {probe}")
                }
                None => {
                    format!("Manual action needed. Next probe {when}; `redrive` probes at once.")
                }
            },
            DeliveryState::Dead => {
                "Not retried unless the call changes or `redrive --dead` retries it.".to_owned()
            }
            DeliveryState::Done if due_at.is_none() => "Nothing left to do.".to_owned(),
            DeliveryState::Done => format!("Delivered; its links are renewed {when}."),
        }
    }

    fn of_pending(&self, delivery: &Delivery) -> String {
        let sink = delivery.key.sink;
        if self.is_stopped {
            return format!("Waits. {STOPPED}");
        }
        if let Some(paused) = self.pause_of(delivery) {
            return format!("Waits: {}. {}", pause(paused), self.probe(paused));
        }
        if let Some(until) = self.locked_until.filter(|_| sink == Sink::Airtable) {
            let until = utc_seconds(until.max(delivery.due_at.unwrap_or(until)));
            return format!(
                "Waits: Airtable has answered 429, too many requests. Next request at {until}."
            );
        }
        if let Some(first) = self.after.get(&delivery.key.item) {
            return format!(
                "Waits for the message about {first}: the mirror gets those of a call in order."
            );
        }
        if !is_due(delivery, self.now) {
            return self.of_later(delivery);
        }
        let saves = self
            .for_the_budget(delivery)
            .filter(|_| sink == Sink::Airtable);
        saves.unwrap_or_else(|| match self.before.get(&delivery.key) {
            Some(before @ 1..) => format!("Due now; {before} others are due before it."),
            _ => "Due now.".to_owned(),
        })
    }

    /// It is not its time yet.
    fn of_later(&self, delivery: &Delivery) -> String {
        let when = self.when(delivery.due_at);
        match (delivery.key.sink, delivery.attempts) {
            (_, 1..) => format!("Next retry {when}."),
            (Sink::Egress, _) => {
                format!("Waits until LiveKit can tell more of the room. Next look {when}.")
            }
            (Sink::Mirror, _) => {
                format!("Waits for the bucket's answer about the recording. Next look {when}.")
            }
            (Sink::Storage | Sink::Airtable, _) => format!("Due {when}."),
        }
    }

    /// Why a row that is due is not worth a request now.
    fn for_the_budget(&self, delivery: &Delivery) -> Option<String> {
        let (mode, left) = self.budget?;
        let rest = format!("the {left} requests left of AIRTABLE_MONTHLY_REQUESTS");
        match (mode, self.is_final) {
            (Mode::FinalFirst | Mode::Saving, false) => Some(format!(
                "Waits until the call has ended: {rest} are kept for the rows of ended calls."
            )),
            (Mode::Saving, true) => Some(format!(
                "Waits until a request is full, or until {}: {rest} would not last otherwise.",
                utc_seconds(delivery.due_since() + LONGEST_WAIT)
            )),
            _ => None,
        }
    }

    fn probe(&self, paused: &PausedSink) -> String {
        let when = self.when(Some(paused.probe_at));
        format!("Next try {when}; `redrive` tries at once.")
    }

    /// `now`, or `at` and the time.
    fn when(&self, at: Option<Timestamp>) -> String {
        let later = at.filter(|at| *at > self.now);
        later.map_or("now".to_owned(), |at| format!("at {}", utc_seconds(at)))
    }
}

/// Said of everything that waits while no process delivers.
const STOPPED: &str = "No process of the service delivers now: start it with `serve`.";

fn is_due(delivery: &Delivery, now: Timestamp) -> bool {
    delivery.state == DeliveryState::Pending && delivery.due_at.is_some_and(|at| at <= now)
}

/// `Airtable is paused (the AIRTABLE_TOKEN was rejected)`
fn pause(paused: &PausedSink) -> String {
    let error = paused.error.trim_end_matches('.');
    format!("{} is paused ({error})", name(paused.sink))
}

fn name(sink: Sink) -> &'static str {
    match sink {
        Sink::Egress => "LiveKit",
        Sink::Storage => "the bucket",
        Sink::Airtable => "Airtable",
        Sink::Mirror => "the mirror",
    }
}

/// For each recording whose message must not overtake another's: the first of the call.
fn later_messages(outstanding: &[&Delivery]) -> BTreeMap<String, String> {
    let is_message =
        |it: &&&Delivery| it.key.sink == Sink::Mirror && it.state == DeliveryState::Pending;
    let mut messages: Vec<&&Delivery> = outstanding.iter().filter(is_message).collect();
    messages.sort_by_key(|it| (it.created_at, &it.key.item));
    let mut messages = messages.into_iter();
    let Some(first) = messages.next() else {
        return BTreeMap::new();
    };
    let first = &first.key.item;
    let later = messages.map(|it| (it.key.item.clone(), first.clone()));
    later.collect()
}
