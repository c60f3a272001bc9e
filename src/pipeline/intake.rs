//! INBOX to CALL: reads letters in order, finds each one's call, folds, and writes calls and deliveries in one
//! transaction. The only writer of calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::{Job, Wake, letter};
use crate::{
    domain::{Call, Event, Fact, Owed, Policy, Room, Sink, Status, apply},
    store::{self, CallRow, Folded, Letter, Settled, Store, Waiting},
};

/// Letters of one transaction.
const BATCH: i64 = 256;
/// How long a report that names no known call waits for one.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);
/// How long a request waits for LiveKit to say whether its room exists.
const REQUEST_PATIENCE: SignedDuration = SignedDuration::from_secs(60);

pub struct Intake {
    pub store: Store,
    pub policy: Policy,
    /// The sinks that are configured.
    pub sinks: Vec<Sink>,
    pub wake: Arc<Wake>,
}

/// Where a letter belongs.
enum Route {
    Call(String),
    /// Waits for a call of this name.
    Wait {
        room_name: String,
        until: Timestamp,
    },
    Aside(String),
    Nowhere,
}

/// A batch in the making.
#[derive(Default)]
struct Batch {
    calls: BTreeMap<String, Folded>,
    /// How the known ones stood.
    stood: BTreeMap<String, Status>,
    settled: Vec<Settled>,
    waiting: Vec<Waiting>,
}

impl Job for Intake {
    fn name(&self) -> &'static str {
        "intake"
    }

    fn bell<'a>(&self, wake: &'a Wake) -> &'a Notify {
        &wake.intake
    }

    fn every(&self) -> Duration {
        // How long a letter waits that another replica has taken: nobody rings for it here.
        Duration::from_millis(250)
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let letters = self.store.unread(now, BATCH).await?;
        if letters.is_empty() {
            return Ok(false);
        }
        match self.read(letters, now).await {
            Err(error) if cannot_be_held(&error) => self.read_one_by_one(now).await?,
            read => read?,
        }
        Ok(true)
    }
}

impl Batch {
    fn add(&mut self, id: String, known: Option<CallRow>) {
        let stood = known.as_ref().map(|row| (id.clone(), row.call.status()));
        self.stood.extend(stood);
        self.calls.insert(id, unchanged(known));
    }
}

/// Says how a call stands that stands otherwise than before. Why is not said: a bucket's or LiveKit's words may hold the
/// room's name, and that a phone number.
fn say(call: &Call, before: Option<&Status>) {
    let (call, status) = (&call.id, call.status());
    match status {
        _ if before == Some(&status) => {}
        Status::Failed => tracing::warn!(
            call,
            "the call is Failed: it was to be recorded, and no recording is there; `livekit-airtable calls show {call}` says why"
        ),
        _ => tracing::info!(call, "the call is {}", status.label()),
    }
}

/// A letter that was read, without its body, which may be large.
fn opened(mut letter: Letter) -> (Letter, Result<Fact, String>) {
    let fact = letter::read(&letter);
    letter.body = Vec::new();
    (letter, fact)
}

/// A call as it was read, or one that begins.
fn unchanged(known: Option<CallRow>) -> Folded {
    let row = known.map(|CallRow { call, revision, .. }| (call, revision));
    let (call, read_revision) = row.unwrap_or_default();
    let owed = Vec::new();
    Folded {
        call,
        read_revision,
        renamed: false,
        owed,
    }
}

/// A call that was only read owes nobody anything.
fn changed(folded: &Folded) -> bool {
    !folded.owed.is_empty()
}

/// Whether the database refuses something that a letter says.
fn cannot_be_held(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<store::Error>();
    error.is_some_and(store::Error::refuses_value)
}

