//! Many rows with links of an earlier secret: they are rewritten in full requests, over restarts, beside live calls.

use std::time::Duration;

use futures_util::future::join_all;

use super::{FIRST, SECOND, engines, linked, path};
use crate::{harness::eventually, play::text, reader::Row};

const CALLS: usize = 23;

/// How many rows have a link of another secret than at first.
fn rewritten(world: &crate::harness::World, before: &[Row]) -> usize {
    let is_new = |row: &&Row| {
        let now = world.glance(text(row, "Call ID")).unwrap();
        let now = text(&now, "Recording URL");
        !now.is_empty() && now != text(row, "Recording URL")
    };
    before.iter().filter(is_new).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_rewritten_over_restarts_and_beside_live_calls() {
    for engine in engines().await {
        let mut world = linked(&engine, &[("LINK_SECRET", FIRST)]).await;
        let rooms = (0..CALLS).map(|n| format!("desk-{n}"));
        let rooms: Vec<String> = rooms.collect();
        let calls = join_all(rooms.iter().map(|room| world.talk(room))).await;
        rooms.iter().for_each(|room| world.livekit.close_room(room));
        let mut before = Vec::new();
        for (call, _) in &calls {
            before.push(world.row_is(call, "Complete").await);
        }
        for (call, _) in &calls {
            world.processed(call, "airtable").await;
        }
        world.stop().await;
        world.set("LINK_SECRET", SECOND);
        world.set("LINK_SECRETS_BEFORE", FIRST);
        let asked = world.airtable.requests();
        world.start().await;
        let some = eventually(|| (rewritten(&world, &before) > 0).then_some(())).await;
        assert!(some.is_some(), "no row is rewritten");
        world.stop().await;
        let first = rewritten(&world, &before);
        assert!(first < CALLS, "all at once");
        world.start().await;
        // A call that begins now does not wait for them.
        let call = world.livekit.open_room("live");
        world.row_is(&call, "Live").await;
        let all = eventually(|| (rewritten(&world, &before) == CALLS).then_some(())).await;
        assert!(all.is_some(), "{} of {CALLS}", rewritten(&world, &before));
        // Ten rows a request: three, and those of two starts and of the live call.
        let requests = world.airtable.requests() - asked;
        assert!(requests < CALLS as u64, "{requests} requests");
        for (call, _) in &calls {
            let row = world.row_is(call, "Complete").await;
            assert_eq!(world.click(&path(&row, "Recording URL")).await, 302);
            world.processed(call, "airtable").await;
        }
        // And then there is peace.
        let asked = world.airtable.requests();
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(world.airtable.requests() <= asked + 1, "it goes on");
    }
}
