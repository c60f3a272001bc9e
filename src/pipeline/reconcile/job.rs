//! The job: every RECONCILE_INTERVAL, and when a request waits.

use std::{sync::atomic::Ordering, time::Duration};

use anyhow::Context;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::{
    gone::CONFIRM,
    participants::lacks_people,
    recorders::is_recorded,
    rooms::{as_event, reopened},
    running::Running,
    target::{Reconcile, Unfinished},
};
use crate::{
    livekit::client::{Egresses, OpenRoom},
    pipeline::{Job, RunsIn, Wake, job::LONG_STEP_TIMEOUT, message},
};

/// The name of this job in [`JobStatus`](crate::pipeline::JobStatus).
pub const RECONCILE: &str = "reconcile";

impl Job for Reconcile {
    fn name(&self) -> &'static str {
        RECONCILE
    }

    fn wake_on<'a>(&self, wake: &'a Wake) -> Option<&'a Notify> {
        Some(&wake.reconcile)
    }

    fn runs_in(&self) -> RunsIn {
        // The process that hears of a room asks about it at once, and none depends on one that LiveKit does not answer.
        RunsIn::Replicas
    }

    fn every(&self) -> Duration {
        match self.must_confirm.load(Ordering::Relaxed) {
            true => self.interval.min(CONFIRM.unsigned_abs()),
            false => self.interval,
        }
    }

    fn timeout(&self) -> Duration {
        LONG_STEP_TIMEOUT
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let rooms = self.client.rooms(&[]).await;
        self.answer_requests(&rooms, now).await?;
        let calls = self.store.unfinished().await?;
        let rooms = match rooms.context("cannot list LiveKit's rooms") {
            Ok(rooms) => rooms,
            Err(error) => {
                // What the webhooks have reported is lost without LiveKit's lists, too.
                let unlisted = Running::new(None);
                self.put(self.lost(&calls, &unlisted, now)).await?;
                return Err(error);
            }
        };
        let known = calls.iter().map(|row| (&row.call.id, &row.call));
        let known: Unfinished = known.collect();
        let opened = self.opened(&rooms, &known).await?;
        let seen = opened
            .iter()
            .map(|room| message::room(&as_event(room), now));
        self.put(seen.collect()).await?;
        let listed = self.client.list(None, Egresses::All).await;
        let listed = listed.context("cannot list LiveKit's recordings");
        let infos = listed.as_ref().ok().map(Vec::as_slice);
        let running = Running::new(infos);
        self.put(self.gone(&rooms, &calls, &running, now).await)
            .await?;
        self.put(reopened(&calls, &running, now)).await?;
        if let Some(infos) = infos {
            self.put(self.egresses(infos, now).await?).await?;
        }
        self.put(self.lost(&calls, &running, now)).await?;
        let others = rooms.iter().filter(|room| !opened.contains(room));
        let (unclear, others): (Vec<_>, Vec<&OpenRoom>) =
            others.partition(|room| lacks_people(room, &known));
        let recorded = others.into_iter().filter(|room| is_recorded(room, &known));
        let rooms_to_read: Vec<_> = unclear
            .into_iter()
            .chain(recorded)
            .chain(opened.iter().copied())
            .collect();
        self.put(self.participants(&rooms_to_read, &known, now).await)
            .await?;
        listed.map(|_| false)
    }
}
