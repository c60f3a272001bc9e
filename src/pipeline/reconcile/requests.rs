//! Requests that wait for a room.

use jiff::Timestamp;

use super::{rooms::as_event, target::Reconcile};
use crate::{
    livekit::client::{Error, ErrorKind, OpenRoom},
    pipeline::{message, presence::occupants},
    store::MessageOutcome,
};

/// Why a request waits for a room that LiveKit does not list.
const UNLISTED: &str = "LiveKit does not list the room, although somebody is in it";

/// What LiveKit says of a room for which requests wait.
enum RoomAnswer {
    /// It is open.
    Found,
    /// Not known yet; the reason, for people.
    Waits(String),
    /// The requests have this outcome; the error is for people.
    Refused(MessageOutcome, String),
}

impl Reconcile {
    /// Refuses requests at once when there is no room with that name, or when LiveKit refuses to list its rooms for good.
    /// Others wait, with LiveKit's words.
    pub(super) async fn answer_requests(
        &self,
        rooms: &Result<Vec<OpenRoom>, Error>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        for name in self.store.awaited_rooms().await? {
            let answer = match rooms {
                Ok(rooms) if has_room(rooms, &name) => RoomAnswer::Found,
                Ok(_) => self.ask_for(&name, now).await?,
                Err(error) => refusal(error),
            };
            match answer {
                RoomAnswer::Found => continue,
                RoomAnswer::Waits(reason) => self.store.note_waiting(&name, &reason).await?,
                RoomAnswer::Refused(outcome, error) => {
                    let refusing = self.store.refuse_requests(&name, outcome, &error, now);
                    refusing.await?;
                }
            }
            self.wake.folded.notify_waiters();
        }
        Ok(())
    }

    /// A list without the room may be wrong: LiveKit is asked for the room by name, and for its participants.
    async fn ask_for(&self, name: &str, now: Timestamp) -> anyhow::Result<RoomAnswer> {
        let rooms = match self.client.rooms(&[name]).await {
            Ok(rooms) => rooms,
            Err(error) => return Ok(refusal(&error)),
        };
        if let Some(room) = rooms.iter().find(|room| room.name == name) {
            self.put(vec![message::room(&as_event(room), now)]).await?;
            return Ok(RoomAnswer::Found);
        }
        Ok(match occupants(&self.client, name).await {
            Ok(people) if people.is_empty() => {
                RoomAnswer::Refused(MessageOutcome::NoRoom, "no such room".to_owned())
            }
            Ok(_) => RoomAnswer::Waits(UNLISTED.to_owned()),
            Err(error) => RoomAnswer::Waits(format!(
                "LiveKit does not list the room, and cannot say who is in it: {error}"
            )),
        })
    }
}

fn has_room(rooms: &[OpenRoom], name: &str) -> bool {
    rooms.iter().any(|room| room.name == name)
}

/// What an error means for requests that wait for a room.
fn refusal(error: &Error) -> RoomAnswer {
    let outcome = match error.kind() {
        _ if error.is_denied() => MessageOutcome::NotPermitted,
        ErrorKind::Unauthorized => MessageOutcome::NotPermitted,
        ErrorKind::BadRequest => MessageOutcome::SetAside,
        ErrorKind::Transient | ErrorKind::UnknownOutcome | ErrorKind::NotFound => {
            return RoomAnswer::Waits(format!("cannot list LiveKit's rooms: {error}"));
        }
    };
    let error = format!("The recording could not be started: {error}.");
    RoomAnswer::Refused(outcome, error)
}
