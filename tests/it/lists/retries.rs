//! Starts that LiveKit refused for good: `redrive` sends them again while the room is open.

use std::time::{Duration, Instant};

use super::front::{Front, twirp, world};
use crate::{
    harness::{PATIENCE, World, eventually},
    play::{answer, text},
    process::run,
    real::postgres::fresh_database,
};

const START: &str = "StartRoomCompositeEgress";
const WORDS: &str = "egress is disabled for this account";

#[tokio::test(flavor = "multi_thread")]
async fn redrive_sends_a_refused_start_again() {
    is_sent_again(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redrive_sends_a_refused_start_again_on_postgres() {
    is_sent_again(&[("DATABASE_URL", &fresh_database().await)]).await;
}

async fn is_sent_again(settings: &[(&str, &str)]) {
    let (world, front) = world(settings).await;
    for (room, by_id) in [("desk", false), ("hall", true)] {
        front.answer(START, twirp(403, "permission_denied", WORDS));
        let call = world.livekit.open_room(room);
        refused(&world, &front, &call, 1).await;
        // LiveKit still refuses: the refusal is final again.
        let sent = front.calls(START);
        redrive(&world, by_id.then_some(&call)).await;
        refused(&world, &front, &call, sent + 1).await;
        front.tell_the_truth();
        redrive(&world, by_id.then_some(&call)).await;
        let row = world.row_where(&call, |row| row.contains_key("Egress ID"));
        assert_eq!(text(&row.await, "Error"), "");
        world.livekit.close_room(room);
    }
    assert_eq!(world.livekit.starts().len(), 2);
}

/// Waits until the call's start was refused; `sent` starts were asked for by then.
async fn refused(world: &World, front: &Front, call: &str, sent: usize) {
    let row = world.row_where(call, |row| text(row, "Error").contains(WORDS));
    assert_eq!(row.await["Status"], "Live");
    let reached = eventually(|| (front.calls(START) >= sent).then_some(()));
    assert!(reached.await.is_some(), "no start was sent again");
    is_dead(world, call).await;
}

/// Waits until the call's start counts as failed for good.
async fn is_dead(world: &World, call: &str) {
    let asked = Instant::now();
    loop {
        let detail = answer(world.get(&format!("/v1/calls/{call}")).await, 200).await;
        let all = detail["deliveries"].as_array().unwrap();
        if all
            .iter()
            .any(|it| it["sink"] == "egress" && it["state"] == "dead")
        {
            return;
        }
        assert!(asked.elapsed() < PATIENCE, "{detail:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn redrive(world: &World, call: Option<&String>) {
    let args = match call {
        Some(call) => vec!["redrive", call],
        None => vec!["redrive", "--dead"],
    };
    let done = run(world.folder.path(), &args, world.settings()).await;
    assert_eq!(done.code, Some(0), "{done:?}");
}
