//! Other keys to the bucket and another form of its addresses: what LiveKit is given, and what reads the recording.

use std::{net::SocketAddr, time::Duration};

use livekit_airtable::{
    domain::{Addressing, KeyLookup, KeyUnreadable, StorageKey},
    storage::{Client, Config, Error, Method, ObjectHead, Served},
};
use livekit_airtable_sim::storage::{Key, Permission};

use crate::{
    harness::{World, caller},
    real::postgres::fresh_database,
};

/// The key of every world, which may do everything.
fn first_key() -> Key {
    Key {
        access_key: "test".into(),
        secret_key: "testsecret".into(),
        session_token: None,
        permission: Permission::Everything,
    }
}

fn temporary_key(n: usize) -> Key {
    Key {
        access_key: format!("temporary-{n}"),
        secret_key: format!("testsecret-{n}"),
        session_token: Some(format!("testsecret/token+{n}==")),
        permission: Permission::Everything,
    }
}

/// A call with words; its ID once the row is there.
async fn recorded(world: &World, room: &str) -> String {
    let call = world.livekit.open_room(room);
    world.livekit.join(room, caller("+15551234567"));
    world.starts(room, 1).await;
    world.livekit.speak(room);
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    world.livekit.close_room(room);
    call
}

/// Waits for the row, and plays what it links to.
async fn plays(world: &World, call: &str) {
    let row = world.row_is(call, "Complete").await;
    assert!(!row.contains_key("Error"), "{row:#?}");
    let url = row["Recording URL"].as_str().unwrap();
    let answer = world.http.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn livekit_uploads_with_a_key_that_may_only_write() {
    for database in [None, Some(fresh_database().await)] {
        let mut settings = vec![
            ("S3_EGRESS_ACCESS_KEY", "writer"),
            ("S3_EGRESS_SECRET_KEY", "testsecret-writer"),
        ];
        settings.extend(database.as_deref().map(|url| ("DATABASE_URL", url)));
        let world = World::with(&settings).await;
        let writer = Key {
            access_key: "writer".into(),
            secret_key: "testsecret-writer".into(),
            session_token: None,
            permission: Permission::Write,
        };
        world.storage.set_keys(vec![first_key(), writer]);
        let call = recorded(&world, "write-only").await;
        plays(&world, &call).await;
        let targets = world.livekit.upload_targets();
        assert_eq!(targets[0].access_key, "writer");
        assert!(targets[0].session_token.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_keys_are_replaced_while_the_service_runs() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["access", "secret", "token"].map(|name| folder.path().join(name));
    let write = |key: &Key| {
        let token = key.session_token.clone().unwrap();
        let parts = [key.access_key.clone(), key.secret_key.clone(), token];
        for (file, part) in files.iter().zip(parts) {
            std::fs::write(file, part + "\n").unwrap();
        }
    };
    write(&temporary_key(1));
    let [access, secret, token] = files.each_ref().map(|file| file.to_str().unwrap());
    let world = World::with(&[
        ("S3_ACCESS_KEY", ""),
        ("S3_SECRET_KEY", ""),
        ("S3_ACCESS_KEY_FILE", access),
        ("S3_SECRET_KEY_FILE", secret),
        ("S3_SESSION_TOKEN_FILE", token),
    ])
    .await;
    for n in [1, 2] {
        let key = temporary_key(n);
        world.storage.set_keys(vec![key.clone()]);
        write(&key);
        let call = recorded(&world, &format!("temporary-{n}")).await;
        plays(&world, &call).await;
        let target = world.livekit.upload_targets().pop().unwrap();
        assert_eq!(target.access_key, key.access_key);
        assert_eq!(Some(target.session_token), key.session_token);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn virtual_addressing_is_passed_on_to_livekit() {
    let world = World::with(&[("S3_ADDRESSING", "virtual")]).await;
    let call = recorded(&world, "virtual").await;
    plays(&world, &call).await;
    assert!(!world.livekit.upload_targets()[0].force_path_style);
    let world = World::new().await;
    recorded(&world, "path").await;
    assert!(world.livekit.upload_targets()[0].force_path_style);
}

/// A client of the world's bucket at `localhost`, which the stand-in serves in both forms.
fn client(world: &World, key: KeyLookup, addressing: Addressing) -> Client {
    let port = address(world).port();
    Client::new(Config {
        key,
        bucket: "recordings".into(),
        endpoint: Some(format!("http://localhost:{port}")),
        region: "auto".into(),
        addressing,
    })
}

fn address(world: &World) -> SocketAddr {
    let url = world.storage.url();
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

fn storage_key(key: &Key) -> StorageKey {
    StorageKey {
        access_key: key.access_key.clone(),
        secret_key: key.secret_key.clone().into(),
        session_token: key.session_token.clone().map(Into::into),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_every_form_play() {
    let world = World::new().await;
    let (permanent, temporary) = (first_key(), temporary_key(1));
    world
        .storage
        .set_keys(vec![permanent.clone(), temporary.clone()]);
    let key = "calls/call-+1555 #1.mp3";
    let path = client(&world, storage_key(&permanent).into(), Addressing::Path);
    path.put_text(key, "words".into()).await.unwrap();
    // No name server knows the bucket's host.
    let browser = reqwest::Client::builder().resolve("recordings.localhost", address(&world));
    let browser = browser.build().unwrap();
    for addressing in Addressing::ALL {
        for signer in [&permanent, &temporary] {
            let client = client(&world, storage_key(signer).into(), addressing);
            let hour = Duration::from_secs(3600);
            let url = client
                .presign(key, hour, Method::Get, Served::download("a b.mp3"))
                .await
                .unwrap();
            let is_virtual = url.starts_with("http://recordings.localhost:");
            assert_eq!(is_virtual, addressing == Addressing::Virtual);
            // From there alone a page may play: its policy names the origin.
            let origin = client.origin(key).await.unwrap();
            assert!(url.starts_with(&format!("{origin}/")), "{origin}: {url}");
            let answer = browser.get(&url).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.text().await.unwrap(), "words");
            let url = client
                .presign(key, hour, Method::Head, Served::default())
                .await
                .unwrap();
            assert_eq!(browser.head(&url).send().await.unwrap().status(), 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_ended_is_named_and_the_next_one_is_used() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let read = file.clone();
    let lookup = KeyLookup::new(move || {
        let token = std::fs::read_to_string(&read).map_err(|e| KeyUnreadable(e.to_string()))?;
        let mut key = storage_key(&temporary_key(1));
        key.session_token = Some(token.into());
        Ok(key)
    });
    let client = client(&world, lookup, Addressing::Path);
    world.storage.set_keys(vec![temporary_key(1)]);
    let unreadable = client.head("a").await;
    assert!(matches!(unreadable, Err(Error::Key(_))), "{unreadable:?}");
    std::fs::write(&file, "testsecret-of-yesterday").unwrap();
    let ended = client.head("a").await;
    assert!(matches!(ended, Err(Error::Expired)), "{ended:?}");
    let ended = client.list("", None).await;
    let error = ended.unwrap_err();
    assert!(
        error.to_string().contains("S3_SESSION_TOKEN_FILE"),
        "{error}"
    );
    std::fs::write(&file, temporary_key(1).session_token.unwrap()).unwrap();
    let head = client.head("a").await.unwrap();
    assert_eq!(head, ObjectHead::Missing);
}
