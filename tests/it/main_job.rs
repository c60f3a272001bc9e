//! A call in LiveKit becomes a recording in the bucket and a row in Airtable.

use crate::harness::{World, agent, caller};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_becomes_a_row_with_a_recording_that_plays() {
    let world = World::new().await;
    let call = world.livekit.open_room("call-1");
    world.livekit.join("call-1", agent());
    world.livekit.join("call-1", caller("+15551234567"));
    world.starts("call-1", 1).await;
    world.livekit.speak("call-1");
    let live = world
        .row_where(&call, |row| {
            row["Status"] == "Live" && row.contains_key("Caller")
        })
        .await;
    assert_eq!(live["Caller"], "+15551234567");
    world.livekit.close_room("call-1");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(
        (&row["Agent"], &row["Room"]),
        (&"Ava".into(), &"call-1".into())
    );
    assert!(!row.contains_key("Error"), "{row:#?}");
    let url = row["Recording URL"].as_str().unwrap();
    let audio = world.http.get(url).header("range", "bytes=0-99").send();
    let audio = audio.await.unwrap();
    assert_eq!(audio.status(), 206);
    assert_eq!(audio.bytes().await.unwrap().len(), 100);
    assert_eq!(world.livekit.starts().len(), 1, "recorded once");
}
