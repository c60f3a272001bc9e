//! LiveKit's list lacks an open room, and LiveKit does not say whether it has closed.

use serde_json::Value;

use super::front::{twirp, world};
use crate::harness::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_list_by_name_is_logged_once() {
    let settings = [
        ("RECORD_ON", "manual"),
        ("RECONCILE_INTERVAL", "1s"),
        ("LOG_FORMAT", "json"),
    ];
    let (mut world, front) = world(&settings).await;
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    world.stop().await;
    front.cut_off_lists();
    front.answer("ListRooms", twirp(503, "unavailable", "nobody home"));
    let _serve = world.serve().await;
    let said = || -> Vec<Value> {
        let text = std::fs::read_to_string(world.folder.path().join("stderr")).unwrap();
        let lines = text.lines();
        let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let of_the_list = |line: &Value| {
            let error = line["error"].as_str().unwrap_or_default();
            line["call"] == call.as_str() && error.contains("nobody home")
        };
        lines.filter(of_the_list).collect()
    };
    eventually(|| Some(said()).filter(|said| !said.is_empty())).await;
    let asked = front.calls("ListRooms");
    eventually(|| (front.calls("ListRooms") > asked + 4).then_some(())).await;
    let said = said();
    assert_eq!(said.len(), 1, "{said:#?}");
    assert_eq!(said[0]["level"], "WARN");
    assert_eq!(said[0]["rooms"], 1);
    assert_eq!(world.row_is(&call, "Live").await["Status"], "Live");
}
