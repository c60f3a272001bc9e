//! `backfill`.

use serde_json::{Value, json};

use super::NOBODY;
use crate::{harness::World, mirror::Receiver, play::text};

fn calls_of(found: &Value) -> Vec<&str> {
    let all = found["found"].as_array().unwrap();
    let mut ids: Vec<&str> = all
        .iter()
        .map(|one| one["call_id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids
}

/// Recordings in the bucket under RECORDING_PATH are imported once, and known calls keep their one row.
#[expect(clippy::too_many_lines, reason = "one course of events")]
pub(super) async fn finds_recordings(world: World) {
    let known = world.complete("desk").await;
    world.put_object("RM_old", 1000);
    world.put_object("RM_old-2", 2000);
    world.put_object("AJ_job", 3000);
    world.put_object("RM_empty", 0);
    std::fs::write(world.object("recordings/RM_old.txt"), "words").unwrap();
    std::fs::write(world.object("elsewhere.mp3"), "noise").unwrap();
    let args = ["backfill", "--from", "bucket"];
    let planned = world.json(&[&args[..], &["--dry-run"]].concat()).await;
    let calls = calls_of(&planned);
    assert_eq!(
        (calls.len(), &calls[1..]),
        (3, &["RM_old", "RM_old"][..]),
        "{planned:#}"
    );
    assert!(calls[0].starts_with("OBJ_"), "{calls:?}");
    let none = world
        .json(&[&args[..], &["--since", "2100-01-01"]].concat())
        .await;
    assert_eq!(none["found"], json!([]));
    let done = world.ok(&args).await;
    assert!(done.stdout.contains("Imported 3 recordings;"), "{done:?}");
    assert!(done.stderr.contains("1 of 6 objects"), "{done:?}");
    world.row_is("RM_old", "Complete").await;
    let row = world.row_where("RM_old", |row| row.contains_key("Recording URL"));
    let row = row.await;
    assert_eq!(
        (
            text(&row, "Egress ID"),
            text(&row, "Started"),
            text(&row, "Error")
        ),
        ("", "", ""),
        "{row:#?}"
    );
    assert!(
        row.contains_key("Ended") && !row.contains_key("Duration"),
        "{row:#?}"
    );
    let audio = world
        .http
        .get(text(&row, "Recording URL"))
        .send()
        .await
        .unwrap();
    assert_eq!(audio.status(), 200);
    let job = world.row_is(calls[0], "Complete").await;
    assert_eq!(job["Recording size"], 3000);
    let again = world.ok(&args).await;
    assert!(again.stdout.contains("Imported 0 recordings;"), "{again:?}");
    world.processed(&known, "egress").await;
    assert_eq!(
        world.rows().await.len(),
        3,
        "the known call, and two that were found"
    );
    let listed = world.json(&["calls", "list", "--limit", "1"]).await;
    assert!(listed["next_cursor"].is_string(), "{listed:#}");
    let replayed = world.json(&["replay"]).await;
    assert_eq!(
        (&replayed["changed"], &replayed["incomplete"]),
        (&json!([]), &json!([])),
        "{replayed:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_finds_what_lies_in_the_bucket() {
    let (receiver, url) = Receiver::start(&[]).await;
    finds_recordings(World::with(&[("EGRESS_WEBHOOK_URL", &url)]).await).await;
    let reported = receiver.hears(1).await;
    assert_eq!(
        reported.len(),
        1,
        "the mirror hears of what ends, not of what was found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_times_are_read_from_keys() {
    let path = "calls/{date}/{room_name}-{time}.mp3";
    let world = World::with(&[("RECORDING_PATH", path)]).await;
    let file = world.object("calls/2026-01-02/front desk-030405.mp3");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, vec![0; 10]).unwrap();
    let found = world.json(&["backfill", "--from", "bucket"]).await;
    let call = calls_of(&found)[0];
    let row = world.row_is(call, "Complete").await;
    assert_eq!(
        (text(&row, "Room"), text(&row, "Started")),
        ("front desk", "2026-01-02T03:04:05.000Z")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_livekit_still_lists_comes_once_with_the_service_down() {
    let mut world = World::new().await;
    world.stop().await;
    let call = world.recorded_unheard("unheard").await;
    let planned = world.json(&["backfill", "--dry-run"]).await;
    assert_eq!(planned["found"][0]["room_name"], "unheard", "{planned:#}");
    assert_eq!(
        calls_of(&planned),
        [call.as_str()],
        "LiveKit knows more than the bucket"
    );
    let done = world.ok(&["backfill"]).await;
    assert!(
        done.stdout.contains(&call) && done.stderr.contains(NOBODY),
        "{done:?}"
    );
    for from in ["livekit", "bucket", "livekit,bucket"] {
        let again = world.json(&["backfill", "--from", from]).await;
        assert_eq!(again["found"], json!([]), "{from}");
    }
    world.livekit.lose_webhooks(false);
    world.start().await;
    let row = world.row_is(&call, "Complete").await;
    assert!(text(&row, "Egress ID").starts_with("EG_"), "{row:#?}");
    assert_eq!(world.rows().await.len(), 1);
    assert_eq!(world.livekit.starts().len(), 1, "nothing is recorded anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_who_is_to_blame_and_asks_only_for_what_it_uses() {
    let world = World::new().await;
    let mut settings = world.settings().to_vec();
    settings.retain(|(name, _)| name.starts_with("S3_") || name == "DATABASE_URL");
    let run = |args: &'static [&'static str], settings: Vec<(String, String)>| {
        let folder = world.folder.path();
        async move { crate::process::run(folder, args, &settings).await }
    };
    let bucket = run(&["backfill", "--from", "bucket"], settings.clone()).await;
    assert_eq!(bucket.code, Some(0), "{bucket:?}");
    let livekit: Vec<_> = world.settings().to_vec();
    let livekit = livekit
        .into_iter()
        .filter(|(name, _)| name.starts_with("LIVEKIT_") || name == "DATABASE_URL");
    let livekit = run(&["backfill", "--from", "livekit"], livekit.collect()).await;
    assert_eq!(livekit.code, Some(0), "{livekit:?}");
    let both = run(&["backfill"], settings.clone()).await;
    assert_eq!(both.code, Some(64), "{both:?}");
    assert!(both.stderr.contains("LIVEKIT_URL: is missing"), "{both:?}");
    settings.push(("S3_SECRET_KEY".to_owned(), "wrong".to_owned()));
    let refused = run(&["backfill", "--from", "bucket"], settings.clone()).await;
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (Some(77), ""),
        "{refused:?}"
    );
    world.storage.stop();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    settings.push(("S3_ENDPOINT".to_owned(), nobody));
    let away = run(&["backfill", "--from", "bucket"], settings).await;
    assert_eq!(away.code, Some(69), "{away:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_over_without_a_recording_gets_the_one_that_lies_there() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let (over, open) = (
        world.livekit.open_room("over"),
        world.livekit.open_room("open"),
    );
    world.livekit.close_room("over");
    world.row_is(&over, "No recording").await;
    world.row_is(&open, "Live").await;
    for call in [&over, &open] {
        world.put_object(call, 100);
    }
    let found = world.json(&["backfill", "--from", "bucket"]).await;
    assert_eq!(
        calls_of(&found),
        [over.as_str()],
        "a call that goes on may have more to say"
    );
    let row = world.row_is(&over, "Complete").await;
    assert_eq!(
        (text(&row, "Room"), &row["Recording size"]),
        ("over", &json!(100))
    );
    assert_eq!(world.rows().await.len(), 2);
    assert!(world.livekit.starts().is_empty());
}
