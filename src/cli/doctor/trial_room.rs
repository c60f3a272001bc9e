//! A room of doctor's own at LiveKit. It is no call: the service knows it by its id.

use std::time::Duration;

use uuid::Uuid;

use super::{
    examined::Examined,
    finding::{Finding, Severity},
    row::Row,
    traces::Trace,
};
use crate::{
    domain::{DoctorKey, doctor_id},
    livekit::client::{Client, Error, ErrorKind},
};

/// An open room.
pub(super) struct TrialRoom {
    /// Its name.
    pub(super) id: String,
}

impl TrialRoom {
    /// Opens a room that closes after so long without anybody in it. The database knows it before LiveKit does.
    pub(super) async fn open(
        examined: &Examined,
        client: &Client,
        empty_for: Duration,
    ) -> Result<TrialRoom, Finding> {
        let id = doctor_id(Uuid::new_v4().as_u128());
        if let Some(store) = &examined.store {
            let added = store.add_doctor_room(&id, examined.now()).await;
            added.map_err(|error| {
                Finding::skipped(format!("the database cannot be written: {error}"))
            })?;
        }
        let metadata = doctor_key(examined).metadata(&id);
        examined.arrivals.expect(&id);
        examined.traces.add(Trace::Room(id.clone()));
        match client.create_room(&id, &metadata, empty_for).await {
            Ok(_) => Ok(TrialRoom { id }),
            Err(error) => Err(refused(
                format!("LiveKit did not open a room: {error}"),
                &error,
            )),
        }
    }

    /// Closes the room. One that cannot be closed stays noted, and is closed at the end.
    pub(super) async fn close(self, examined: &Examined, client: &Client) {
        if client.delete_room(&self.id).await.is_ok() {
            examined.traces.remove(&Trace::Room(self.id));
        }
    }
}

/// Signs what belongs to doctor's rooms.
pub(super) fn doctor_key(examined: &Examined) -> DoctorKey {
    let livekit = examined.settings.livekit.as_ref();
    let secret = livekit.map(|livekit| livekit.api_secret.clone());
    DoctorKey::new(secret.unwrap_or_default())
}

/// The failure of a request that needs nothing but the key: if LiveKit does not say that the key is wrong, the address is.
pub(super) fn refused(detail: String, error: &Error) -> Finding {
    let (remedy, row) = match error.is_denied() {
        true => (
            "LIVEKIT_API_KEY, LIVEKIT_API_SECRET: cloud.livekit.io → your project → Settings → API keys",
            Row::LiveKitKey,
        ),
        false => (
            "LIVEKIT_URL: look whether LiveKit itself answers there, and not a proxy or firewall in its place; LiveKit Cloud: status.livekit.io",
            Row::LiveKitAddress,
        ),
    };
    Finding::failure(severity(error), detail, remedy, row)
}

/// What kind of failure an error of LiveKit's API is.
pub(super) fn severity(error: &Error) -> Severity {
    match error.kind() {
        _ if error.is_denied() => Severity::NotPermitted,
        ErrorKind::Transient | ErrorKind::UnknownOutcome => Severity::Unavailable,
        _ => Severity::Failed,
    }
}
