//! What counts for a restart: whose egress ended, who is in the room, and who had spoken by then.

use livekit_airtable::{
    domain::{
        Call, Event, OurBucket, Policy, Room, Status, apply, event::Observation, policy::RecordOn,
    },
    livekit::body,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::events::{CALL, at, captured, event, observation};

fn fold(events: &[Event]) -> Call {
    let mut policy = Policy::new(RecordOn::RoomStarted, &[]).unwrap();
    policy.bucket = Some(OurBucket::new("calls", &[]));
    let mut call: Option<Call> = None;
    for event in events {
        call = Some(apply(call.as_ref(), CALL, event, &policy).call);
    }
    call.unwrap()
}

fn egress(id: &str, status: &str, started: i64, now: i64) -> Event {
    let nanos = |seconds: i64| ((1_795_531_497 + seconds) * 1_000_000_000).to_string();
    let ended = ["EGRESS_COMPLETE", "EGRESS_ABORTED"].contains(&status);
    let (error, code) = match status {
        "EGRESS_ABORTED" => ("Start signal not received", 412),
        _ => ("", 0),
    };
    let info = json!({
        "egressId": id, "roomId": CALL, "status": status, "updatedAt": nanos(now), "error": error, "errorCode": code,
        "startedAt": nanos(started), "endedAt": if ended { nanos(now) } else { "0".into() },
        "roomComposite": { "audioOnly": true, "fileOutputs": [{ "filepath": "a.mp3", "s3": { "bucket": "calls" } }] },
        "fileResults": [{ "filename": format!("{id}.mp3"), "size": 100, "location": if code == 0 { "https://x/y" } else { "" } }],
    });
    event(now, body::egress(&info, Room::default()))
}

fn started(id: &str, seconds: i64) -> Event {
    let egress_id = id.into();
    observation(seconds, Observation::Started { egress_id })
}

fn participant(name: &str, kind: &str, seconds: i64) -> Event {
    let body = json!({
        "event": name, "createdAt": (1_795_531_497 + seconds).to_string(), "room": { "sid": CALL, "name": "desk" },
        "participant": { "sid": format!("PA_{kind}"), "identity": kind.to_lowercase(), "kind": kind },
        "track": { "sid": "TR_1", "mimeType": "audio/red" },
    });
    event(
        seconds,
        body::webhook(&body.to_string(), at(seconds)).unwrap(),
    )
}

fn joined(seconds: i64) -> Event {
    participant("participant_joined", "SIP", seconds)
}

fn publishes(seconds: i64) -> Event {
    participant("track_published", "SIP", seconds)
}

fn room_finished(seconds: i64) -> Event {
    let body = json!({ "event": "room_finished", "createdAt": (1_795_531_497 + seconds).to_string(), "room": { "sid": CALL, "name": "desk" } });
    event(
        seconds,
        body::webhook(&body.to_string(), at(seconds)).unwrap(),
    )
}

#[test]
fn the_rest_of_a_call_is_wanted_while_a_person_is_there() {
    let mut events = vec![
        captured("001_room_started", 0),
        egress("EG_theirs", "EGRESS_ACTIVE", 1, 2),
        joined(1),
    ];
    assert!(fold(&events).pending_request().is_none());
    events.push(egress("EG_theirs", "EGRESS_COMPLETE", 1, 20));
    let call = fold(&events);
    assert!(call.pending_request().is_some());
    assert_eq!(call.handed_back_at(), Some(at(25)));
    events.push(participant("participant_left", "SIP", 22));
    assert!(fold(&events).pending_request().is_none(), "nobody is there");
    events.pop();
    events.push(room_finished(60));
    let call = fold(&events);
    assert!(call.pending_request().is_none());
    let error = call.error();
    assert!(
        error.contains("shorter than the call") && error.contains("0:00:40"),
        "{error}"
    );
}

#[test]
fn the_order_of_two_ends_does_not_matter() {
    for (ours, theirs) in [(12, 13), (13, 12), (13, 13)] {
        let call = fold(&[
            captured("001_room_started", 0),
            joined(1),
            publishes(2),
            egress("EG_ours", "EGRESS_ACTIVE", 2, 3),
            started("EG_ours", 2),
            egress("EG_theirs", "EGRESS_ABORTED", 3, theirs),
            egress("EG_ours", "EGRESS_COMPLETE", 2, ours),
            room_finished(12),
        ]);
        let (status, error) = (call.status(), call.error());
        assert_eq!((status, error), (Status::Processing, String::new()));
    }
}

#[test]
fn a_track_tells_of_a_person_whose_join_was_lost() {
    let events = [
        captured("001_room_started", 0),
        publishes(2),
        egress("EG_ours", "EGRESS_ABORTED", 2, 9),
        room_finished(9),
    ];
    let call = fold(&events);
    assert_eq!(call.status(), Status::Failed);
    assert!(call.error().contains("although people spoke"));
    let mut agent = events.to_vec();
    agent[1] = participant("track_published", "AGENT", 2);
    assert_eq!(fold(&agent).status(), Status::NoRecording);
}

/// So many egresses that were aborted before anybody spoke, 10 s each.
fn silence(aborts: i64) -> Vec<Event> {
    let mut events = vec![captured("001_room_started", 0), joined(1)];
    for n in 0..aborts {
        let id = format!("EG_{n}");
        events.push(started(&id, 10 * n + 2));
        events.push(egress(&id, "EGRESS_ABORTED", 10 * n + 2, 10 * n + 9));
    }
    events
}

#[test]
fn aborts_before_anybody_spoke_use_up_no_restarts() {
    let mut events = silence(4);
    assert!(fold(&events).pending_request().is_none());
    events.push(publishes(60));
    let call = fold(&events);
    assert!(call.pending_request().is_some());
    events.push(egress("EG_last", "EGRESS_COMPLETE", 62, 80));
    events.push(started("EG_last", 62));
    events.push(room_finished(80));
    let call = fold(&events);
    assert_eq!(
        (call.status(), call.error()),
        (Status::Processing, String::new())
    );
}

#[test]
fn aborts_before_anybody_spoke_are_a_failure_if_nothing_followed() {
    let mut events = silence(2);
    events.push(publishes(60));
    events.push(room_finished(80));
    assert_eq!(fold(&events).status(), Status::Failed);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_gives_the_same_call(order in Just((0..10).collect::<Vec<usize>>()).prop_shuffle()) {
        let mut all = silence(2);
        let egress_id = || "EG_last".into();
        all.push(publishes(60));
        all.push(publishes(50));
        all.push(observation(70, Observation::RecorderGone { egress_id: egress_id() }));
        all.push(observation(65, Observation::RecorderGone { egress_id: egress_id() }));
        let shuffled: Vec<Event> = order.iter().map(|n| all[*n].clone()).collect();
        prop_assert_eq!(fold(&shuffled), fold(&all));
        let stored: Value = serde_json::to_value(fold(&all)).unwrap();
        prop_assert_eq!(serde_json::from_value::<Call>(stored).unwrap(), fold(&all));
    }
}
