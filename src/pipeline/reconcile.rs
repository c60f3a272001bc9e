//! Finds what no webhook reported: asks LiveKit which rooms are open and for the state of its egresses, and puts
//! changes into the inbox.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Notify;

use super::{Job, Wake, job::LONG_STEP_TIMEOUT, message};
use crate::{
    domain::{Call, EventPayload, Recording, Room, event::Observation, participant},
    livekit::{
        body,
        client::{self, Client, Egresses},
    },
    store::{CallRow, InboxMessage, MessageOutcome, Store},
};

/// A room with events this recently is not considered closed.
const FRESH: SignedDuration = SignedDuration::from_secs(5);
/// After this time without events, another project's room is considered closed: our project's list does not contain it.
const FOREIGN: SignedDuration = SignedDuration::from_hours(24);
/// Rooms that LiveKit is asked about in parallel.
const SIDE_BY_SIDE: usize = 8;

/// Unfinished calls by ID.
type UnfinishedCalls<'a> = BTreeMap<&'a str, &'a Call>;

/// Asks LiveKit for what no webhook reported.
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
        let known = calls.iter().map(|row| (row.call.id.as_str(), &row.call));
        let known: UnfinishedCalls = known.collect();
        let opened = self.opened(&rooms, &known).await?;
        let seen = opened.iter().map(|room| message::room(&seen(room), now));
        self.put(seen.collect()).await?;
        self.put(self.closed(&rooms, &calls, now)).await?;
        let listed = self.client.list(None, Egresses::All).await;
        let listed = listed.context("cannot list LiveKit's recordings");
        if let Ok(infos) = &listed {
            self.put(self.egresses(infos, now).await?).await?;
        }
        self.put(self.lost(&calls, now)).await?;
        let unclear =
            |room: &&client::ListedRoom| lacks_people(room, &known) && !opened.contains(room);
        let unclear = rooms.iter().filter(unclear);
        let asked = unclear.chain(opened.iter().copied()).collect();
        self.put(self.people(asked, &known, now).await).await?;
        listed.map(|_| false)
    }
}

impl Reconcile {
    async fn put(&self, news: Vec<InboxMessage>) -> anyhow::Result<()> {
        for message in news {
            self.store.put(message).await?;
            self.wake.intake.notify_one();
        }
        Ok(())
    }

    /// Answers requests for unknown rooms. Waiting callers get an answer at once if the room does not exist or LiveKit
    /// rejects our key; while LiveKit is only unreachable, they keep waiting.
    async fn answer_requests(
        &self,
        rooms: &Result<Vec<client::ListedRoom>, client::Error>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let refused = |name: &str| match rooms {
            Ok(rooms) if rooms.iter().any(|room| room.name == name) => None,
            Ok(_) => Some((MessageOutcome::NoRoom, "no such room".to_owned())),
            Err(error) if error.kind() == client::ErrorKind::Unauthorized => Some((
                MessageOutcome::NotPermitted,
                format!("The recording could not be started: {error}."),
            )),
            Err(_) => None,
        };
        for name in self.store.awaited_rooms().await? {
            if let Some((outcome, error)) = refused(&name) {
                let refusing = self.store.refuse_requests(&name, outcome, &error, now);
                refusing.await?;
                self.wake.folded.notify_waiters();
            }
        }
        Ok(())
    }

