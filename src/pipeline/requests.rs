//! Requests to start or stop a recording: stored in the inbox like any other message; and their outcomes.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    JobState, JobStatus,
    reconcile::RECONCILE,
    sinks::egress::{EgressState, LastRefusal},
};
use crate::{
    domain::{
        Call, Claim, EgressId, Recording, Room, RoomName, Sink,
        event::Request,
        path,
        start_refusal::{NotStarted, StartRefusal},
    },
    store::{CallRow, Delivery, Error, InboxMessage, MessageKind, MessageOutcome, Store},
};

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestOutcome {
    Recorded(Box<(Call, Recording)>),
    NoRoom,
    /// LiveKit refused permanently; the reason, for people.
    Refused(String),
    /// LiveKit refused temporarily: it is asked again. The reason, for people.
    Retrying(String),
    /// The call is simulated, and RECORD_SIMULATIONS is off.
    Simulated,
    /// LiveKit does not permit this to our key or account; its message, for people.
    NotPermitted(String),
}

/// A requested start.
pub struct Start {
    message: InboxMessage,
    room_name: RoomName,
    ended: BTreeSet<EgressId>,
}

/// A requested end of a recording.
pub struct Stop {
    message: InboxMessage,
    egress_id: EgressId,
}

/// The running recording of the live call in this room; `our_key` is LIVEKIT_API_KEY.
pub async fn running(
    store: &Store,
    our_key: &str,
    room_name: &str,
) -> Result<Option<(Call, Recording)>, Error> {
    let call = live(store, our_key, room_name).await?;
    Ok(call.filter(|call| !call.simulated).and_then(|call| {
        let recording = call.running()?.clone();
        Some((call, recording))
    }))
}

/// Why another project's recording is neither started nor stopped, for people.
pub const OTHER_PROJECT: &str = "The call belongs to another LiveKit project than LIVEKIT_API_KEY, and a key can only record in its own project.";

/// The newest open call of our project with this name; another project may have a room with the same name.
async fn live(store: &Store, our_key: &str, room_name: &str) -> Result<Option<Call>, Error> {
    let calls = store.calls_named(room_name, &Claim::Ours, 10).await?;
    let calls = calls.into_iter().map(|row| row.call).filter(Call::is_open);
    Ok(calls.min_by_key(|call| call.may_be_foreign(our_key)))
}

/// Requests a recording of the room; `path_id` fills `{room_id}` of the path.
pub async fn start(
    store: &Store,
    our_key: &str,
    room_name: &str,
    path_id: Option<String>,
    now: Timestamp,
) -> Result<Start, Error> {
    let live = live(store, our_key, room_name).await?;
    let known = live.iter().flat_map(|call| call.recordings.keys());
    let ended: BTreeSet<EgressId> = known.cloned().collect();
    let room = Room {
        sid: live.map(|call| call.id).unwrap_or_default(),
        name: room_name.into(),
        ..Room::default()
    };
    let request = Request::Start {
        path_id: path_id.as_deref().map(path::segment_of),
        ended: ended.clone(),
    };
    let message = put(store, &room, &request, now).await?;
    Ok(Start {
        message,
        room_name: room_name.into(),
        ended,
    })
}

impl Start {
    /// The outcome so far, according to the store.
    pub async fn outcome(&self, store: &Store) -> Result<Option<RequestOutcome>, Error> {
        let Some(processed) = store.processed(&self.message.id).await? else {
            return Ok(None);
        };
        if let Some(error) = processed.error {
            return Ok(Some(match processed.outcome {
                Some(MessageOutcome::NoRoom) => self.no_room(store).await?,
                Some(MessageOutcome::NotPermitted) => RequestOutcome::NotPermitted(error),
                _ => RequestOutcome::Refused(error),
            }));
        }
        let call_id = processed.call_id.unwrap_or_default();
        let Some(CallRow { call, .. }) = store.call(&call_id).await? else {
            return Ok(None);
        };
        if call.simulated {
            return Ok(Some(RequestOutcome::Simulated));
        }
        let mut fresh = call.recordings.values();
        if let Some(recording) = fresh
            .find(|it| !self.ended.contains(&it.egress_id) && call.serves(it))
            .cloned()
        {
            return Ok(Some(RequestOutcome::Recorded(Box::new((call, recording)))));
        }
        let refused = call.not_started;
        let refused = refused.filter(|refused| refused.at >= self.message.received_at);
        let delivery = delivery(store, &call_id).await?;
        Ok(match refused {
            Some(NotStarted {
                refusal: StartRefusal::NoRoom,
                ..
            }) => Some(RequestOutcome::NoRoom),
            Some(NotStarted {
                refusal: StartRefusal::Final,
                error,
                ..
            }) => Some(match delivery.as_ref().map(EgressState::last_refusal) {
                Some(LastRefusal::NotPermitted) => RequestOutcome::NotPermitted(error),
                _ => RequestOutcome::Refused(error),
            }),
            _ => delivery.as_ref().and_then(failing),
        })
    }