impl Intake {
    /// Folds letters into their calls, all or none.
    async fn read(&self, letters: Vec<Letter>, now: Timestamp) -> anyhow::Result<()> {
        let letters: Vec<_> = letters.into_iter().map(opened).collect();
        let mut batch = self.begin(&letters).await?;
        for (letter, fact) in letters {
            self.take(&mut batch, &letter, fact, now).await?;
        }
        let folded: Vec<Folded> = batch.calls.into_values().filter(changed).collect();
        self.store
            .commit_fold(&folded, &batch.settled, &batch.waiting, &self.sinks, now)
            .await
            .context("calls could not be written")?;
        for Folded { call, .. } in &folded {
            say(call, batch.stood.get(&call.id));
        }
        self.ring(&folded, !batch.waiting.is_empty());
        Ok(())
    }

    /// The letter that the database cannot hold is set aside, and its neighbours are read.
    async fn read_one_by_one(&self, now: Timestamp) -> anyhow::Result<()> {
        for letter in self.store.unread(now, BATCH).await? {
            let id = letter.id.clone();
            match self.read(vec![letter], now).await {
                Err(error) if cannot_be_held(&error) => {
                    let error = format!("what it says cannot be kept in a call: {error:#}");
                    self.set_aside(id, error, now).await?;
                }
                read => read?,
            }
        }
        Ok(())
    }

    async fn set_aside(&self, id: String, error: String, now: Timestamp) -> anyhow::Result<()> {
        tracing::warn!(inbox = id, %error, "set aside; it is kept in the inbox");
        let settled = [Settled {
            id,
            call_id: None,
            error: Some(error),
        }];
        let written = self.store.commit_fold(&[], &settled, &[], &[], now);
        written.await.context("a letter could not be set aside")?;
        self.ring(&[], false);
        Ok(())
    }

    fn ring(&self, folded: &[Folded], waiting: bool) {
        for owed in folded.iter().flat_map(|fold| &fold.owed) {
            self.wake.sink(owed.sink).notify_one();
        }
        if waiting {
            self.wake.reconcile.notify_one();
        }
        self.wake.folded.notify_waiters();
    }

    /// A batch with the calls that its letters name, read at once.
    async fn begin(&self, letters: &[(Letter, Result<Fact, String>)]) -> anyhow::Result<Batch> {
        let ids = letters.iter().filter_map(|(letter, fact)| {
            let named = fact.as_ref().ok().and_then(Fact::room);
            let sid = named.map(|room| room.sid.as_str());
            letter
                .call_id
                .as_deref()
                .or(sid)
                .filter(|id| !id.is_empty())
        });
        let ids: BTreeSet<&str> = ids.collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut batch = Batch::default();
        for row in self.store.calls(&ids).await? {
            batch.add(row.call.id.clone(), Some(row));
        }
        for id in ids {
            let calls = &mut batch.calls;
            calls
                .entry(id.to_owned())
                .or_insert_with(|| unchanged(None));
        }
        Ok(batch)
    }

    async fn take(
        &self,
        batch: &mut Batch,
        letter: &Letter,
        fact: Result<Fact, String>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let (call_id, error) = match fact {
            Err(error) => (None, Some(error)),
            Ok(fact) => match self.route(batch, letter, &fact, now).await? {
                Route::Call(id) => {
                    let error = self.fold(batch, &id, letter, fact).await?;
                    (Some(id), error)
                }
                Route::Wait { room_name, until } => {
                    let id = letter.id.clone();
                    batch.waiting.push(Waiting {
                        id,
                        room_name,
                        until,
                    });
                    return Ok(());
                }
                Route::Aside(error) => (None, Some(error)),
                Route::Nowhere => (None, None),
            },
        };
        if let Some(error) = &error {
            tracing::warn!(inbox = letter.id, %error, "set aside; it is kept in the inbox");
        }
        let id = letter.id.clone();
        batch.settled.push(Settled { id, call_id, error });
        Ok(())
    }

