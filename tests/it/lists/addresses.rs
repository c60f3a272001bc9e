//! LIVEKIT_URL below a path.

use super::front::world_below;
use crate::play::text;

#[tokio::test(flavor = "multi_thread")]
async fn a_livekit_below_a_path_is_reached() {
    let (world, front) = world_below("/livekit", &[]).await;
    let (call, _) = world.talk("desk").await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "");
    assert!(front.url.ends_with("/livekit"));
    assert!(front.calls("StartRoomCompositeEgress") > 0);
}
