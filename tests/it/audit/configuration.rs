//! Each start leaves a line with the fingerprint of the settings, from which no secret can be derived.

use crate::{harness::World, process::Serve};

/// Starts the service once more; the fingerprint in its line.
async fn started(world: &World) -> String {
    let before = world.lines_of_starts().await.len();
    std::fs::remove_file(world.folder.path().join("address")).ok();
    let serve = Serve::start(world.folder.path(), world.settings()).await;
    let lines = world.lines_of_starts().await;
    assert_eq!(lines.len(), before + 1);
    drop(serve);
    lines.last().unwrap().clone()
}

impl World {
    async fn lines_of_starts(&self) -> Vec<String> {
        let lines = self.audit(&[]).await;
        let starts = lines.iter().filter(|line| line["action"] == "start");
        let fingerprint = |line: &serde_json::Value| {
            assert!(line["who"].as_str().unwrap().starts_with("user:"), "{line}");
            line["configuration"].as_str().unwrap().to_owned()
        };
        starts.map(fingerprint).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_has_the_fingerprint_of_its_settings() {
    let mut world = World::new().await;
    world.stop().await;
    let first = started(&world).await;
    assert_eq!(started(&world).await, first, "the same settings");
    for (secret, value) in [
        ("API_TOKEN", "another-token-with-32-characters!"),
        ("AIRTABLE_TOKEN", "patOther"),
        ("S3_SECRET_KEY", "other"),
    ] {
        world.set(secret, value);
        assert_eq!(started(&world).await, first, "{secret} has no part in it");
    }
    world.set("RECORD_ROOMS", "call-*");
    let second = started(&world).await;
    assert_ne!(second, first);
    world.set("LINK_SECRET", "a-secret-with-32-characters-at-least");
    assert_ne!(started(&world).await, second, "now there is one");
}
