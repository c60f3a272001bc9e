//! Counts refused requests: a line for each link, client and hour, and not more lines than anybody can read, whatever
//! strangers send.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use tokio::sync::Notify;

use crate::{
    domain::audit::{AuditEntry, AuditSubject},
    store::RefusedRequests,
};

/// Links of one client and hour with a line of their own.
const LINKS: usize = 50;
/// Lines of one hour.
const LINES: usize = 1000;
/// In place of an address when there are too many.
const OTHERS: &str = "other addresses";

/// What was refused and is not stored yet.
#[derive(Default)]
pub(super) struct Refusals {
    state: Mutex<State>,
    /// There is something to store.
    pub(super) wake: Notify,
}

#[derive(Default)]
struct State {
    hour: i64,
    /// The lines of this hour.
    lines: BTreeSet<String>,
    /// How many of them each client has.
    clients: BTreeMap<String, usize>,
    waiting: BTreeMap<String, RefusedRequests>,
}

impl Refusals {
    /// Counts one.
    pub(super) fn count(&self, entry: AuditEntry) {
        self.with(|state| {
            let entry = state.limited(entry);
            state.add(RefusedRequests { entry, requests: 1 });
        });
        self.wake.notify_one();
    }

    /// Takes what is to be stored.
    pub(super) fn take(&self) -> Vec<RefusedRequests> {
        let waiting = self.with(|state| std::mem::take(&mut state.waiting));
        waiting.into_values().collect()
    }

    /// Gives back what could not be stored.
    pub(super) fn give_back(&self, refused: Vec<RefusedRequests>) {
        self.with(|state| refused.into_iter().for_each(|one| state.add(one)));
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// The entry, or one of the lines that stand for many.
    fn limited(&mut self, entry: AuditEntry) -> AuditEntry {
        if entry.hour() != self.hour {
            self.hour = entry.hour();
            self.lines.clear();
            self.clients.clear();
        }
        if self.lines.contains(&entry.identity()) {
            return entry;
        }
        let of_client = self.clients.get(&entry.client).copied().unwrap_or_default();
        if self.lines.len() < LINES && of_client < LINKS {
            self.lines.insert(entry.identity());
            *self.clients.entry(entry.client.clone()).or_default() += 1;
            return entry;
        }
        let client = match self.lines.len() < LINES {
            true => entry.client,
            false => OTHERS.to_owned(),
        };
        AuditEntry {
            subject: AuditSubject::default(),
            client,
            detail: "several links".to_owned(),
            ..entry
        }
    }

    fn add(&mut self, more: RefusedRequests) {
        let known = self.waiting.entry(more.entry.identity());
        known
            .and_modify(|known| {
                known.requests += more.requests;
                known.entry.status = more.entry.status;
            })
            .or_insert(more);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::audit::{Actor, AuditAction, Repeats};

    fn refused(client: &str, link: usize) -> AuditEntry {
        AuditEntry {
            at: Timestamp::UNIX_EPOCH,
            who: Actor::Link,
            action: AuditAction::Listen,
            subject: AuditSubject {
                egress_id: Some(format!("EG_{link}")),
                ..AuditSubject::default()
            },
            client: client.to_owned(),
            status: 404,
            detail: String::new(),
            repeats: Repeats::Hourly,
        }
    }

    #[test]
    fn a_flood_makes_few_lines_and_every_request_counts() {
        let refusals = Refusals::default();
        for client in 0..100 {
            for link in 0..100 {
                refusals.count(refused(&format!("192.0.2.{client}"), link));
            }
        }
        let lines = refusals.take();
        assert!(lines.len() <= LINES + LINES / LINKS + 1, "{}", lines.len());
        assert_eq!(lines.iter().map(|it| it.requests).sum::<i64>(), 10_000);
        assert!(refusals.take().is_empty());
        refusals.give_back(lines);
        refusals.count(refused("192.0.2.0", 0));
        let lines = refusals.take();
        let first = lines.iter().find(|it| it.entry == refused("192.0.2.0", 0));
        assert_eq!(first.unwrap().requests, 2);
    }
}
