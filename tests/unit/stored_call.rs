//! Calls as the version before wrote them into the database: they are read, and what is written of them is what that
//! version wrote.

use livekit_airtable::domain::{Call, ObjectState, object::LostReason};
use serde_json::Value;

fn stored(name: &str) -> (String, Call) {
    let path = format!("tests/fixtures/stored-calls/{name}.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let call = serde_json::from_str(&text).unwrap();
    (text, call)
}

#[test]
fn a_call_of_the_version_before_is_written_as_it_was() {
    for name in ["everything", "lost"] {
        let (text, call) = stored(name);
        let before: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&call).unwrap(), before, "{name}");
    }
}

#[test]
fn an_object_that_was_lost_without_a_reason_has_none() {
    let (_, call) = stored("lost");
    let (_, object) = call.objects.first_key_value().unwrap();
    let ObjectState::Lost { reason, .. } = object.state else {
        panic!("{object:?}");
    };
    assert_eq!(reason, LostReason::Unstated);
}
