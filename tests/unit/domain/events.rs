//! What may happen to one call: the captured events of a real one, and what agents, people and sinks add.

use jiff::Timestamp;
use livekit_airtable::{
    domain::{
        EgressId, Event, EventPayload, EventSource, Object, Policy, Room,
        agent_audio::{AudioRefusal, ReportedAudio, UploadId, UploadedAudio},
        event::{Observation, Request},
        object::ObjectState,
        policy::RecordOn,
        start_refusal::StartRefusal,
        transcript,
    },
    livekit::body,
};
use proptest::prelude::*;
use serde_json::{Value, json, value::to_raw_value};

pub(super) const CALL: &str = "RM_6KXUbx5CgQHS";
pub(super) const EGRESS: &str = "EG_6Pth2pmv6rMS";

pub(super) fn policy() -> Policy {
    Policy::new(RecordOn::ParticipantJoined, &["*".to_owned()]).unwrap()
}

/// A time some seconds into the captured call.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_531_497 + seconds).unwrap()
}

pub(super) fn event(seconds: i64, payload: EventPayload) -> Event {
    let source = match &payload {
        EventPayload::Observation { .. }
        | EventPayload::Report { .. }
        | EventPayload::Request { .. } => EventSource::Others,
        // Every third was found in a list.
        _ if seconds % 3 == 0 => EventSource::Api,
        _ => EventSource::Webhook {
            key: format!("key-{}", seconds % 2),
        },
    };
    Event {
        received_at: at(seconds),
        source,
        payload,
    }
}

