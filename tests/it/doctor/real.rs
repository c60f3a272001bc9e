//! Against the real livekit-server and SeaweedFS.

use super::{Checked, changed, doctor};
use crate::{
    harness::World,
    process::run,
    real::{self, exported, livekit},
};

#[tokio::test(flavor = "multi_thread")]
async fn real_webhooks_come_to_the_inbox_and_make_no_call() {
    let _alone = livekit::WEBHOOKS.lock().await;
    let server = exported("LIVEKIT_TEST_URL");
    let world = livekit::world(&server, &[("RECONCILE_INTERVAL", "1s")]).await;
    let checked = doctor(&world, &[], &[]).await;
    assert_eq!(
        checked.level("LiveKit", "webhook"),
        "ok",
        "{:?}",
        checked.with_level("failure")
    );
    // The server has no egress worker, and says so.
    let egress = checked.detail("LiveKit", "egress worker");
    assert!(egress.contains("no egress worker is free"), "{egress}");
    for check in [
        "region and endpoint",
        "objects",
        "signed reads",
        "anonymous reads",
        "delete",
        "list",
    ] {
        assert_eq!(checked.level("Bucket", check), "ok", "{check}");
    }
    assert_eq!(checked.code, Some(69));
    assert!(world.airtable.rows("Calls").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_start_real_webhooks_come_to_a_listener() {
    let _alone = livekit::WEBHOOKS.lock().await;
    let mut world = World::new().await;
    world.stop().await;
    let listen = format!("127.0.0.1:{}", exported("LIVEKIT_TEST_WEBHOOK_PORT"));
    let server = exported("LIVEKIT_TEST_URL");
    let mut settings = changed(
        world.settings(),
        &[
            ("LIVEKIT_URL", server.as_str()),
            ("LISTEN_ADDR", listen.as_str()),
            ("DATABASE_URL", "sqlite:none-yet.db"),
        ],
    );
    let bucket = real::bucket();
    settings = changed(&settings, &real::pairs(&bucket));
    let done = run(world.folder.path(), &["doctor", "--json"], &settings).await;
    let checked = Checked::of(&done);
    assert_eq!(checked.level("LiveKit", "key and secret"), "ok");
    let webhook = checked.detail("LiveKit", "webhook");
    assert!(
        webhook.contains("room_started and room_finished arrived at LISTEN_ADDR"),
        "{webhook}"
    );
    let wrong = changed(
        &settings,
        &[("LIVEKIT_API_SECRET", "a secret that is not the key's own")],
    );
    let done = run(world.folder.path(), &["doctor", "--json"], &wrong).await;
    let checked = Checked::of(&done);
    let key = checked.detail("LiveKit", "key and secret");
    assert_eq!(
        key,
        "LIVEKIT_API_SECRET is not the secret of this LIVEKIT_API_KEY"
    );
    let wrong = changed(&settings, &[("LIVEKIT_API_KEY", "APIunknown")]);
    let done = run(world.folder.path(), &["doctor", "--json"], &wrong).await;
    let key = Checked::of(&done);
    let key = key.detail("LiveKit", "key and secret");
    assert_eq!(key, "LiveKit does not know this LIVEKIT_API_KEY");
}
