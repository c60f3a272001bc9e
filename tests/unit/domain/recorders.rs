//! Two recorders of one call: whatever the order of events, the same call, and the row that people expect.

use livekit_airtable::{
    domain::{
        Call, Event, Object, ObjectState, OurBucket, Policy, Room, Status, apply,
        event::Observation, policy::RecordOn,
    },
    livekit::body,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::events::{CALL, at, captured, event, observation};

fn policy() -> Policy {
    let mut policy = Policy::new(RecordOn::RoomStarted, &[]).unwrap();
    policy.bucket = Some(OurBucket::new("calls", &[]));
    policy
}

fn fold(events: &[Event]) -> Call {
    let policy = policy();
    let mut call: Option<Call> = None;
    for event in events {
        call = Some(apply(call.as_ref(), CALL, event, &policy).call);
    }
    call.unwrap()
}

/// An egress into the bucket as a webhook reports it.
fn egress(id: &str, status: &str, seconds: i64) -> Event {
    let file = json!({ "filepath": "a.mp3", "s3": { "bucket": "calls" } });
    let ended = matches!(
        status,
        "EGRESS_COMPLETE" | "EGRESS_FAILED" | "EGRESS_ABORTED"
    );
    let result = json!({
        "filename": format!("{id}.mp3"), "size": if ended { 100 } else { 0 }, "duration": (seconds * 1_000_000_000).to_string(),
        "location": if status == "EGRESS_COMPLETE" { "https://x/y" } else { "" },
    });
    let nanos = (1_795_531_497 + seconds) * 1_000_000_000;
    let info = json!({
        "egressId": id, "roomId": CALL, "status": status, "updatedAt": nanos.to_string(),
        "startedAt": "1795531498000000000", "endedAt": if ended { nanos.to_string() } else { "0".into() },
        "roomComposite": { "audioOnly": true, "fileOutputs": [file] }, "fileResults": [result],
    });
    event(seconds, body::egress(&info, Room::default()))
}

fn found(id: &str, call: &Call, seconds: i64) -> Event {
    let object = Object {
        at: at(seconds),
        egress_version: call.recordings[id].version(),
        state: ObjectState::Found { size: 100 },
    };
    let egress_id = id.into();
    observation(seconds, Observation::Object { egress_id, object })
}

fn superseded() -> Event {
    let (egress_id, by) = ("EG_ours".into(), "EG_theirs".into());
    observation(4, Observation::Superseded { egress_id, by })
}

fn started() -> Event {
    let egress_id = "EG_ours".into();
    observation(2, Observation::Started { egress_id })
}

/// Ours gives way to theirs, which ends as given.
fn takeover(end: &str) -> Vec<Event> {
    vec![
        captured("001_room_started", 0),
        egress("EG_ours", "EGRESS_STARTING", 1),
        started(),
        egress("EG_theirs", "EGRESS_ACTIVE", 3),
        superseded(),
        egress("EG_ours", "EGRESS_COMPLETE", 5),
        egress("EG_theirs", end, 9),
        captured("014_room_finished", 13),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_a_takeover_gives_the_same_call(
        end in prop::sample::select(vec!["EGRESS_COMPLETE", "EGRESS_FAILED", "EGRESS_ABORTED"]),
        order in Just((0..8).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let all = takeover(end);
        let shuffled: Vec<Event> = order.iter().map(|n| all[*n].clone()).collect();
        prop_assert_eq!(fold(&shuffled), fold(&all));
    }
}

fn primary(call: &Call) -> &str {
    call.primary_recording().unwrap().egress_id.as_str()
}

#[test]
fn ours_waits_aside_and_counts_again_when_theirs_is_lost() {
    let mut events = takeover("EGRESS_COMPLETE");
    let call = fold(&events);
    assert_eq!(
        (call.status(), primary(&call)),
        (Status::Processing, "EG_theirs")
    );
    let ours = &call.recordings["EG_ours"];
    assert!(call.is_set_aside(ours) && !call.must_look_for(ours));
    events.push(found("EG_theirs", &call, 20));
    let call = fold(&events);
    assert_eq!(
        (call.status(), call.error()),
        (Status::Complete, String::new())
    );

    let mut events = takeover("EGRESS_FAILED");
    let call = fold(&events);
    assert!(call.must_look_for(&call.recordings["EG_ours"]));
    events.push(found("EG_ours", &call, 20));
    let call = fold(&events);
    assert_eq!(
        (call.status(), primary(&call)),
        (Status::Complete, "EG_ours")
    );
    assert!(call.error().contains("EG_theirs"), "{}", call.error());
}

#[test]
fn an_egress_of_others_that_fails_beside_ours_is_not_missed() {
    let call = fold(&[
        captured("001_room_started", 0),
        egress("EG_ours", "EGRESS_ACTIVE", 1),
        started(),
        egress("EG_theirs", "EGRESS_FAILED", 3),
        egress("EG_ours", "EGRESS_COMPLETE", 12),
        captured("014_room_finished", 13),
    ]);
    assert_eq!(
        (call.status(), call.error()),
        (Status::Processing, String::new())
    );
    let call = fold(&[
        captured("001_room_started", 0),
        egress("EG_theirs", "EGRESS_FAILED", 3),
        captured("014_room_finished", 13),
    ]);
    assert_eq!(
        (call.status(), primary(&call)),
        (Status::Failed, "EG_theirs")
    );
}

#[test]
fn only_an_active_recording_of_others_in_our_bucket_ends_ours() {
    let before = |theirs: Event| {
        fold(&[
            captured("001_room_started", 0),
            egress("EG_ours", "EGRESS_ACTIVE", 1),
            started(),
            theirs,
        ])
    };
    let doubled = |call: &Call| call.doubled().map(|(ours, _)| ours.egress_id.to_string());
    let active = before(egress("EG_theirs", "EGRESS_ACTIVE", 3));
    assert_eq!(doubled(&active).as_deref(), Some("EG_ours"));
    assert_eq!(
        doubled(&before(egress("EG_theirs", "EGRESS_STARTING", 3))),
        None
    );
    assert_eq!(
        doubled(&before(egress("EG_theirs", "EGRESS_FAILED", 3))),
        None
    );
    let info = json!({ "egressId": "EG_theirs", "roomId": CALL, "status": "EGRESS_ACTIVE",
        "roomComposite": { "fileOutputs": [{ "s3": { "bucket": "other" } }] } });
    let elsewhere = before(event(3, body::egress(&info, Room::default())));
    assert_eq!(doubled(&elsewhere), None);
    assert!(elsewhere.pending_request().is_none(), "ours goes on");
    let alone = fold(&[
        captured("001_room_started", 0),
        event(3, body::egress(&info, Room::default())),
    ]);
    assert!(
        alone.pending_request().is_some(),
        "ours is started beside it"
    );
}

#[test]
fn a_call_with_these_fields_is_stored_and_read_again() {
    let call = fold(&takeover("EGRESS_COMPLETE"));
    let stored: Value = serde_json::to_value(&call).unwrap();
    assert_eq!(serde_json::from_value::<Call>(stored).unwrap(), call);
}
