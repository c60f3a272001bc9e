//! Open calls whose room LiveKit does not list. One list proves nothing: it may be outdated, truncated or empty.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use jiff::{SignedDuration, Timestamp};

use super::{
    confirm::closed,
    running::{HOPELESS, Running},
    target::Reconcile,
};
use crate::{
    livekit::client::OpenRoom,
    pipeline::presence::{after_alive, missing},
    store::{CallRow, InboxMessage},
};

/// The minimum time between two lists that lack a room.
pub(super) const CONFIRM: SignedDuration = SignedDuration::from_secs(10);
/// A call that changed this recently does not count as missing: the list may be older.
const FRESH: SignedDuration = SignedDuration::from_secs(5);
/// How long a room of another project may be silent before its call counts as closed: LiveKit does not list it for us.
const FOREIGN: SignedDuration = SignedDuration::from_hours(24);

/// What a list without the room of an open call means.
enum Absence {
    /// Nothing yet.
    Recent,
    /// It is the first list without the room.
    New,
    /// An earlier list lacked it, long enough ago.
    Lasting { since: Timestamp },
    /// It may belong to another project, and had no event for a long time.
    Foreign,
}

impl Reconcile {
    /// Notes rooms that are missing for the first time, and closes those that are gone: an earlier list lacked them as well,
    /// no egress records them, and nobody is in them.
    pub(super) async fn gone(
        &self,
        rooms: &[OpenRoom],
        calls: &[CallRow],
        running: &Running,
        now: Timestamp,
    ) -> Vec<InboxMessage> {
        let (mut messages, mut lasting) = (Vec::new(), Vec::new());
        let listed: BTreeSet<&str> = rooms.iter().map(|room| room.sid.as_str()).collect();
        for row in calls {
            let call = &row.call;
            if !call.is_open() || listed.contains(call.id.as_str()) {
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
