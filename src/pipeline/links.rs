//! Rewrites rows whose permanent links are outdated: signed with an earlier LINK_SECRET, made for another PUBLIC_URL or
//! LINK_LIFE, or revoked. Few at a time, and only while hardly any other row waits.
//!
//! Nothing is stored about the progress: each row's sink state says how its links were made. So a restart continues where it
//! stopped, and a replica that still had the earlier secret is corrected in a later round.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::{Job, Wake, budget::Budget};
use crate::{
    domain::{Sink, budget::ROWS, link::LinkRules},
    store::Store,
};

/// How often rows are made due, and how many may be at once: one request a second to Airtable.
const EVERY: Duration = Duration::from_secs(1);
const AT_ONCE: i64 = ROWS as i64;
/// Rows that are looked at in one step.
const SCANNED: i64 = 500;
/// How often all rows are looked at.
const ROUND: SignedDuration = SignedDuration::from_hours(1);
/// How often rows are looked for that were being written when their links were revoked.
const REVOKED: SignedDuration = SignedDuration::from_secs(30);

/// Makes rows with outdated links due.
pub struct Links {
    store: Store,
    budget: Budget,
    /// What permanent links are made of now; `None` without PUBLIC_URL.
    mark: Option<String>,
    wake: Arc<Wake>,
    round: Mutex<Round>,
    /// When revoked links are looked for next.
    revoked_at: Mutex<Timestamp>,
}

/// How far a look at all rows has come.
#[derive(Debug, Clone, PartialEq)]
enum Round {
    /// Rows after this call are next; how many were outdated.
    After(String, usize),
    /// All rows were looked at; the next round begins then.
    Done(Timestamp),
}

impl Links {
    /// A round begins with the first step.
    pub fn new(store: Store, budget: Budget, rules: &LinkRules, wake: Arc<Wake>) -> Links {
        Links {
            store,
            budget,
            mark: rules.public_url.as_ref().map(|_| rules.mark()),
            wake,
            round: Mutex::new(Round::After(String::new(), 0)),
            revoked_at: Mutex::new(Timestamp::MIN),
        }
    }

    /// How many rows may be made due now.
    async fn room(&self, now: Timestamp) -> anyhow::Result<usize> {
        let waiting = self.store.due_rows(AT_ONCE, now).await?;
        let room = usize::try_from(AT_ONCE - waiting).unwrap_or_default();
        // The rows of calls need what is left of the month's requests.
        Ok(match self.budget.has_spare(now).await? {
            true => room,
            false => 0,
        })
    }

    /// The next rows of the round that are outdated, at most `room`. True: there is more to look at now.
    async fn scan(&self, mark: &str, room: usize, now: Timestamp) -> anyhow::Result<bool> {
        let (after, found) = match self.round() {
            Round::Done(next) if now < next => return Ok(false),
            Round::Done(_) => (String::new(), 0),
            Round::After(call, found) => (call, found),
        };
        let mut scan = self.store.scan_links(&after, mark, SCANNED, now).await?;
        if scan.outdated.len() > room {
            scan.outdated.truncate(room);
            scan.last = scan.outdated.last().cloned().or(Some(after));
        }
        let found = found + scan.outdated.len();
        self.rewrite(&scan.outdated, now).await?;
        let next = match scan.last {
            Some(last) => Round::After(last, found),
            None => {
                if found > 0 {
                    tracing::info!(
                        rows = found,
                        "checked the permanent links in these rows, and rewrote those that LINK_SECRET, PUBLIC_URL or LINK_LIFE have changed"
                    );
                }
                Round::Done(now.checked_add(ROUND).unwrap_or(Timestamp::MAX))
            }
        };
        let more = scan.outdated.is_empty() && matches!(next, Round::After(..));
        *self.round.lock().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(more)
    }

    async fn rewrite(&self, calls: &[String], now: Timestamp) -> anyhow::Result<()> {
        if !calls.is_empty() {
            self.store.rewrite_links(calls, now).await?;
            self.wake.sink(Sink::Airtable).notify_one();
        }
        Ok(())
    }

    /// `calls unlink` has the row written at once; this finds one that was just being written with the old links.
    async fn rewrite_revoked(&self, now: Timestamp) -> anyhow::Result<()> {
        let next = || {
            self.revoked_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if now < *next() {
            return Ok(());
        }
        let revoked = self.store.rows_with_revoked_links(AT_ONCE, now).await?;
        *next() = now.checked_add(REVOKED).unwrap_or(Timestamp::MAX);
        self.rewrite(&revoked, now).await
    }

    fn round(&self) -> Round {
        let round = self.round.lock().unwrap_or_else(PoisonError::into_inner);
        round.clone()
    }
}

impl Job for Links {
    fn name(&self) -> &'static str {
        "links"
    }

    fn wake_on<'a>(&self, _wake: &'a Wake) -> Option<&'a Notify> {
        None
    }

    fn every(&self) -> Duration {
        EVERY
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        self.rewrite_revoked(now).await?;
        let Some(mark) = &self.mark else {
            return Ok(false);
        };
        if matches!(self.round(), Round::Done(next) if now < next) {
            return Ok(false);
        }
        match self.room(now).await? {
            0 => Ok(false),
            room => self.scan(mark, room, now).await,
        }
    }
}
