//! INBOX to CALL: reads messages in order, finds each one's call, folds, and writes calls and deliveries in one
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

use super::{Job, Wake, message};
use crate::{
    domain::{Call, DueDelivery, Event, EventPayload, Policy, Room, Sink, Status, apply},
    store::{self, CallRow, CallUpdate, InboxMessage, Processed, Store, Waiting},
};

/// Messages of one transaction.
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

/// Where a message belongs.
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
    calls: BTreeMap<String, CallUpdate>,
    /// How the known ones stood.
    stood: BTreeMap<String, Status>,
    processed: Vec<Processed>,
    waiting: Vec<Waiting>,
}

impl Job for Intake {
    fn name(&self) -> &'static str {
        "intake"
    }

    fn wake_on<'a>(&self, wake: &'a Wake) -> Option<&'a Notify> {
        Some(&wake.intake)
    }

    fn every(&self) -> Duration {
        // How long a message waits that another replica has taken: nobody rings for it here.
        Duration::from_millis(250)
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let messages = self.store.unprocessed(now, BATCH).await?;
        if messages.is_empty() {
            return Ok(false);
        }
        match self.read(messages, now).await {
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

/// A message that was read, without its body, which may be large.
fn opened(mut message: InboxMessage) -> (InboxMessage, Result<EventPayload, String>) {
    let payload = message::read(&message);
    message.body = Vec::new();
    (message, payload)
}

/// A call as it was read, or one that begins.
fn unchanged(known: Option<CallRow>) -> CallUpdate {
    let row = known.map(|CallRow { call, revision, .. }| (call, revision));
    let (call, read_revision) = row.unwrap_or_default();
    let due_deliveries = Vec::new();
    CallUpdate {
        call,
        read_revision,
        renamed: false,
        due_deliveries,
    }
}

/// A call that was only read owes nobody anything.
fn changed(folded: &CallUpdate) -> bool {
    !folded.due_deliveries.is_empty()
}

/// Whether the database refuses something that a message says.
fn cannot_be_held(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<store::Error>();
    error.is_some_and(store::Error::is_of_values)
}

impl Intake {
    /// Folds messages into their calls, all or none.
    async fn read(&self, messages: Vec<InboxMessage>, now: Timestamp) -> anyhow::Result<()> {
        let messages: Vec<_> = messages.into_iter().map(opened).collect();
        let mut batch = self.begin(&messages).await?;
        for (message, payload) in messages {
            self.take(&mut batch, &message, payload, now).await?;
        }
        let folded: Vec<CallUpdate> = batch.calls.into_values().filter(changed).collect();
        self.store
            .commit_fold(&folded, &batch.processed, &batch.waiting, &self.sinks, now)
            .await
            .context("calls could not be written")?;
        for CallUpdate { call, .. } in &folded {
            say(call, batch.stood.get(&call.id));
        }
        self.ring(&folded, !batch.waiting.is_empty());
        Ok(())
    }

    /// The message that the database cannot hold is set aside, and its neighbours are read.
    async fn read_one_by_one(&self, now: Timestamp) -> anyhow::Result<()> {
        for message in self.store.unprocessed(now, BATCH).await? {
            let id = message.id.clone();
            match self.read(vec![message], now).await {
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
        let processed = [Processed {
            id,
            call_id: None,
            error: Some(error),
        }];
        let written = self.store.commit_fold(&[], &processed, &[], &[], now);
        written.await.context("a letter could not be set aside")?;
        self.ring(&[], false);
        Ok(())
    }

    fn ring(&self, folded: &[CallUpdate], waiting: bool) {
        for due_deliveries in folded.iter().flat_map(|fold| &fold.due_deliveries) {
            self.wake.sink(due_deliveries.sink).notify_one();
        }
        if waiting {
            self.wake.reconcile.notify_one();
        }
        self.wake.folded.notify_waiters();
    }

    /// A batch with the calls that its messages name, read at once.
    async fn begin(
        &self,
        messages: &[(InboxMessage, Result<EventPayload, String>)],
    ) -> anyhow::Result<Batch> {
        let ids = messages.iter().filter_map(|(message, payload)| {
            let named = payload.as_ref().ok().and_then(EventPayload::room);
            let sid = named.map(|room| room.sid.as_str());
            message
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
        message: &InboxMessage,
        payload: Result<EventPayload, String>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let (call_id, error) = match payload {
            Err(error) => (None, Some(error)),
            Ok(payload) => match self.route(batch, message, &payload, now).await? {
                Route::Call(id) => {
                    let error = self.fold(batch, &id, message, payload).await?;
                    (Some(id), error)
                }
                Route::Wait { room_name, until } => {
                    let id = message.id.clone();
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
            tracing::warn!(inbox = message.id, %error, "set aside; it is kept in the inbox");
        }
        let id = message.id.clone();
        batch.processed.push(Processed { id, call_id, error });
        Ok(())
    }

    /// Folds a fact into its call. A panic sets the message aside, and the others go on.
    async fn fold(
        &self,
        batch: &mut Batch,
        id: &str,
        message: &InboxMessage,
        payload: EventPayload,
    ) -> anyhow::Result<Option<String>> {
        if !batch.calls.contains_key(id) {
            let known = self.store.call(id).await?;
            batch.add(id.to_owned(), known);
        }
        let Some(folded) = batch.calls.get_mut(id) else {
            return Ok(None);
        };
        let event = Event {
            received_at: message.received_at,
            source: message::source(message),
            payload,
        };
        let known = (!folded.call.id.is_empty()).then_some(&folded.call);
        let step = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let step = apply(known, id, &event, &self.policy);
            // What is written with the call: if that panicked later, all messages of the batch would wait for ever.
            step.call.status();
            step
        }));
        let Ok(step) = step else {
            return Ok(Some(message::PANICKED.into()));
        };
        folded.renamed |= step.call.room_name != folded.call.room_name;
        folded.call = step.call;
        merge(&mut folded.due_deliveries, step.due_deliveries);
        Ok(None)
    }

    async fn route(
        &self,
        batch: &Batch,
        message: &InboxMessage,
        payload: &EventPayload,
        now: Timestamp,
    ) -> anyhow::Result<Route> {
        if let Some(id) = &message.call_id {
            return Ok(Route::Call(id.clone()));
        }
        let Some(room) = payload.room() else {
            return Ok(Route::Nowhere);
        };
        if !room.sid.is_empty() {
            return Ok(Route::Call(room.sid.clone()));
        }
        if let Some(egress_id) = payload.egress_id()
            && let Some(row) = self.store.call_of_egress(egress_id).await?
        {
            return Ok(Route::Call(row.call.id));
        }
        if room.name.is_empty() {
            return Ok(Route::Aside("it names no room that is known".into()));
        }
        match self.by_name(batch, message, payload, room).await? {
            Some(id) => Ok(Route::Call(id)),
            None => Ok(waits(message, payload, &room.name, now)),
        }
    }

    /// The call of that name whose time holds the report's `timestamp`, else the live one, else (for reports) the
    /// newest of the last hour.
    async fn by_name(
        &self,
        batch: &Batch,
        message: &InboxMessage,
        payload: &EventPayload,
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
        let EventPayload::Report { report, .. } = payload else {
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
            last.is_some_and(|at| at >= message.received_at - PATIENCE)
        };
        let newest = calls.iter().find(|call| recent(call));
        Ok(dated.or(live).or(newest).map(|call| call.id.clone()))
    }
}

fn waits(message: &InboxMessage, payload: &EventPayload, room_name: &str, now: Timestamp) -> Route {
    let (patience, error) = match payload {
        EventPayload::Request { .. } => (
            REQUEST_PATIENCE,
            "LiveKit did not say in time whether there is such a room",
        ),
        _ => (PATIENCE, "no call of this room name came within an hour"),
    };
    let until = message.received_at + patience;
    if now >= until {
        return Route::Aside(error.into());
    }
    Route::Wait {
        room_name: room_name.to_owned(),
        until,
    }
}

fn merge(due_deliveries: &mut Vec<DueDelivery>, more: Vec<DueDelivery>) {
    for one in more {
        if !due_deliveries.contains(&one) {
            due_deliveries.push(one);
        }
    }
}
