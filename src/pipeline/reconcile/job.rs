//! The job: every RECONCILE_INTERVAL, and when a request waits.

use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::{
    participants::lacks_people,
    rooms::as_event,
    target::{Reconcile, Unfinished},
};
use crate::{
    livekit::client::{Egresses, OpenRoom},
    pipeline::{Job, Wake, job::LONG_STEP_TIMEOUT, message},
    store::InboxMessage,
};

impl Job for Reconcile {
    fn name(&self) -> &'static str {
        "reconcile"
    }

    fn wake_on<'a>(&self, wake: &'a Wake) -> Option<&'a Notify> {
        Some(&wake.reconcile)
    }

    fn every(&self) -> Duration {
        self.interval
    }

    fn timeout(&self) -> Duration {
        LONG_STEP_TIMEOUT
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let rooms = self.client.rooms(&[]).await;
        self.answer_requests(&rooms, now).await?;
        let rooms = rooms.context("cannot list LiveKit's rooms")?;
        let calls = self.store.unfinished().await?;
        let known = calls.iter().map(|row| (&row.call.id, &row.call));
        let known: Unfinished = known.collect();
        let opened = self.opened(&rooms, &known).await?;
        let seen = opened
            .iter()
            .map(|room| message::room(&as_event(room), now));
        self.put(seen.collect()).await?;
        self.put(self.closed(&rooms, &calls, now)).await?;
        let listed = self.client.list(None, Egresses::All).await;
        let listed = listed.context("cannot list LiveKit's recordings");
        if let Ok(infos) = &listed {
            self.put(self.egresses(infos, now).await?).await?;
        }
        self.put(self.lost(&calls, now)).await?;
        let unclear = |room: &&OpenRoom| lacks_people(room, &known) && !opened.contains(room);
        let unclear = rooms.iter().filter(unclear);
        let rooms_to_read: Vec<_> = unclear.chain(opened.iter().copied()).collect();
        self.put(self.participants(&rooms_to_read, &known, now).await)
            .await?;
        listed.map(|_| false)
    }
}

impl Reconcile {
    async fn put(&self, messages: Vec<InboxMessage>) -> anyhow::Result<()> {
        for message in messages {
            self.store.put(message).await?;
            self.wake.intake.notify_one();
        }
        Ok(())
    }
}
