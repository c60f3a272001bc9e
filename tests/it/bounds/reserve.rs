//! A disk that is almost full: the rest of it is for webhooks.

use std::path::PathBuf;

use serde_json::json;

use super::hook;
use crate::{harness::World, process::Serve};

const MIB: usize = 1 << 20;
/// A quarter of it is reserved.
const DISK: usize = 64 * MIB;

/// A service whose database is on a small disk.
pub(crate) async fn reserve_world() -> (World, Serve, PathBuf) {
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    world.stop().await;
    let disk = world.folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let database = format!("sqlite:{}", disk.join("calls.db").display());
    world.set("DATABASE_URL", &database);
    let folder = world.folder.path();
    let serve = Serve::start_with_disk(folder, world.settings(), (&disk, DISK as u64)).await;
    world.address = serve.address.parse().unwrap();
    let inside = format!("/proc/{}/root{}/others", serve.pid(), disk.display());
    (world, serve, inside.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_a_disk_is_for_webhooks() {
    let (world, mut serve, others) = reserve_world().await;
    let opened = |n: usize| {
        let room = json!({ "sid": format!("RM_{n}"), "name": format!("room-{n}") });
        json!({ "event": "room_started", "id": format!("EV_{n}"), "room": room })
    };
    hook(&world, &opened(0)).await;
    world.row_is("RM_0", "Live").await;
    let words = |count: usize| {
        let text = "word ".repeat(count / 5);
        json!({ "room": "room-0", "turns": [{ "role": "user", "content": text }] })
    };
    let report = async |bytes| world.post("/v1/transcripts", &words(bytes)).await;
    assert_eq!(report(1000).await.status(), 202);
    // Other programs have filled the disk, but not the reserve.
    std::fs::write(&others, vec![1; 40 * MIB]).unwrap();
    assert_eq!(report(2000).await.status(), 202);
    assert_eq!(
        report(8 * MIB).await.status(),
        507,
        "it would take the reserve"
    );
    std::fs::write(&others, vec![1; 52 * MIB]).unwrap();
    let refused = report(3000).await;
    assert_eq!(refused.status(), 507);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(
        refused.headers()["content-type"],
        "application/problem+json"
    );
    let start = world
        .post("/v1/recordings", &json!({ "room_name": "room-0" }))
        .await;
    assert_eq!(start.status(), 507);
    for n in 1..100 {
        hook(&world, &opened(n)).await;
    }
    world.row_is("RM_99", "Live").await;
    assert_eq!(world.get("/v1/calls").await.status(), 200);
    assert_eq!(world.get("/readyz").await.status(), 200);
    std::fs::remove_file(&others).unwrap();
    assert_eq!(report(4000).await.status(), 202);
    assert_eq!(serve.stop().await, Some(0));
}
