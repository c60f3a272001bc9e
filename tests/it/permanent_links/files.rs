//! Where the secret is: in a file beside the SQLite database, where it was in the database before; in the PostgreSQL
//! database.

use std::{
    fs::{metadata, read, read_to_string},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use livekit_airtable::{
    store::{Setting, Store},
    telemetry::now,
};

use super::{FIRST, linked, path, signature};
use crate::{
    harness::World,
    process::{Serve, run},
    real::postgres::fresh_database,
};

/// A world with a database that 9e4522d has left, and the secret in it.
pub(super) async fn of_9e4522d() -> (World, String) {
    let mut world = linked(&[], &[("RECORD_ON", "manual")]).await;
    world.stop().await;
    let file = world.folder.path().join("earlier/calls.db");
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    std::fs::copy("tests/fixtures/database/9e4522d.sqlite", &file).unwrap();
    world.set("DATABASE_URL", &format!("sqlite:{}", file.display()));
    let stored = stored(&world).await.unwrap();
    assert!(has(&file, &stored));
    (world, stored)
}

/// The secret in the database.
pub(super) async fn stored(world: &World) -> Option<String> {
    let store = Store::open(&world.database(), now()).await.unwrap();
    let secret = store.get(Setting::LinkSecret).await.unwrap();
    store.close().await;
    secret
}

/// Whether any file of the database has the secret.
pub(super) fn has(database: &Path, secret: &str) -> bool {
    ["", "-wal", "-shm", ".lock"].iter().any(|suffix| {
        let bytes = read(format!("{}{suffix}", database.display())).unwrap_or_default();
        bytes
            .windows(secret.len())
            .any(|it| it == secret.as_bytes())
    })
}

/// A permanent link that this secret has signed is known; its object is not in this world's bucket.
pub(super) async fn is_valid(world: &World, secret: &str) {
    let page: serde_json::Value = world.get("/v1/calls").await.json().await.unwrap();
    let calls = page["calls"].as_array().unwrap();
    let call = calls.iter().find(|call| call["room_name"] == "front-desk");
    let egress = call.unwrap()["recordings"][0]["egress_id"]
        .as_str()
        .unwrap();
    let signature = signature(secret, &format!("recording:{egress}"));
    assert_eq!(world.click(&format!("/r/{egress}/{signature}")).await, 410);
    let other = signature.replace(|c: char| c.is_ascii_digit(), "a");
    assert_eq!(world.click(&format!("/r/{egress}/{other}")).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_an_earlier_version_moves_into_a_file_and_links_stay_valid() {
    let (mut world, secret) = of_9e4522d().await;
    let folder = world.folder.path().join("earlier");
    let (database, file) = (folder.join("calls.db"), folder.join("link-secret"));
    for _ in 0..2 {
        world.start().await;
        assert_eq!(read_to_string(&file).unwrap(), secret);
        assert_eq!(metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!has(&database, &secret), "while the service runs");
        is_valid(&world, &secret).await;
        world.stop().await;
        assert_eq!(stored(&world).await, None);
        assert!(!has(&database, &secret));
    }
    // The previous version makes one of its own; links of both are valid after the next update.
    let store = Store::open(&world.database(), now()).await.unwrap();
    store.set(Setting::LinkSecret, FIRST).await.unwrap();
    store.close().await;
    for _ in 0..2 {
        world.start().await;
        assert_eq!(read_to_string(&file).unwrap(), secret);
        let before = read_to_string(folder.join("link-secrets-before")).unwrap();
        assert_eq!(before, format!("{FIRST}\n"));
        for secret in [FIRST, &secret] {
            assert!(!has(&database, secret));
            is_valid(&world, secret).await;
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_makes_a_file_for_its_owner_only() {
    let mut world = linked(&[], &[]).await;
    let (_, egress, row) = world.spoken("desk").await;
    let file = world.folder.path().join("link-secret");
    let secret = read_to_string(&file).unwrap();
    assert!(
        secret.len() >= 32 && secret.chars().all(|c| c.is_ascii_hexdigit()),
        "a secret"
    );
    assert_eq!(metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let link = path(&row, "Recording URL");
    let expected = signature(&secret, &format!("recording:{egress}"));
    assert_eq!(link, format!("/r/{egress}/{expected}"));
    world.stop().await;
    assert!(!has(&world.folder.path().join("calls.db"), &secret));
    // Somebody restored it from a backup, readable by all.
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, format!("{secret}\n")).unwrap();
    world.start().await;
    assert_eq!(metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(world.click(&link).await, 302);
    world.stop().await;
    // The previous version can be given the same secret.
    world.set("LINK_SECRET_FILE", file.to_str().unwrap());
    world.start().await;
    assert_eq!(world.click(&link).await, 302);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_link_secret_the_stored_secret_moves_and_signs_nothing() {
    let (mut world, secret) = of_9e4522d().await;
    world.set("LINK_SECRET", FIRST);
    world.start().await;
    let file = world.folder.path().join("earlier/link-secret");
    assert_eq!(read_to_string(&file).unwrap(), secret);
    is_valid(&world, FIRST).await;
    world.stop().await;
    assert_eq!(stored(&world).await, None);
    world.set("LINK_SECRETS_BEFORE_FILE", file.to_str().unwrap());
    world.start().await;
    is_valid(&world, &secret).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_it_stays_in_the_database() {
    let database = fresh_database().await;
    let mut world = linked(&[("DATABASE_URL", database)], &[]).await;
    let (_, egress, row) = world.spoken("desk").await;
    let secret = stored(&world).await.unwrap();
    let expected = signature(&secret, &format!("recording:{egress}"));
    assert_eq!(
        path(&row, "Recording URL"),
        format!("/r/{egress}/{expected}")
    );
    world.stop().await;
    world.start().await;
    assert_eq!(stored(&world).await, Some(secret));
    assert!(!world.folder.path().join("link-secret").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_empty_file_is_reported() {
    let mut world = linked(&[], &[]).await;
    world.stop().await;
    let (folder, file) = (world.folder.path(), world.folder.path().join("link-secret"));
    std::fs::write(&file, "").unwrap();
    let done = run(folder, &["serve"], world.settings()).await;
    assert_eq!(done.code, Some(64), "{done:?}");
    assert!(done.stderr.contains("link-secret is empty"), "{done:?}");
    std::fs::remove_file(&file).unwrap();
    let link = run(folder, &["calls", "link", "RM_1"], world.settings()).await;
    assert_eq!(link.code, Some(64), "{link:?}");
    assert!(
        !file.exists(),
        "a command makes none: it may run as another user"
    );
    let mut serve = Serve::start(folder, world.settings()).await;
    assert!(serve.said().contains("no longer valid"), "{}", serve.said());
    assert_eq!(serve.stop().await, Some(0));
    assert!(file.exists());
}