    /// Open rooms that no call represents, or that our key's list had not yet contained.
    async fn opened<'a>(
        &self,
        rooms: &'a [client::ListedRoom],
        known: &UnfinishedCalls<'_>,
    ) -> anyhow::Result<Vec<&'a client::ListedRoom>> {
        let mut opened = Vec::new();
        for room in rooms.iter().filter(|room| !room.sid.is_empty()) {
            let call = known.get(room.sid.as_str());
            let heard = call.filter(|call| call.alive_at.is_some());
            let ours = heard.is_some_and(|call| !call.may_be_foreign(self.client.api_key()));
            if ours || self.is_closed(&room.sid).await? {
                continue;
            }
            if heard.is_none() {
                tracing::info!(call = %room.sid, "found an open room that no webhook reported");
            }
            opened.push(room);
        }
        Ok(opened)
    }

    /// `room_finished` has been received: the list is older than that.
    async fn is_closed(&self, id: &str) -> anyhow::Result<bool> {
        let known = self.store.call(id).await?;
        Ok(known.is_some_and(|row| row.call.finished_at.is_some()))
    }

    /// Calls that are open here and that LiveKit does not know. A call that may belong to another project is not in our
    /// project's list, open or not: it is considered closed after a day without events.
    fn closed(
        &self,
        rooms: &[client::ListedRoom],
        calls: &[CallRow],
        now: Timestamp,
    ) -> Vec<InboxMessage> {
        let open: BTreeSet<&str> = rooms.iter().map(|room| room.sid.as_str()).collect();
        let gone = |row: &&CallRow| {
            let foreign = row.call.may_be_foreign(self.client.api_key());
            let patience = if foreign { FOREIGN } else { FRESH };
            // A time in the future means that the clock was set back.
            let quiet = row.changed_at < now - patience || row.changed_at > now + FRESH;
            row.call.is_open() && quiet && !open.contains(row.call.id.as_str())
        };
        let calls = calls.iter().filter(gone);
        calls
            .map(|row| {
                let alive = row.call.alive_at;
                let after = alive.map(|at| at + SignedDuration::from_millis(1));
                let gone_at = after.map_or(now, |after| now.max(after));
                message::observation(&row.call.id, &Observation::RoomGone, gone_at)
            })
            .collect()
    }

    /// Egresses whose state differs from the call's. LiveKit lists all egresses of a day.
    async fn egresses(
        &self,
        infos: &[String],
        now: Timestamp,
    ) -> anyhow::Result<Vec<InboxMessage>> {
        let mut told = Vec::new();
        for info in infos {
            let value: Value = serde_json::from_str(info)?;
            if let EventPayload::Egress { recording, .. } = body::egress(&value, Room::default()) {
                told.push((recording, info));
            }
        }
        let ids: Vec<&str> = told.iter().map(|(r, _)| r.egress_id.as_str()).collect();
        let known = self.store.recordings(&ids).await?;
        let known = |told: &Recording| known.get(told.egress_id.as_str());
        told.retain(|(told, _)| known(told).is_none_or(|known| is_news(known, told)));
        let infos = told.into_iter().map(|(_, info)| info);
        let messages = infos.map(|info| message::egress(info.clone(), now));
        Ok(messages.collect())
    }

    /// The participants of these rooms. A room that cannot be read is read again next time.
    async fn people(
        &self,
        asked: Vec<&client::ListedRoom>,
        known: &UnfinishedCalls<'_>,
        now: Timestamp,
    ) -> Vec<InboxMessage> {
        let (mut messages, mut failed) = (Vec::new(), Vec::new());
        for some in asked.chunks(SIDE_BY_SIDE) {
            let answers = some.iter().map(|room| self.client.participants(&room.name));
            for (room, answer) in some.iter().zip(join_all(answers).await) {
                match answer {
                    Ok(infos) => messages.extend(joined(room, known, &infos, now)),
                    Err(error) => failed.push((room, error)),
                }
            }
        }
        if let Some((room, error)) = failed.first() {
            tracing::warn!(call = %room.sid, rooms = failed.len(), %error, "LiveKit did not list the participants of a room; retrying");
        }
        messages
    }

    /// Egresses that have not ended so long after their room.
    fn lost(&self, calls: &[CallRow], now: Timestamp) -> Vec<InboxMessage> {
        let late = |call: &Call| {
            let ended = call.ended_at();
            ended.is_some_and(|ended| now >= ended + self.lost_after)
        };
        let mut messages = Vec::new();
        for call in calls.iter().map(|row| &row.call).filter(|call| late(call)) {
            for recording in call.recordings.values() {
                if !call.has_ended(recording) {
                    let egress_id = recording.egress_id.clone();
                    messages.push(message::observation(
                        &call.id,
                        &Observation::EgressLost { egress_id },
                        now,
                    ));
                }
            }
        }
        messages
    }
}

fn seen(room: &client::ListedRoom) -> Room {
    let created_at = Timestamp::from_millisecond(room.creation_time_ms).ok();
    Room {
        sid: room.sid.clone(),
        name: room.name.clone(),
        metadata: room.metadata.clone(),
        created_at: created_at.filter(|at| *at > Timestamp::UNIX_EPOCH),
        ..Room::default()
    }
}

/// An open call with fewer known participants than LiveKit counts, or without an agent, which LiveKit does not count.
fn lacks_people(room: &client::ListedRoom, known: &UnfinishedCalls<'_>) -> bool {
    let call = known.get(room.sid.as_str());
    call.filter(|call| call.is_open()).is_some_and(|call| {
        let here = || call.participants.values().filter(|p| p.left_at.is_none());
        let counts = |kind| !matches!(kind, participant::Kind::Agent | participant::Kind::Egress);
        let counted = here().filter(|p| counts(p.kind)).count();
        let has_agent = here().any(|p| p.kind == participant::Kind::Agent);
        !has_agent || counted < room.num_participants as usize
    })
}

/// Participants about whom the call knows less.
fn joined(
    room: &client::ListedRoom,
    known: &UnfinishedCalls<'_>,
    infos: &[String],
    now: Timestamp,
) -> Vec<InboxMessage> {
    let news = |info: &Value| {
        let told = body::participant(info);
        let call = known.get(room.sid.as_str());
        let known = call.and_then(|call| call.participants.get(&told.sid));
        known.is_none_or(|known| {
            let mut merged = known.clone();
            merged.merge(told);
            merged != *known
        })
    };
    let infos = infos
        .iter()
        .filter_map(|info| serde_json::from_str(info).ok());
    let infos = infos.filter(news);
    infos
        .map(|info| message::participant(&seen(room), &info, now))
        .collect()
}

/// Whether LiveKit knows more about an egress than the call.
pub(super) fn is_news(known: &Recording, told: &Recording) -> bool {
    let mut merged = known.clone();
    merged.merge(told.clone());
    (merged.status, merged.updated_at, &merged.key) != (known.status, known.updated_at, &known.key)
}
