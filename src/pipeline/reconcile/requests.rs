//! Requests that wait for a room.

use jiff::Timestamp;

use super::target::Reconcile;
use crate::{
    livekit::client::{Error, ErrorKind, OpenRoom},
    store::MessageOutcome,
};

impl Reconcile {
    /// Refuses requests at once when there is no room of that name, or when LiveKit refuses our key; while LiveKit is
    /// only away, they wait on.
    pub(super) async fn answer_requests(
        &self,
        rooms: &Result<Vec<OpenRoom>, Error>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let refused = |name: &str| match rooms {
            Ok(rooms) if rooms.iter().any(|room| room.name == name) => None,
            Ok(_) => Some((MessageOutcome::NoRoom, "no such room".to_owned())),
            Err(error) if error.kind() == ErrorKind::Unauthorized => Some((
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
}