    /// Folds a fact into its call. A panic sets the letter aside, and the others go on.
    async fn fold(
        &self,
        batch: &mut Batch,
        id: &str,
        letter: &Letter,
        fact: Fact,
    ) -> anyhow::Result<Option<String>> {
        if !batch.calls.contains_key(id) {
            let known = self.store.call(id).await?;
            batch.add(id.to_owned(), known);
        }
        let Some(folded) = batch.calls.get_mut(id) else {
            return Ok(None);
        };
        let event = Event {
            received_at: letter.received_at,
            told_by: letter::teller(letter),
            fact,
        };
        let known = (!folded.call.id.is_empty()).then_some(&folded.call);
        let step = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let step = apply(known, id, &event, &self.policy);
            // What is written with the call: if that panicked later, all letters of the batch would wait for ever.
            step.call.status();
            step
        }));
        let Ok(step) = step else {
            return Ok(Some(letter::PANICKED.into()));
        };
        folded.renamed |= step.call.room_name != folded.call.room_name;
        folded.call = step.call;
        merge(&mut folded.owed, step.owed);
        Ok(None)
    }

    async fn route(
        &self,
        batch: &Batch,
        letter: &Letter,
        fact: &Fact,
        now: Timestamp,
    ) -> anyhow::Result<Route> {
        if let Some(id) = &letter.call_id {
            return Ok(Route::Call(id.clone()));
        }
        let Some(room) = fact.room() else {
            return Ok(Route::Nowhere);
        };
        if !room.sid.is_empty() {
            return Ok(Route::Call(room.sid.clone()));
        }
        if let Some(egress_id) = fact.egress_id()
            && let Some(row) = self.store.call_of_egress(egress_id).await?
        {
            return Ok(Route::Call(row.call.id));
        }
        if room.name.is_empty() {
            return Ok(Route::Aside("it names no room that is known".into()));
        }
        match self.by_name(batch, letter, fact, room).await? {
            Some(id) => Ok(Route::Call(id)),
            None => Ok(waits(letter, fact, &room.name, now)),
        }
    }

    /// The call of that name whose time holds the report's `timestamp`, else the live one, else (for reports) the
    /// newest of the last hour.
    async fn by_name(
        &self,
        batch: &Batch,
        letter: &Letter,
        fact: &Fact,
        room: &Room,
    ) -> anyhow::Result<Option<String>> {
        let stored = self.store.calls_named(&room.name, 50).await?;
        let fresh = batch.calls.values().map(|folded| &folded.call);
        let fresh = fresh.filter(|call| call.room_name == room.name);
        let stored = stored.iter().map(|row| &row.call);
        let stored = stored.filter(|call| !batch.calls.contains_key(&call.id));
        let mut calls: Vec<_> = fresh.chain(stored).collect();
        calls.sort_by_key(|call| std::cmp::Reverse(call.started_at()));
        let live = calls.iter().find(|call| call.is_open());
        let Fact::Report { report, .. } = fact else {
            return Ok(live.map(|call| call.id.clone()));
        };
        let slack = SignedDuration::from_secs(60);
        let holds = |call: &crate::domain::Call, at: Timestamp| {
            let start = call.started_at().is_some_and(|start| start - slack <= at);
            start && call.ended_at().is_none_or(|end| at <= end + slack)
        };
        let dated = report
            .at
            .and_then(|at| calls.iter().find(|call| holds(call, at)));
        let recent = |call: &crate::domain::Call| {
            let last = call.ended_at().or(call.started_at());
            last.is_some_and(|at| at >= letter.received_at - PATIENCE)
        };
        let newest = calls.iter().find(|call| recent(call));
        Ok(dated.or(live).or(newest).map(|call| call.id.clone()))
    }
}

fn waits(letter: &Letter, fact: &Fact, room_name: &str, now: Timestamp) -> Route {
    let (patience, error) = match fact {
        Fact::Request { .. } => (
            REQUEST_PATIENCE,
            "LiveKit did not say in time whether there is such a room",
        ),
        _ => (PATIENCE, "no call of this room name came within an hour"),
    };
    let until = letter.received_at + patience;
    if now >= until {
        return Route::Aside(error.into());
    }
    Route::Wait {
        room_name: room_name.to_owned(),
        until,
    }
}

fn merge(owed: &mut Vec<Owed>, more: Vec<Owed>) {
    for one in more {
        if !owed.contains(&one) {
            owed.push(one);
        }
    }
}
