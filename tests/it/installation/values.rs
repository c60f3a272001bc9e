//! Values in another notation than ours. They would start a service that records nothing, or the wrong things.

use crate::{
    harness::{World, caller},
    process::{self, Serve},
};

/// Ends with 64, and with one line that names the variable and the reason.
async fn is_refused(world: &World, settings: &[(&str, &str)], why: &str) {
    let mut all = world.settings().to_vec();
    all.extend(settings.iter().map(|(n, v)| (n.to_string(), v.to_string())));
    let done = process::run(world.folder.path(), &["serve"], &all).await;
    assert_eq!(done.code, Some(64), "{settings:?}: {}", done.stderr);
    assert!(done.stderr.contains(why), "{settings:?}: {}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_rooms_in_another_notation_is_refused() {
    let mut world = World::new().await;
    world.stop().await;
    for (value, why) in [
        ("call-* desk-*", "separate globs with commas"),
        ("call-*;desk-*", "separate globs with commas"),
        ("#call-*", "comments are not possible here"),
        ("^call-.*$", "is a regular expression"),
        ("all", "* stands for all rooms"),
        ("true", "* stands for all rooms"),
        ("[\"call-*\"]", "quotation marks"),
    ] {
        is_refused(&world, &[("RECORD_ROOMS", value)], why).await;
        // In the file, quotes around the value are not part of it.
        let file = world.folder.path().join(".env");
        std::fs::write(&file, format!("RECORD_ROOMS='{value}'\n")).unwrap();
        is_refused(&world, &[], why).await;
        std::fs::remove_file(&file).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_in_lines_is_read_and_the_log_says_which_rooms_are_recorded() {
    let mut world = World::new().await;
    world.stop().await;
    world.set(
        "RECORD_ROOMS",
        "call-*\n! call-test-*\nFront desk *,\nx-{a,b}\n",
    );
    let mut serve = Serve::start(world.folder.path(), world.settings()).await;
    let said = serve.said();
    let rooms = r#""call-*", "!call-test-*", "Front desk *", "x-{a,b}""#;
    assert!(
        said.contains("rooms with these names are recorded"),
        "{said}"
    );
    assert!(
        said.contains(rooms) || said.contains(&rooms.replace('"', "\\\"")),
        "{said}"
    );
    assert!(
        said.contains("the blank is a part of the room's name"),
        "{said}"
    );
    world.is_served_at(&serve.address);
    for room in ["other", "call-test-1", "call-1", "Front desk 1", "x-b"] {
        world.livekit.open_room(room);
        world.livekit.join(room, caller("+15551234567"));
    }
    for room in ["call-1", "Front desk 1", "x-b"] {
        world.starts(room, 1).await;
    }
    assert_eq!(world.livekit.starts().len(), 3);
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slip_in_a_variables_name_is_named_at_start() {
    let mut world = World::new().await;
    world.stop().await;
    world.set("RECORD_ROOM", "call-*");
    let mut serve = Serve::start(world.folder.path(), world.settings()).await;
    let said = serve.said();
    let words =
        "RECORD_ROOM is no variable of this program and has no effect: did you mean RECORD_ROOMS?";
    assert!(said.contains(words), "{said}");
    assert_eq!(said.matches("did you mean").count(), 1, "{said}");
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_values_in_another_notation_are_refused() {
    let mut world = World::new().await;
    world.stop().await;
    for (name, value, why) in [
        (
            "LIVEKIT_WEBHOOK_KEYS",
            "key:secret key2:secret2",
            "pair 1 has a blank",
        ),
        (
            "LIVEKIT_WEBHOOK_KEYS",
            "{\"key\":\"secret\"}",
            "pair 1 has a key with",
        ),
        (
            "LIVEKIT_URL",
            "wss://wss://clinic.livekit.cloud",
            "has its scheme twice",
        ),
        (
            "LIVEKIT_URL",
            "wss://key:secret@clinic.livekit.cloud",
            "has a user name",
        ),
        ("S3_BUCKET", "recordings,backup", "is not a bucket's name"),
        (
            "EGRESS_WEBHOOK_URL",
            "https://a.example.com/hook,https://b.example.com/hook",
            "is a list",
        ),
        ("RECORDING_PATH", "s3://calls/{room_id}.mp3", "is a URL"),
        ("RECORDING_PATH", "calls/%Y/{room_id}.mp3", "a code like %Y"),
        ("RECORD_SIMULATIONS", "maybe", "expected true or false"),
        ("RUST_LOG", "warning", "expected a level"),
        (
            "AIRTABLE_REQUESTS_PER_SECOND",
            "1e-9",
            "between 0.01 and 1000",
        ),
        ("DATABASE_URL", "sqlite:", "names no file"),
    ] {
        is_refused(&world, &[(name, value)], why).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_be_reached_is_refused() {
    let mut world = World::new().await;
    world.stop().await;
    let oss = "https://recordings.oss-cn-hangzhou.aliyuncs.com";
    let own = "https://recordings.storage.example.com";
    let virtually = ("S3_ADDRESSING", "virtual");
    let region = |region| ("S3_REGION", region);
    for (settings, why) in [
        (
            &[("S3_ENDPOINT", oss), virtually, region("oss-cn-hangzhou")][..],
            "S3_ENDPOINT: begins with the bucket's name",
        ),
        (
            &[("S3_ENDPOINT", own), virtually, region("us-east-1")],
            "S3_ENDPOINT: begins with the bucket's name",
        ),
        (
            &[("S3_ENDPOINT", "https://calls.fra1.digitaloceanspaces.com")],
            "S3_ENDPOINT: begins with a bucket's name, calls, which is not S3_BUCKET",
        ),
        (
            &[("S3_ENDPOINT", "https://calls.s3.eu-central-1.amazonaws.com")],
            "S3_ENDPOINT: begins with a bucket's name, calls, which is not S3_BUCKET",
        ),
        (
            &[
                ("S3_ENDPOINT", "https://oss-cn-hangzhou.aliyuncs.com"),
                region("oss-cn-hangzhou"),
            ],
            "S3_ADDRESSING: is path, which Alibaba Cloud OSS refuses",
        ),
        (
            &[
                ("S3_ENDPOINT", "https://0123abc.r2.cloudflarestorage.com"),
                region("eu-central-1"),
            ],
            "S3_REGION: is not a region of R2",
        ),
        (
            &[("S3_ENDPOINT", ""), region("Frankfurt")],
            "S3_REGION: is not a region of AWS",
        ),
        (
            &[("S3_ENDPOINT", ""), region("EU-CENTRAL-1")],
            "S3_REGION: is not a region of AWS",
        ),
    ] {
        is_refused(&world, settings, why).await;
    }
}
