//! The folder of agents' audio: after a crash, when it is full, and who may read it.

use std::{fs, path::PathBuf};

use serde_json::json;

use super::{begun, chat, header, multipart, ogg, post, raw, retry_after, spooled, upload};
use crate::{
    harness::{World, eventually},
    play::text,
};

const START: i64 = 1_795_889_000;

fn folder(world: &World) -> PathBuf {
    world.folder.path().join("agent-audio")
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_what_was_acknowledged_is_uploaded_and_the_rest_is_deleted() {
    let mut world = World::new().await;
    let serve = world.serve_apart().await;
    let (call, egress) = world.talk("desk").await;
    world.livekit.fail_egress(&egress, "out of disk", 500);
    let parts = [
        header(&call, "AJ_1", START, &json!({})),
        chat(&["What was said to the agent."]),
        ("audio", ogg(30, 100_000)),
    ];
    assert_eq!(upload(&world, &parts).await, 200);
    // Half of another upload is on its way when the process is killed.
    let body = multipart(&parts);
    let length = format!("content-length: {}", body.len());
    let half = &body[..body.len() / 2];
    let sending = begun(&world, &length, half).await;
    let spool = folder(&world);
    let arriving = || {
        let mut entries = fs::read_dir(&spool).unwrap();
        entries.any(|entry| {
            entry
                .unwrap()
                .path()
                .extension()
                .is_some_and(|it| it == "part")
        })
    };
    assert!(eventually(|| arriving().then_some(())).await.is_some());
    drop(serve);
    drop(sending);
    // A complete file without a message: its process was killed between the two.
    let orphan = folder(&world).join("01890000-0000-7000-8000-000000000000_1795889000000.ogg");
    fs::write(&orphan, "orphan").unwrap();
    assert!(arriving());
    let mut serve = world.serve_apart().await;
    let gone = || (!orphan.exists() && !arriving()).then_some(());
    assert!(eventually(gone).await.is_some(), "{:?}", spooled(&world));
    assert_eq!(spooled(&world).len(), 1, "the call is not over");
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert!(
        text(&row, "Error").contains("the agent's own audio"),
        "{row:#?}"
    );
    let empty = eventually(|| spooled(&world).is_empty().then_some(()));
    assert!(empty.await.is_some());
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_folder_costs_no_words_and_audio_that_is_too_large_is_refused_for_good() {
    let limits = [
        ("AGENT_AUDIO_SIZE", "2MiB"),
        ("AGENT_AUDIO_DIR_SIZE", "3MiB"),
    ];
    let world = World::with(&limits).await;
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    let session = |job: &str, words: &str, bytes: usize| {
        let header = header(&call, job, START, &json!({}));
        multipart(&[header, ("audio", ogg(30, bytes)), chat(&[words])])
    };
    let said = |words: &'static str| {
        world.row_where(&call, move |row| text(row, "Transcript").contains(words))
    };
    let large = post(
        &world,
        session("AJ_1", "Words with too much audio.", 3 << 20),
    )
    .await;
    assert_eq!(large.status(), 413);
    assert_eq!(retry_after(&large.bytes().await.unwrap()), None);
    said("Words with too much audio.").await;
    let first = session("AJ_2", "Words of the second job.", 2_000_000);
    assert_eq!(post(&world, first).await.status(), 200);
    let full = post(
        &world,
        session("AJ_3", "Words of the third job.", 2_000_000),
    )
    .await;
    assert_eq!(full.status(), 503);
    assert!(retry_after(&full.bytes().await.unwrap()).is_some());
    said("Words of the third job.").await;
    assert_eq!(spooled(&world).len(), 1);
    // There is room again when the first is not needed any more.
    for file in fs::read_dir(folder(&world)).unwrap() {
        assert!(file.unwrap().metadata().unwrap().len() > 1_000_000);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may_read_the_audio() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().await;
    let header = header("RM_private", "AJ_1", START, &json!({}));
    let parts = [
        header,
        chat(&["Private words of a caller."]),
        ("audio", ogg(1, 1000)),
    ];
    assert_eq!(upload(&world, &parts).await, 200);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder(&world)), 0o700);
    for name in spooled(&world) {
        assert_eq!(mode(folder(&world).join(name)), 0o600);
    }
    let answer = raw(&world, "content-length: 0", b"").await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}
