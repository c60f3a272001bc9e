//! Kinds of participants that versions before this one do not know: what is stored of them is what those can read.

use livekit_airtable::{
    domain::participant::{Participant, ParticipantKind},
    livekit::body,
};
use serde_json::{Value, json};

fn stored(kind: Value) -> Value {
    let reported = json!({"sid": "PA_1", "identity": "4915112345678", "kind": kind});
    serde_json::to_value(body::participant(&reported)).unwrap()
}

#[test]
fn a_connector_is_stored_as_a_person_with_its_kind_beside() {
    for kind in [json!("CONNECTOR"), json!(7)] {
        let stored = stored(kind);
        assert_eq!(
            (&stored["kind"], &stored["newer_kind"]),
            (&json!("standard"), &json!("connector"))
        );
        let read: Participant = serde_json::from_value(stored).unwrap();
        assert_eq!(read.kind, ParticipantKind::Connector);
        assert!(read.is_person());
    }
    let sip = stored(json!("SIP"));
    assert_eq!((&sip["kind"], sip.get("newer_kind")), (&json!("sip"), None));
}

#[test]
fn a_kind_of_a_newer_version_is_a_person() {
    let mut stored = stored(json!("STANDARD"));
    stored["newer_kind"] = json!("hologram");
    let read: Participant = serde_json::from_value(stored).unwrap();
    assert_eq!(read.kind, ParticipantKind::Standard);
}
