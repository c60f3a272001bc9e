//! The fold: any order of a call's events, with repeats, gives the same call; and what people read at each end.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use livekit_airtable::{
    airtable::{
        Schema,
        projection::{Links, project},
    },
    domain::{
        Call, Event, EventPayload, EventSource, Object, Policy, Room, apply,
        event::{Observation, Request},
        object::{LostReason, ObjectState},
        policy::RecordOn,
        start_refusal::StartRefusal,
        transcript,
    },
    livekit::body,
};
use proptest::prelude::*;
use serde_json::{Value, json, value::to_raw_value};

const CALL: &str = "RM_6KXUbx5CgQHS";
const EGRESS: &str = "EG_6Pth2pmv6rMS";

fn policy() -> Policy {
    Policy::new(RecordOn::ParticipantJoined, &["*".to_owned()]).unwrap()
}

/// A time some seconds into the captured call.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_531_497 + seconds).unwrap()
}

fn event(seconds: i64, payload: EventPayload) -> Event {
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

fn captured(name: &str, seconds: i64) -> Event {
    let path = format!("tests/fixtures/livekit-captured/{name}.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    event(seconds, body::webhook(&text, at(seconds)).unwrap())
}

fn observation(seconds: i64, observation: Observation) -> Event {
    let call_id = CALL.to_owned();
    event(
        seconds,
        EventPayload::Observation {
            call_id,
            observation,
        },
    )
}

fn object(seconds: i64, state: ObjectState) -> Event {
    let object = Object {
        at: at(seconds),
        egress_version: Default::default(),
        state,
    };
    let egress_id = EGRESS.to_owned();
    observation(seconds, Observation::Object { egress_id, object })
}

fn report(seconds: i64, body: &Value) -> Event {
    let (room, report) = transcript::read(&to_raw_value(body).unwrap()).unwrap();
    let report = Arc::new(report);
    event(seconds, EventPayload::Report { room, report })
}

fn request(seconds: i64, request: Request) -> Event {
    let room = Room {
        sid: CALL.into(),
        name: "call-real-1".into(),
        ..Room::default()
    };
    event(seconds, EventPayload::Request { room, request })
}

/// What LiveKit may say of one person while their name and attributes come and go.
fn seen(seconds: i64, version: u64, name: &str, attributes: &Value) -> Event {
    let body = json!({
        "event": "participant_joined", "room": { "sid": CALL, "name": "call-real-1" },
        "participant": { "sid": "PA_1", "identity": "i", "version": version, "name": name, "attributes": attributes },
    });
    event(
        seconds,
        body::webhook(&body.to_string(), at(seconds)).unwrap(),
    )
}

/// Everything that may happen to one call: what LiveKit sent, what people and agents asked and said, what was found.
fn events() -> Vec<Event> {
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
    let egress_id = EGRESS.to_owned();
    let not_started = |error: &str, refusal| Observation::NotStarted {
        error: error.to_owned(),
        refusal,
    };
    let start = |path_id: Option<&str>, ended: &[&str]| Request::Start {
        path_id: path_id.map(str::to_owned),
        ended: ended
            .iter()
            .map(|id| (*id).to_owned())
            .collect::<BTreeSet<_>>(),
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
    ]);
    events
}

fn fold(events: &[Event]) -> Call {
    let policy = policy();
    let mut call: Option<Call> = None;
    for event in events {
        call = Some(apply(call.as_ref(), CALL, event, &policy).call);
    }
    call.unwrap()
}

/// What LiveKit may say of one egress: any field may be missing, and two events may be of the same moment.
fn told() -> impl Strategy<Value = Event> {
    let status = prop::sample::select(vec![
        "EGRESS_ACTIVE",
        "EGRESS_ENDING",
        "EGRESS_FAILED",
        "EGRESS_COMPLETE",
    ]);
    let time = || prop::option::of(prop::sample::select(vec!["1", "2", "3"]));
    let file = (prop::option::of("[ab]"), time(), time(), any::<bool>());
    let told = (
        status,
        [time(), time(), time()],
        prop::option::of("[xy]"),
        prop::option::of(file),
    );
    told.prop_map(|(status, [updated, started, ended], error, file)| {
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

/// What agents, the bucket and our sinks may say at the same moment.
fn said() -> impl Strategy<Value = Event> {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_with_repeats_gives_the_same_call(
        order in Just((0..events().len()).collect::<Vec<_>>()).prop_shuffle(),
        repeats in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let all = events();
        let mut shuffled: Vec<Event> = order.iter().map(|n| all[*n].clone()).collect();
        for repeat in repeats {
            let again = all[repeat.index(all.len())].clone();
            shuffled.insert(repeat.index(shuffled.len()), again);
        }
        prop_assert_eq!(fold(&shuffled), fold(&all));
    }

    #[test]
    fn so_does_any_order_of_any_part(
        chosen in prop::sample::subsequence((0..events().len()).collect::<Vec<_>>(), 1..12),
        seed in any::<prop::sample::Index>(),
    ) {
        let all = events();
        let mut part: Vec<Event> = chosen.iter().map(|n| all[*n].clone()).collect();
        let straight = fold(&part);
        let middle = seed.index(part.len());
        part.rotate_left(middle);
        prop_assert_eq!(&fold(&part), &straight);
        part.reverse();
        prop_assert_eq!(&fold(&part), &straight);
    }

    #[test]
    fn so_does_any_order_of_events_that_lack_fields(
        (events, shuffled) in prop::collection::vec(prop_oneof![told(), said()], 1..8)
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
    ) {
        let straight = fold(&events);
        prop_assert_eq!(&fold(&shuffled), &straight);
        let repeated: Vec<Event> = events.into_iter().chain(shuffled).collect();
        prop_assert_eq!(&fold(&repeated), &straight);
    }

    #[test]
    fn a_stored_call_is_the_same_call(cut in 1..events().len()) {
        let call = fold(&events()[..cut]);
        let text = serde_json::to_string(&call).unwrap();
        prop_assert_eq!(serde_json::from_str::<Call>(&text).unwrap(), call);
    }
}

/// The row that the events end in.
fn row(events: &[Event]) -> Value {
    Value::Object(project(&fold(events), &Schema::built_in(), &Links::default()).cells)
}

/// The captured call up to its egress' end, which is not there yet.
fn until_end() -> Vec<Event> {
    events().into_iter().take(15).collect()
}

/// LiveKit repeats a webhook that could not be delivered: the call may have been found to be over meanwhile.
#[test]
fn a_webhook_that_comes_late_opens_no_call_again() {
    let room = Room {
        sid: CALL.into(),
        name: "desk".into(),
        ..Room::default()
    };
    let seen = |sent: i64, came: i64| {
        let at = at(sent);
        let room = room.clone();
        event(came, EventPayload::RoomSeen { room, at })
    };
    let gone = observation(20, Observation::RoomGone);
    let call = fold(&[seen(0, 0), gone.clone(), seen(10, 40)]);
    assert!(!call.is_open(), "it was open before it was gone");
    let call = fold(&[seen(0, 0), gone, seen(30, 40)]);
    assert!(call.is_open(), "it was not gone");
}

#[test]
fn the_row_while_the_call_goes_on() {
    insta::assert_json_snapshot!(row(&events()[..9]));
}

#[test]
fn the_row_while_the_upload_runs() {
    insta::assert_json_snapshot!(row(&until_end()));
}

#[test]
fn the_row_of_a_complete_call() {
    let mut events: Vec<Event> = events().into_iter().take(16).collect();
    events.push(object(19, ObjectState::Found { size: 107_989 }));
    events.push(report(
        20,
        &json!({ "room_id": CALL, "turns": [{ "speaker": "agent", "text": "Hello." }] }),
    ));
    insta::assert_json_snapshot!(row(&events));
}

#[test]
fn the_row_while_the_object_has_another_size() {
    let mut events: Vec<Event> = events().into_iter().take(16).collect();
    events.push(object(19, ObjectState::OtherSize { size: 5 }));
    insta::assert_json_snapshot!(row(&events));
}

#[test]
fn the_row_of_a_recording_that_never_came() {
    let mut events: Vec<Event> = events().into_iter().take(16).collect();
    let error = "The recording never came into the bucket.".to_owned();
    let reason = LostReason::NeverCame;
    events.push(object(19, ObjectState::Lost { error, reason }));
    insta::assert_json_snapshot!(row(&events));
}

#[test]
fn the_row_of_a_start_that_was_refused() {
    let mut events: Vec<Event> = events().into_iter().take(5).collect();
    let error = "LiveKit refused".to_owned();
    let refusal = StartRefusal::Final;
    events.push(observation(9, Observation::NotStarted { error, refusal }));
    events.push(captured("014_room_finished", 14));
    insta::assert_json_snapshot!(row(&events));
}

#[test]
fn the_row_of_each_bad_end() {
    for name in ["aborted_no_audio", "failed_opus_in_mp3", "failed_upload"] {
        insta::assert_json_snapshot!(name, row(&[captured(name, 20)]));
    }
}