pub(super) fn captured(name: &str, seconds: i64) -> Event {
    let path = format!("tests/fixtures/livekit-captured/{name}.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    event(seconds, body::webhook(&text, at(seconds)).unwrap())
}

pub(super) fn observation(seconds: i64, observation: Observation) -> Event {
    let call_id = CALL.into();
    event(
        seconds,
        EventPayload::Observation {
            call_id,
            observation,
        },
    )
}

pub(super) fn object(seconds: i64, state: ObjectState) -> Event {
    let object = Object {
        at: at(seconds),
        egress_version: Default::default(),
        state,
    };
    let egress_id = EGRESS.into();
    observation(seconds, Observation::Object { egress_id, object })
}

pub(super) fn report(seconds: i64, body: &Value) -> Event {
    let outline = transcript::outline(&to_raw_value(body).unwrap()).unwrap();
    let payload = EventPayload::Report {
        facts: outline.facts(at(seconds)),
        room: outline.room,
        authorized_room: None,
        audio: None,
    };
    event(seconds, payload)
}

/// A report of a job that came with audio.
fn upload(seconds: i64, job: &str, audio: ReportedAudio) -> Event {
    let mut event = report(
        seconds,
        &json!({ "room_id": CALL, "job_id": job, "items": [] }),
    );
    let id = UploadId {
        message_id: format!("message-{seconds}"),
        job: job.into(),
    };
    if let EventPayload::Report { audio: with, .. } = &mut event.payload {
        *with = Some((id, audio));
    }
    event
}

/// The bucket did not take the audio of an upload.
fn not_stored(seconds: i64, error: &str) -> Event {
    let not_stored = Observation::AudioNotStored {
        message_id: "message-17".into(),
        error: error.to_owned(),
    };
    observation(seconds, not_stored)
}

/// An upload whose words cannot be used.
fn refused_words(seconds: i64, why: &str) -> Event {
    let body = json!({ "room_id": CALL, "job_id": "AJ_3", "items": [] });
    let mut event = report(seconds, &body);
    if let EventPayload::Report { facts, .. } = &mut event.payload {
        facts.refused_words = Some(why.to_owned());
    }
    event
}

pub(super) fn request(seconds: i64, request: Request) -> Event {
    let room = Room {
        sid: CALL.into(),
        name: "call-real-1".into(),
        ..Room::default()
    };
    event(seconds, EventPayload::Request { room, request })
}

/// Everything that LiveKit may report about one person while their name and attributes come and go.
pub(super) fn seen(seconds: i64, version: u64, name: &str, attributes: &Value) -> Event {
    let body = json!({
        "event": "participant_joined", "room": { "sid": CALL, "name": "call-real-1" },
        "participant": { "sid": "PA_1", "identity": "i", "version": version, "name": name, "attributes": attributes },
    });
    event(
        seconds,
        body::webhook(&body.to_string(), at(seconds)).unwrap(),
    )
}

/// Everything that may happen to one call: LiveKit's events, requests and reports of agents and people, and
/// observations.
#[expect(clippy::too_many_lines, reason = "a table of cases")]
pub(super) fn events() -> Vec<Event> {
    let names = [
        "001_room_started",
        "002_participant_joined",
        "003_track_published",
        "004_participant_joined",
        "005_track_published",
        "006_egress_started",
        "007_participant_joined",
        "008_egress_updated_EGRESS_ACTIVE",
        "009_track_unpublished",
        "010_participant_left",
        "011_track_unpublished",
        "012_participant_left",
        "013_participant_left",
        "014_room_finished",
        "015_egress_updated_EGRESS_ENDING",
        "016_egress_ended_EGRESS_COMPLETE",
    ];
    let mut events: Vec<Event> = (0..)
        .zip(names)
        .map(|(n, name)| captured(name, n))
        .collect();
    for (seconds, metadata) in [(17, "first"), (18, "second")] {
        let room = json!({ "sid": CALL, "name": "" });
        let job = json!({ "id": "AJ_1", "metadata": metadata, "room": room });
        let body = json!({ "event": "agent_job_started", "createdAt": 1_795_531_497 + seconds, "job": job });
        let payload = body::webhook(&body.to_string(), at(seconds)).unwrap();
        events.push(event(seconds, payload));
    }
    let egress_id = EgressId::from(EGRESS);
    let not_started = |error: &str, refusal| Observation::NotStarted {
        error: error.to_owned(),
        refusal,
    };
    let received = |bytes| {
        ReportedAudio::Received(UploadedAudio {
            started_at: Some(at(2)),
            bytes,
        })
    };
    let start = |path_id: Option<&str>, ended: &[&str]| Request::Start {
        path_id: path_id.map(str::to_owned),
        ended: ended.iter().map(|id| EgressId::from(*id)).collect(),
    };
    events.extend([
        seen(5, 1, "", &json!({ "a": "1" })),
        seen(6, 2, "Ann", &json!({ "b": "2" })),
        seen(7, 3, "Anna", &Value::Null),
        seen(8, 4, "", &Value::Null),
        object(17, ObjectState::Missing),
        object(18, ObjectState::OtherSize { size: 5 }),
        object(19, ObjectState::Found { size: 107_989 }),
        observation(3, not_started("LiveKit was not reachable", StartRefusal::Transient)),
        observation(5, not_started("LiveKit refused", StartRefusal::Final)),
        observation(18, Observation::RoomMissing),
        observation(19, Observation::RoomMissing),
        observation(20, Observation::RoomGone),
        observation(21, Observation::RoomGone),
        observation(22, Observation::EgressLost { egress_id: egress_id.clone() }),
        request(4, start(Some("job-1"), &[])),
        request(9, start(None, &[EGRESS])),
        request(10, Request::Stop { egress_id }),
        report(11, &json!({ "room_id": CALL, "timestamp": 1_795_531_600, "transcript": "dated, newer" })),
        report(12, &json!({ "room_id": CALL, "timestamp": 1_795_531_500, "transcript": "dated, older" })),
        report(13, &json!({ "room_id": CALL, "transcript": "undated" })),
        report(14, &json!({ "room_id": CALL, "room": "the agent's own name", "transcript": "last", "summary": "short" })),
        report(15, &json!({ "room_id": CALL, "room": "another name", "transcript": "really last" })),
        upload(16, "AJ_1", received(100)),
        upload(17, "AJ_1", received(200)),
        upload(18, "AJ_2", ReportedAudio::Refused(AudioRefusal::NotOpus)),
        not_stored(22, "the storage is away"),
        not_stored(23, "the storage refused it"),
        observation(23, Observation::AudioGone { message_id: "message-17".into(), is_needless: false }),
        observation(24, Observation::AudioGone { message_id: "message-16".into(), is_needless: true }),
        refused_words(24, "no conversation"),
        refused_words(25, "too large"),
    ]);
    events
}

/// Everything that LiveKit may report about one egress: any field may be missing, and two events may have the same
/// time.
pub(super) fn reported_by_livekit() -> impl Strategy<Value = Event> {
    let status = prop::sample::select(vec![
        "EGRESS_ACTIVE",
        "EGRESS_ENDING",
        "EGRESS_FAILED",
        "EGRESS_COMPLETE",
    ]);
    let time = || prop::option::of(prop::sample::select(vec!["1", "2", "3"]));
    let file = (prop::option::of("[ab]"), time(), time(), any::<bool>());
    let reported_by_livekit = (
        status,
        [time(), time(), time()],
        prop::option::of("[xy]"),
        prop::option::of(file),
    );
    reported_by_livekit.prop_map(|(status, [updated, started, ended], error, file)| {
        let file = file.map(|(key, size, duration, located)| {
            let location = located.then_some("https://anywhere");
            json!({ "filename": key, "size": size, "duration": duration, "location": location })
        });
        let info = json!({
            "egressId": EGRESS, "roomId": CALL, "roomName": "call-real-1", "status": status, "updatedAt": updated,
            "startedAt": started, "endedAt": ended, "error": error, "fileResults": file.into_iter().collect::<Vec<_>>(),
        });
        event(1, body::egress(&info, Room::default()))
    })
}

/// Everything that agents, the bucket and our sinks may report at the same time.
pub(super) fn said() -> impl Strategy<Value = Event> {
    let text = prop::option::of("[xy]");
    let reported = ("[ab]", text, prop::option::of(1..3)).prop_map(|(text, summary, at)| {
        let body =
            json!({ "room_id": CALL, "transcript": text, "summary": summary, "timestamp": at });
        report(1, &body)
    });
    let refusal = prop::sample::select(vec![
        StartRefusal::Transient,
        StartRefusal::Final,
        StartRefusal::NoRoom,
    ]);
    let refused = ("[xy]", refusal)
        .prop_map(|(error, refusal)| observation(1, Observation::NotStarted { error, refusal }));
    let looked = (0..3_u64, any::<bool>()).prop_map(|(size, found)| {
        object(
            1,
            if found {
                ObjectState::Found { size }
            } else {
                ObjectState::OtherSize { size }
            },
        )
    });
    prop_oneof![reported, refused, looked]
}
