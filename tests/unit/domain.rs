//! The fold: any order of a call's events, with repeats, gives the same call; and what people read at each end.

mod budget;
mod demand;
mod events;
mod handback;
mod recorders;
mod reports;

use std::sync::Arc;

use livekit_airtable::{
    airtable::{
        Schema,
        projection::{RowLinks, project},
    },
    domain::{
        Call, Event, EventPayload, Room, apply,
        event::Observation,
        object::{LostReason, ObjectState},
        start_refusal::StartRefusal,
        transcript,
    },
};
use proptest::prelude::*;
use serde_json::{Value, json, value::to_raw_value};

use events::{
    CALL, at, captured, event, events, object, observation, policy, report, reported_by_livekit,
    said,
};

fn fold(events: &[Event]) -> Call {
    let policy = policy();
    let mut call: Option<Call> = None;
    for event in events {
        call = Some(apply(call.as_ref(), CALL, event, &policy).call);
    }
    call.unwrap()
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
        (events, shuffled) in prop::collection::vec(prop_oneof![reported_by_livekit(), said()], 1..8)
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
    Value::Object(project(&fold(events), &Schema::built_in(), &RowLinks::default()).cells)
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
    let body = json!({ "room_id": CALL, "turns": [{ "speaker": "agent", "text": "Hello." }] });
    events.push(report(20, &body));
    // As it is loaded for the row.
    let (_, words) = transcript::read(&to_raw_value(&body).unwrap()).unwrap();
    let mut call = fold(&events);
    call.reports.add(&Arc::new(words), at(20));
    let row = project(&call, &Schema::built_in(), &RowLinks::default());
    insta::assert_json_snapshot!(Value::Object(row.cells));
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
    let error = "The recording was never uploaded to the bucket.".to_owned();
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
