//! `.env` files and environments as editors and containers make them, read by the program itself.

use crate::{
    doctor::changed,
    harness::{World, caller},
    process::{self, Serve},
    signed_webhooks::signature,
};

/// The world's settings as lines of a `.env` file, written by `line`.
fn lines(world: &World, line: impl Fn(&str, &str) -> String) -> String {
    let settings = world.settings().iter();
    settings.map(|(name, value)| line(name, value)).collect()
}

/// Serves with this `.env` file alone, and records a call.
async fn records(world: &mut World, dotenv: &[u8], room: &str) {
    std::fs::write(world.folder.path().join(".env"), dotenv).unwrap();
    // The file of the serve before it.
    std::fs::remove_file(world.folder.path().join("address")).ok();
    let mut serve = Serve::start(world.folder.path(), &[]).await;
    world.is_served_at(&serve.address);
    let call = world.livekit.open_room(room);
    world.livekit.join(room, caller("+15551234567"));
    world.starts(room, 1).await;
    world.livekit.close_room(room);
    world.row_is(&call, "No recording").await;
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_recorded_with_a_dotenv_file_of_any_editor() {
    let mut world = World::with(&[("RECORD_ROOMS", "call-*")]).await;
    world.stop().await;
    let windows = lines(&world, |name, value| {
        format!("export {name}=\"{value}\" # ours\r\n")
    });
    let units = std::iter::once(0xFEFF).chain(windows.encode_utf16());
    let utf16: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    records(&mut world, &utf16, "call-utf16").await;
    let marked = format!("\u{feff}{windows}");
    records(&mut world, marked.as_bytes(), "call-mark").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_recorded_with_the_quotes_that_docker_keeps() {
    let mut world = World::with(&[("RECORD_ROOMS", "*")]).await;
    world.stop().await;
    let settings = world.settings().to_vec();
    let quoted = settings
        .into_iter()
        .map(|(name, value)| match name.as_str() {
            "API_TOKEN" => (name, value),
            _ => (name, format!("\"{value}\"")),
        });
    let mut serve = Serve::start(world.folder.path(), &quoted.collect::<Vec<_>>()).await;
    world.is_served_at(&serve.address);
    world.livekit.open_room("call-quoted");
    world.starts("call-quoted", 1).await;
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_mean_two_things_ends_with_64_and_the_reason() {
    let mut world = World::new().await;
    world.stop().await;
    for (name, value, why) in [
        (
            "RECORD_ROOMS",
            "* # all",
            "RECORD_ROOMS: has a # after a blank",
        ),
        (
            "RECORD_ROOMS",
            "\"*\" # all",
            "RECORD_ROOMS: has a # after a blank",
        ),
        ("LINK_SECRET", "\"testsecret\"", "LINK_SECRET: is in quotes"),
        (
            "S3_ENDPOINT",
            "https://minio.example.com",
            "S3_REGION: is missing",
        ),
        ("PORT", "eighty", "PORT: expected a port number"),
        (
            "DATABASE_URL",
            "sqlite:%3Amemory%3A",
            "DATABASE_URL: is an in-memory database",
        ),
        (
            "DATABASE_URL",
            "sqlite:calls.db?mode=%6Demory",
            "DATABASE_URL: is an in-memory database",
        ),
        (
            "DATABASE_URL",
            "sqlite:calls.db?vfs=memdb",
            "DATABASE_URL: is an in-memory database",
        ),
        (
            "DATABASE_URL",
            "sqlite:file:calls.db%3Fmode%3Dmemory",
            "DATABASE_URL: names its file with a URI of SQLite's own",
        ),
    ] {
        let mut settings = world.settings().to_vec();
        settings.retain(|(name, _)| name != "LISTEN_ADDR");
        settings.push((name.to_owned(), value.to_owned()));
        let done = process::run(world.folder.path(), &["serve"], &settings).await;
        assert_eq!(done.code, Some(64), "{}", done.stderr);
        assert!(done.stderr.starts_with(why), "{}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    }
    let latin1 = b"RECORD_ROOMS=b\xfcro-*\n";
    std::fs::write(world.folder.path().join(".env"), latin1).unwrap();
    let done = process::run(world.folder.path(), &["serve"], world.settings()).await;
    assert_eq!(done.code, Some(64));
    assert!(
        done.stderr.starts_with(".env: is not UTF-8"),
        "{}",
        done.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_port_is_listened_on() {
    let mut world = World::new().await;
    world.stop().await;
    let mut settings = world.settings().to_vec();
    settings.retain(|(name, _)| name != "LISTEN_ADDR");
    settings.push(("PORT".into(), "0".into()));
    let mut serve = Serve::start(world.folder.path(), &settings).await;
    assert!(serve.address.starts_with("0.0.0.0:"), "{}", serve.address);
    let port = serve.address.rsplit_once(':').unwrap().1;
    world.address = format!("127.0.0.1:{port}").parse().unwrap();
    let body = r#"{"event":"room_started","room":{"sid":"RM_port","name":"port"}}"#;
    let sent = world.http.post(world.url("/webhooks/livekit"));
    let sent = sent.header("authorization", signature(body.as_bytes()));
    assert_eq!(sent.body(body).send().await.unwrap().status(), 200);
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_without_certificates_is_named_with_the_package_to_install() {
    let world = World::new().await;
    let folder = world.folder.path();
    std::fs::write(folder.join("none.pem"), "").unwrap();
    let without = [("SSL_CERT_FILE", "none.pem"), ("SSL_CERT_DIR", "nowhere")];
    let settings = changed(world.settings(), &without);
    let new = changed(&settings, &[("DATABASE_URL", "sqlite:new.db")]);
    for (args, settings) in [
        (&["serve"][..], &new),
        (&["doctor"], &settings),
        (&["bootstrap"], &settings),
        (&["demo", "--once"], &settings),
        (&["sim", "livekit"], &settings),
    ] {
        let done = process::run(folder, args, settings).await;
        assert_eq!(done.code, Some(1), "{args:?}: {done:?}");
        let expected = "this machine's CA certificates cannot be read: install them (Debian, Ubuntu: apt-get install ca-certificates)";
        assert!(done.stderr.contains(expected), "{args:?}: {done:?}");
    }
}