    /// LiveKit has no such room for our key; another project may have one.
    async fn no_room(&self, store: &Store) -> Result<RequestOutcome, Error> {
        let calls = store.calls_named(&self.room_name, &Claim::Any, 10).await?;
        let mut open = calls.iter().filter(|row| row.call.is_open());
        Ok(match open.any(|row| row.call.is_others()) {
            true => RequestOutcome::Refused(format!(
                "The recording could not be started: {OTHER_PROJECT}"
            )),
            false => RequestOutcome::NoRoom,
        })
    }

    /// Why there is no outcome yet, for people: LiveKit's last words, if it has answered.
    pub async fn unanswered(&self, store: &Store, jobs: &JobStatus) -> String {
        let reason = store.waiting_reason(&self.message.id).await;
        let reason = reason.ok().flatten().unwrap_or_else(|| unanswered(jobs));
        format!("{reason}; the recording starts when it does")
    }
}

impl Stop {
    /// The recording once it has stopped, or why LiveKit does not stop it.
    pub async fn outcome(&self, store: &Store) -> Result<Option<RequestOutcome>, Error> {
        let Some(processed) = store.processed(&self.message.id).await? else {
            return Ok(None);
        };
        if let Some(error) = processed.error {
            return Ok(Some(RequestOutcome::Refused(error)));
        }
        let Some(CallRow { call, .. }) = store.call_of_egress(&self.egress_id).await? else {
            return Ok(None);
        };
        match call.recordings.get(&self.egress_id).cloned() {
            Some(recording) if !call.is_running(&recording) => {
                Ok(Some(RequestOutcome::Recorded(Box::new((call, recording)))))
            }
            _ => Ok(delivery(store, &call.id).await?.as_ref().and_then(failing)),
        }
    }

    /// Why there is no outcome yet, for people.
    pub fn unanswered(&self, jobs: &JobStatus) -> String {
        format!("{}; the recording stops when it does", unanswered(jobs))
    }
}

/// The delivery that starts and stops recordings of this call.
async fn delivery(store: &Store, call_id: &str) -> Result<Option<Delivery>, Error> {
    let deliveries = store.deliveries_of(call_id).await?.into_iter();
    let mut deliveries = deliveries.filter(|it| it.key.sink == Sink::Egress);
    Ok(deliveries.next())
}

/// Why the last attempt to start or stop a recording failed, if it did. A request makes the delivery forget older ones.
fn failing(delivery: &Delivery) -> Option<RequestOutcome> {
    let error = delivery.last_error.clone();
    let error = error.filter(|_| delivery.attempts > 0)?;
    Some(match EgressState::last_refusal(delivery) {
        LastRefusal::NotPermitted => RequestOutcome::NotPermitted(error),
        LastRefusal::Final => RequestOutcome::Refused(error),
        LastRefusal::Transient => RequestOutcome::Retrying(error),
    })
}

/// The state of a request about which nothing is stored yet.
fn unanswered(jobs: &JobStatus) -> String {
    match jobs.all().get(RECONCILE) {
        Some(JobState::Failing(error)) => error.clone(),
        _ => "LiveKit has not answered yet".to_owned(),
    }
}

/// Requests that the start which LiveKit refused for good is sent again. No effect on a call that has another state.
pub async fn retry(store: &Store, call: &Call, now: Timestamp) -> Result<(), Error> {
    let refused = call.not_started.as_ref();
    if !call.is_open() || !refused.is_some_and(|it| it.refusal.is_final()) {
        return Ok(());
    }
    let room = Room {
        sid: call.id.clone(),
        name: call.room_name.clone(),
        ..Room::default()
    };
    put(store, &room, &Request::Retry, now).await.map(|_| ())
}

/// Requests the end of a recording.
pub async fn stop(
    store: &Store,
    call: &Call,
    egress_id: &str,
    now: Timestamp,
) -> Result<Stop, Error> {
    let room = Room {
        sid: call.id.clone(),
        name: call.room_name.clone(),
        ..Room::default()
    };
    let egress_id = EgressId::from(egress_id);
    let request = Request::Stop {
        egress_id: egress_id.clone(),
    };
    let message = put(store, &room, &request, now).await?;
    Ok(Stop { message, egress_id })
}

async fn put(
    store: &Store,
    room: &Room,
    request: &Request,
    now: Timestamp,
) -> Result<InboxMessage, Error> {
    let mut body = serde_json::to_value(request)?;
    body["room"] = serde_json::to_value(room)?;
    let message = InboxMessage::new(MessageKind::Request, body.to_string(), now);
    store.put(message.clone()).await?;
    Ok(message)
}
