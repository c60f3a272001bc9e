//! Requests that wait for a room.

use jiff::Timestamp;

use super::{rooms::as_event, target::Reconcile};
use crate::{
    livekit::client::{Error, ErrorKind, OpenRoom},
    pipeline::{message, presence::occupants},
    store::MessageOutcome,
};

impl Reconcile {
    /// Refuses requests at once when there is no room of that name, or when LiveKit refuses to say; while LiveKit is only
    /// away, they wait on.
    pub(super) async fn answer_requests(
        &self,
        rooms: &Result<Vec<OpenRoom>, Error>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        for name in self.store.awaited_rooms().await? {
            let refused = match rooms {
                Ok(rooms) if has_room(rooms, &name) => None,
                Ok(_) => self.ask_for(&name, now).await?,
                Err(error) => refusal(error),
            };
            if let Some((outcome, error)) = refused {
                let refusing = self.store.refuse_requests(&name, outcome, &error, now);
                refusing.await?;
                self.wake.folded.notify_waiters();
            }
        }
        Ok(())
    }

    /// One list lacks the room, which may be wrong: LiveKit is asked for it by name, and who is in it.
    async fn ask_for(
        &self,
        name: &str,
        now: Timestamp,
    ) -> anyhow::Result<Option<(MessageOutcome, String)>> {
        let Ok(rooms) = self.client.rooms(&[name]).await else {
            return Ok(None);
        };
        if let Some(room) = rooms.iter().find(|room| room.name == name) {
            self.put(vec![message::room(&as_event(room), now)]).await?;
            return Ok(None);
        }
        let occupants = occupants(&self.client, name).await;
        let is_empty = occupants.is_ok_and(|people| people.is_empty());
        Ok(is_empty.then(|| (MessageOutcome::NoRoom, "no such room".to_owned())))
    }
}

fn has_room(rooms: &[OpenRoom], name: &str) -> bool {
    rooms.iter().any(|room| room.name == name)
}

/// What an error means for those who wait; `None`: it may pass.
fn refusal(error: &Error) -> Option<(MessageOutcome, String)> {
    let outcome = match error.kind() {
        ErrorKind::Unauthorized => MessageOutcome::NotPermitted,
        ErrorKind::BadRequest => MessageOutcome::SetAside,
        ErrorKind::Transient | ErrorKind::UnknownOutcome | ErrorKind::NotFound => return None,
    };
    Some((
        outcome,
        format!("The recording could not be started: {error}."),
    ))
}
