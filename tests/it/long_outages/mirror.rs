//! The mirror is away for a day, or answers all that a proxy can.

use std::collections::BTreeSet;

use super::HOUR;
use crate::{
    harness::{World, eventually, move_clock, moved},
    mirror::Receiver,
    tcp_gate::Gate,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_day_without_the_mirror_holds_no_row_back_and_is_sent_afterwards() {
    let flood: &'static str = Box::leak("x".repeat(10 << 20).into_boxed_str());
    let answers = [(302, ""), (400, "no"), (500, flood)];
    let (receiver, url) = Receiver::start(&answers).await;
    let mut gate = Gate::before(url.trim_end_matches("/hook")).await;
    let mut world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    world.set("EGRESS_WEBHOOK_URL", &format!("{}/hook", gate.url()));
    world.restart_on(moved::<14>).await;
    let mut calls = Vec::new();
    for third in 0..3 {
        match third {
            0 => gate.close().await,
            _ => gate.stick().await,
        }
        let call = world.whole_call::<14>(&format!("desk-{third}")).await;
        world.row_is(&call, "Complete").await;
        calls.push(call);
        move_clock::<14>(8 * HOUR);
    }
    assert_eq!(receiver.came().len(), 0);
    let mut wanted = BTreeSet::new();
    for call in &calls {
        let detail = world.detail(call).await.unwrap();
        let egress = &detail["recordings"][0]["egress_id"];
        wanted.insert(egress.as_str().unwrap().to_owned());
    }
    gate.open().await;
    let reported = || {
        move_clock::<14>(31);
        (receiver.came().len() >= 6).then_some(())
    };
    assert!(eventually(reported).await.is_some());
    for call in &calls {
        world.processed(call, "mirror").await;
    }
    assert_eq!(receiver.egresses(), wanted);
    // Three were refused, each of the three was taken once.
    assert_eq!(receiver.came().len(), 6);
    world.nothing_is_dead().await;
}
