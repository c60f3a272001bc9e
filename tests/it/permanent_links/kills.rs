//! The secret moves from the database to its file, and the process is killed meanwhile.

use std::{fs::read_to_string, process::Stdio, time::Duration};

use livekit_airtable::{
    store::{Setting, Store},
    telemetry::now,
};

use super::files::{has, is_valid, of_9e4522d, stored};
use crate::process::command;

/// Before the file, after a part of it, with the file, and with the file but old copies in the database.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_kill_leaves_the_next_start_completes() {
    for left in 0..4 {
        let (mut world, secret) = of_9e4522d().await;
        let folder = world.folder.path().join("earlier");
        let (database, file) = (folder.join("calls.db"), folder.join("link-secret"));
        if left > 0 {
            std::fs::write(folder.join("calls.db.link-secret.new"), &secret[..7]).unwrap();
        }
        if left > 1 {
            std::fs::write(&file, &secret).unwrap();
        }
        if left > 2 {
            use sqlx::{Connection, Executor};
            let mut database = sqlx::AnyConnection::connect(&world.database())
                .await
                .unwrap();
            let delete = "DELETE FROM settings WHERE name = 'link_secret'";
            database.execute(delete).await.unwrap();
            database.close().await.unwrap();
        }
        world.start().await;
        is_valid(&world, &secret).await;
        assert_eq!(read_to_string(&file).unwrap(), secret);
        assert!(!has(&database, &secret), "after {left}");
        world.stop().await;
        assert_eq!(stored(&world).await, None);
        let names = std::fs::read_dir(&folder).unwrap();
        let names: Vec<_> = names.map(|it| it.unwrap().file_name()).collect();
        assert!(
            !names
                .iter()
                .any(|it| it.to_str().unwrap().ends_with(".new")),
            "{names:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_any_time_lose_no_secret() {
    let (mut world, secret) = of_9e4522d().await;
    let folder = world.folder.path().join("earlier");
    let file = folder.join("link-secret");
    for after in (10..250).step_by(12) {
        let mut serve = command(&folder, &["serve"], world.settings());
        let mut serve = serve.stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(after)).await;
        serve.kill().unwrap();
        serve.wait().unwrap();
        let kept = read_to_string(&file).ok();
        let store = Store::open(&world.database(), now()).await.unwrap();
        let stored = store.get(Setting::LinkSecret).await.unwrap();
        assert!(
            kept.is_none() || kept.as_ref() == Some(&secret),
            "a part of it"
        );
        assert!(
            kept.is_some() || stored.as_ref() == Some(&secret),
            "after {after} ms"
        );
        // Now and then, it begins again.
        if after % 24 == 10 {
            std::fs::remove_file(&file).ok();
            store.set(Setting::LinkSecret, &secret).await.unwrap();
        }
        store.close().await;
    }
    world.start().await;
    is_valid(&world, &secret).await;
    assert!(!has(&folder.join("calls.db"), &secret));
}
