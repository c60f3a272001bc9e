//! What people see, and what is left after Ctrl-C.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::Duration,
};

use livekit_airtable_sim::livekit::StartFault;

use serde_json::{Value, json};

use super::{Checked, changed};
use crate::{
    harness::{World, eventually, in_time},
    process::{Serve, command, ended, run},
};

#[tokio::test(flavor = "multi_thread")]
async fn people_get_lines_under_groups_and_a_last_sentence() {
    let world = World::new().await;
    let settings = changed(world.settings(), &[("AIRTABLE_TABLE", "Nowhere")]);
    let done = run(world.folder.path(), &["doctor"], &settings).await;
    assert_eq!((done.code, done.stderr.as_str()), (Some(1), ""));
    let text = &done.stdout;
    assert!(
        text.starts_with("Here\n  ✓ configuration: every variable is right\n"),
        "{text}"
    );
    let expected = "\n  ✓ token: of the user usrSimulated00001\n  ✗ base and columns\n      the base has no table \"Nowhere\"\n      → AIRTABLE_TABLE: run `livekit-airtable bootstrap`";
    assert!(text.contains(expected), "{text}");
    assert!(
        text.contains("\n  - rows: skipped (not checked: see Airtable: base and columns)\n"),
        "{text}"
    );
    assert!(!text.contains('\x1b'), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("1 must be fixed"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_interruption_nothing_is_left() {
    let world = World::new().await;
    world
        .livekit
        .fail_next_start(1, StartFault::Slow(Duration::from_secs(30)));
    let mut doctor = command(world.folder.path(), &["doctor"], world.settings());
    let doctor = doctor.stdout(Stdio::piped()).stderr(Stdio::piped());
    let doctor = doctor.spawn().unwrap();
    let started = eventually(|| world.livekit.starts().first().map(|(_, room)| room.clone()));
    let room = started.await.unwrap();
    assert!(room.starts_with("doctor-"), "{room}");
    let sent = std::process::Command::new("kill")
        .args(["-INT", &doctor.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let done = tokio::task::spawn_blocking(move || ended(doctor));
    let done = done.await.unwrap();
    assert_eq!(done.status.code(), Some(1));
    let stderr = String::from_utf8(done.stderr).unwrap();
    assert!(
        stderr.contains("what doctor had created is removed"),
        "{stderr}"
    );
    let ordinary = world.livekit.open_room("ordinary");
    world.row_is(&ordinary, "Live").await;
    assert_eq!(world.airtable.rows("Calls").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_followed_from_room_to_link() {
    let world = World::new().await;
    let args = ["doctor", "--call", "--json"];
    let mut doctor = command(world.folder.path(), &args, world.settings());
    let doctor = doctor.stdout(Stdio::piped()).stderr(Stdio::piped());
    let doctor = waiting(doctor.spawn().unwrap()).await;
    let call = world.livekit.open_room("followed");
    world.starts("followed", 1).await;
    world.livekit.speak("followed");
    let report = json!({ "room": "followed", "transcript": "Agent: hello" });
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world.livekit.close_room("followed");
    world.row_is(&call, "Complete").await;
    let done = tokio::task::spawn_blocking(move || ended(doctor));
    let checked = Checked::of(&done.await.unwrap().into());
    for step in [
        "room heard",
        "recording started",
        "first audio",
        "words received",
        "room closed",
        "file in the bucket",
        "row complete",
        "link plays",
    ] {
        let found: &Value = checked.find("Call", step);
        assert_eq!(found["level"], "ok", "{found:#}");
    }
    assert!(
        checked
            .detail("Call", "recording started")
            .ends_with(" ms after the room")
    );
    assert_eq!(checked.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_says_what_is_most_useful_and_errors_name_doctor() {
    let mut world = World::new().await;
    world.stop().await;
    let folder = world.folder.path();
    let settings = changed(world.settings(), &[("DATABASE_URL", "sqlite:first.db")]);
    let mut serve = Serve::start(folder, &settings).await;
    assert_eq!(serve.stop().await, Some(0));
    let said = serve.said();
    assert_eq!(said.matches("first start: ").count(), 3, "{said}");
    assert!(
        said.contains("PUBLIC_URL is not set: links in rows expire"),
        "{said}"
    );
    // Otherwise the next one would seem to listen before it does.
    std::fs::remove_file(folder.join("address")).unwrap();
    let mut serve = Serve::start(folder, &settings).await;
    assert_eq!(serve.stop().await, Some(0));
    assert!(!serve.said().contains("first start: "));
    let wrong = changed(&settings, &[("S3_BUCKET", ""), ("AIRTABLE_BASE_ID", "")]);
    let done = run(folder, &["serve"], &wrong).await;
    assert_eq!(done.code, Some(64));
    assert_eq!(done.stderr.lines().count(), 3, "{}", done.stderr);
    let end = "\nrun `livekit-airtable doctor`\n";
    assert!(done.stderr.ends_with(end), "{}", done.stderr);
    let one = changed(&settings, &[("S3_BUCKET", "")]);
    let done = run(folder, &["serve"], &one).await;
    let end = "; run `livekit-airtable doctor`\n";
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    assert!(done.stderr.ends_with(end), "{}", done.stderr);
    let unconfigured = tempfile::tempdir().unwrap();
    for command in ["serve", "bootstrap", "backfill"] {
        let done = run(unconfigured.path(), &[command], &[]).await;
        assert_eq!(done.code, Some(64));
        let last = done.stderr.lines().last().unwrap();
        let expected = "There is no .env in this folder: run livekit-airtable in the folder that has it, or make one with `livekit-airtable init`";
        assert_eq!(last, expected, "{command}");
    }
}

/// The same process once it waits for a call: on a busy machine, a call may be over before it does.
async fn waiting(mut doctor: Child) -> Child {
    let mut stderr = BufReader::new(doctor.stderr.take().unwrap());
    let reading = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        line
    });
    let line = in_time(reading).await.unwrap();
    assert!(line.starts_with("Waiting for a call"), "{line}");
    doctor
}
