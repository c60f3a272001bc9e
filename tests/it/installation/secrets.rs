//! Secrets that can be guessed, and addresses in clear text, as `serve` treats them.

use crate::{
    harness::World,
    process::{self, Serve},
};

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_can_be_guessed_end_with_64_and_the_line_that_makes_one() {
    let mut world = World::new().await;
    world.stop().await;
    let public = ("LIVEKIT_URL", "wss://livekit.example.com");
    for (settings, words) in [
        (
            &[("API_TOKEN", "x")][..],
            ["API_TOKEN: has 1 char", "openssl rand"],
        ),
        (
            &[("LINK_SECRET", "x")],
            ["LINK_SECRET: has 1 char", "openssl rand"],
        ),
        (
            &[
                ("EGRESS_WEBHOOK_URL", "https://n8n.example.com/hook"),
                ("EGRESS_WEBHOOK_SECRET", "whsec_c2hvcnQ="),
            ],
            ["EGRESS_WEBHOOK_SECRET: has 5 bytes", "openssl rand"],
        ),
        (&[public], ["LIVEKIT_API_KEY: is the key", "generate-keys"]),
        (
            &[("AIRTABLE_API_URL", "http://airtable.example.com")],
            ["AIRTABLE_API_URL: uses http", "AIRTABLE_TOKEN"],
        ),
    ] {
        let mut all = world.settings().to_vec();
        all.extend(settings.iter().map(|(n, v)| (n.to_string(), v.to_string())));
        let done = process::run(world.folder.path(), &["serve"], &all).await;
        assert_eq!(done.code, Some(64), "{settings:?}: {}", done.stderr);
        for word in words {
            assert!(done.stderr.contains(word), "{word}: {}", done.stderr);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_to_other_machines_is_warned_of_at_start() {
    let mut world = World::new().await;
    world.stop().await;
    world.set("EGRESS_WEBHOOK_URL", "http://0.0.0.0:9/hook");
    world.set("ALERT_WEBHOOK_URL", "http://127.0.0.1:9/alerts");
    let mut serve = Serve::start(world.folder.path(), world.settings()).await;
    let said = serve.said();
    assert!(
        said.contains("EGRESS_WEBHOOK_URL is http to another machine"),
        "{said}"
    );
    assert_eq!(
        said.matches("is http to another machine").count(),
        1,
        "{said}"
    );
    assert_eq!(serve.stop().await, Some(0));
}
