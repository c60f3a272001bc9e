//! Open calls whose room LiveKit does not list. One list proves nothing: it may be old, cut off or empty.

use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::{
    confirm::closed,
    running::{HOPELESS, Running},
    target::Reconcile,
};
use crate::{
    livekit::client::OpenRoom,
    pipeline::presence::{Presence, after_alive, listed, missing},
    store::{CallRow, InboxMessage},
};

/// How far apart the two lists are at least that lack a room.
pub(super) const CONFIRM: SignedDuration = SignedDuration::from_secs(10);
/// A call that changed so shortly before is not missed: the list may be older.
const FRESH: SignedDuration = SignedDuration::from_secs(5);
/// How long a room of another project may be silent before its call counts as closed: LiveKit does not list it for us.
const FOREIGN: SignedDuration = SignedDuration::from_hours(24);

/// What it means that LiveKit's list lacks the room of an open call.
enum Absence {
    /// Nothing yet.
    Recent,
    /// No list lacked it before.
    New,
    /// A list lacked it long enough before.
    Lasting { since: Timestamp },
    /// It may be another project's, and has been silent for long.
    Foreign,
}

impl Reconcile {
    /// Notes the rooms that this list is the first to lack, and closes those that are gone: an earlier list lacked them
    /// as well, no egress records them, and nobody is in them.
    pub(super) async fn gone(
        &self,
        rooms: &[OpenRoom],
        calls: &[CallRow],
        running: &Running,
        now: Timestamp,
    ) -> Vec<InboxMessage> {
        let (mut messages, mut lasting) = (Vec::new(), Vec::new());
        let is_listed = |row: &CallRow| listed(rooms, &row.call) == Some(Presence::Open);
        for row in calls {
            let call = &row.call;
            if !call.is_open() || is_listed(row) {
                continue;
            }
            match self.absence(row, now) {
                Absence::Recent => {}
                Absence::New => messages.push(missing(call, now)),
                Absence::Foreign => messages.push(closed(call, after_alive(call, now))),
                Absence::Lasting { since } => {
                    let hopeless = now.duration_since(since).abs() >= HOPELESS;
                    if hopeless || running.has_none(call) {
                        lasting.push((call, since));
                    }
                }
            }
        }
        messages.extend(self.confirm(rooms, &lasting, now).await);
        let waits = calls.iter().any(|row| row.call.missing_since().is_some());
        self.must_confirm
            .store(waits || !messages.is_empty(), Ordering::Relaxed);
        messages
    }

    fn absence(&self, row: &CallRow, now: Timestamp) -> Absence {
        // A time in the future: the clock was set back.
        let quiet = |limit| row.changed_at < now - limit || row.changed_at > now + FRESH;
        let foreign = row.call.may_be_foreign(self.client.api_key());
        match row.call.missing_since() {
            _ if foreign && quiet(FOREIGN) => Absence::Foreign,
            _ if foreign => Absence::Recent,
            None if quiet(FRESH) => Absence::New,
            Some(since) if now.duration_since(since).abs() >= CONFIRM => Absence::Lasting { since },
            _ => Absence::Recent,
        }
    }
}
