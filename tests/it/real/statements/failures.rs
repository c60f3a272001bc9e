//! Which failed deliveries show that their sink does not work, on both engines.

use std::time::Duration;

use livekit_airtable::{
    domain::Sink,
    store::{AttemptDetails, DeliveryState, Finish, MessageKind, Store},
};
use serde_json::json;

use super::{folded, now, put};
use crate::real::postgres::fresh_database;

/// The delivery to this sink fails with this HTTP status.
async fn fails(store: &Store, sink: Sink, state: DeliveryState, status: u16) {
    let soon = now() + Duration::from_secs(60);
    let due = store.claim_due(sink, soon, 10).await.unwrap();
    assert_eq!(due.len(), 1, "{sink}");
    let finish = Finish {
        state,
        tried: true,
        details: AttemptDetails {
            http_status: Some(status),
            ..AttemptDetails::default()
        },
        due_at: (state == DeliveryState::Pending).then(now),
        error: Some(format!("answered {status}")),
        sink_state: json!({}),
        messages: Vec::new(),
    };
    store.finish(&[(&due[0], finish)], now()).await.unwrap();
}

/// The call changes, which makes its deliveries due.
async fn changes(store: &Store, revision: i64) {
    let body = format!("{{\"n\":{revision}}}");
    let message = put(store, MessageKind::Webhook, body.as_bytes()).await;
    folded(store, &message, revision).await;
}

#[tokio::test]
async fn the_expected_end_of_a_room_is_no_failure_of_livekit() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}", folder.path().join("calls.db").display());
    for database in [file, fresh_database().await] {
        let store = Store::open(&database, now()).await.unwrap();
        let (name, later) = (store.process(), now() + Duration::from_secs(60));
        store.take_free_leases(&[name], name, later).await.unwrap();
        let failing = async |sink| store.failing_sink(sink).await.unwrap();
        changes(&store, 0).await;
        // The room closed before its recording started, and then the call changes.
        fails(&store, Sink::Egress, DeliveryState::Dead, 404).await;
        assert_eq!(failing(Sink::Egress).await, None);
        changes(&store, 1).await;
        assert_eq!(failing(Sink::Egress).await, None, "it was given up");
        fails(&store, Sink::Egress, DeliveryState::Pending, 404).await;
        assert_eq!(failing(Sink::Egress).await, None, "a room that closes");
        // LiveKit lists the room, and denies it again and again.
        fails(&store, Sink::Egress, DeliveryState::Pending, 404).await;
        let error = Some("answered 404".to_owned());
        assert_eq!(failing(Sink::Egress).await, error);
        for (sink, status) in [(Sink::Storage, 503), (Sink::Mirror, 404)] {
            fails(&store, sink, DeliveryState::Pending, status).await;
            let error = Some(format!("answered {status}"));
            assert_eq!(failing(sink).await, error, "{sink}");
        }
    }
}
