//! What no webhook told: LiveKit is asked which rooms are open and how its egresses stand, and what is news goes
//! through the inbox.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Notify;

use super::{Job, Wake, letter};
use crate::{
    domain::{Call, Fact, Recording, Room, event::Finding},
    livekit::{
        body,
        egress::{self, Client},
    },
    store::{CallRow, Kind, Letter, Store},
};

/// A room that was heard of so shortly before is not taken for closed.
const FRESH: SignedDuration = SignedDuration::from_secs(5);

pub struct Reconcile {
    pub client: Client,
    pub store: Store,
    pub wake: Arc<Wake>,
    /// RECONCILE_INTERVAL
    pub interval: Duration,
    /// EGRESS_LOST_AFTER
    pub lost_after: Duration,
}

impl Job for Reconcile {
    fn name(&self) -> &'static str {
        "reconcile"
    }

    fn bell<'a>(&self, wake: &'a Wake) -> &'a Notify {
        &wake.reconcile
    }

    fn every(&self) -> Duration {
        self.interval
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let rooms = self.client.rooms(&[]).await;
        let rooms = rooms.context("LiveKit's rooms could not be listed")?;
        let calls = self.store.unfinished().await?;
        self.answer_requests(&rooms, now).await?;
        let mut news = self.opened(&rooms, &calls, now).await?;
        news.extend(closed(&rooms, &calls, now));
        let infos = self.client.list(None, false).await;
        let infos = infos.context("LiveKit's recordings could not be listed")?;
        news.extend(self.egresses(infos, now).await?);
        news.extend(self.lost(&calls, now));
        for letter in news {
            self.store.put(letter).await?;
            self.wake.intake.notify_one();
        }
        Ok(false)
    }
}

impl Reconcile {
    /// Requests that named a room we had not heard of.
    async fn answer_requests(&self, rooms: &[egress::Room], now: Timestamp) -> anyhow::Result<()> {
        for name in self.store.awaited_rooms().await? {
            if !rooms.iter().any(|room| room.name == name) {
                self.store
                    .refuse_requests(&name, "no such room", now)
                    .await?;
                self.wake.folded.notify_waiters();
            }
        }
        Ok(())
    }

    /// Rooms that are open and that no call tells of.
    async fn opened(
        &self,
        rooms: &[egress::Room],
        calls: &[CallRow],
        now: Timestamp,
    ) -> anyhow::Result<Vec<Letter>> {
        let mut letters = Vec::new();
        for room in rooms.iter().filter(|room| !room.sid.is_empty()) {
            let open = |row: &CallRow| row.call.id == room.sid && row.call.alive_at.is_some();
            if calls.iter().any(open) || self.is_closed(&room.sid).await? {
                continue;
            }
            tracing::info!(call = room.sid, "a room is open that no webhook told of");
            let seen = Room {
                sid: room.sid.clone(),
                name: room.name.clone(),
                metadata: room.metadata.clone(),
                created_at: Timestamp::from_millisecond(room.creation_time_ms)
                    .ok()
                    .filter(|at| *at > Timestamp::UNIX_EPOCH),
                ..Room::default()
            };
            letters.push(Letter::new(Kind::Room, serde_json::to_vec(&seen)?, now));
        }
        Ok(letters)
    }

    /// `room_finished` was heard: the list is older than that.
    async fn is_closed(&self, id: &str) -> anyhow::Result<bool> {
        let known = self.store.call(id).await?;
        Ok(known.is_some_and(|row| row.call.finished_at.is_some()))
    }

    /// Egresses whose state is not what the call says.
    async fn egresses(&self, infos: Vec<String>, now: Timestamp) -> anyhow::Result<Vec<Letter>> {
        let mut letters = Vec::new();
        for info in infos {
            let value: Value = serde_json::from_str(&info)?;
            let Fact::Egress { recording, .. } = body::egress(&value, Room::default()) else {
                continue;
            };
            let known = self.store.call_of_egress(&recording.egress_id).await?;
            let known =
                known.and_then(|row| row.call.recordings.get(&recording.egress_id).cloned());
            if known.is_none_or(|known| is_news(&known, &recording)) {
                letters.push(letter::egress(info, now));
            }
        }
        Ok(letters)
    }

    /// Egresses that have not ended so long after their room.
    fn lost(&self, calls: &[CallRow], now: Timestamp) -> Vec<Letter> {
        let late = |call: &Call| {
            let ended = call.ended_at();
            ended.is_some_and(|ended| now >= ended + self.lost_after)
        };
        let mut letters = Vec::new();
        for call in calls.iter().map(|row| &row.call).filter(|call| late(call)) {
            for recording in call.recordings.values() {
                if !call.has_ended(recording) {
                    let egress_id = recording.egress_id.clone();
                    letters.push(letter::finding(
                        &call.id,
                        &Finding::EgressLost { egress_id },
                        now,
                    ));
                }
            }
        }
        letters
    }
}

/// Calls that we hold for open and LiveKit does not know.
fn closed(rooms: &[egress::Room], calls: &[CallRow], now: Timestamp) -> Vec<Letter> {
    let open: BTreeSet<&str> = rooms.iter().map(|room| room.sid.as_str()).collect();
    let gone = |row: &&CallRow| {
        let quiet = row.changed_at < now - FRESH;
        row.call.is_open() && quiet && !open.contains(row.call.id.as_str())
    };
    let calls = calls.iter().filter(gone);
    calls
        .map(|row| letter::finding(&row.call.id, &Finding::RoomGone, now))
        .collect()
}

fn is_news(known: &Recording, told: &Recording) -> bool {
    let mut merged = known.clone();
    merged.merge(told.clone());
    (merged.status, merged.updated_at, &merged.key) != (known.status, known.updated_at, &known.key)
}
