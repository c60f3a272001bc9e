//! What other users of the machine, a proxy and the log must not see.

use std::{
    fs::{Permissions, metadata, set_permissions},
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::{
    harness::{World, caller},
    process::{self, Serve},
};

fn mode(path: &Path) -> u32 {
    metadata(path).unwrap().permissions().mode() & 0o777
}

/// A settings' file in another program's permissions.
fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_databases_files_are_for_its_owner_only() {
    let mut world = World::new().await;
    let files = ["calls.db", "calls.db-wal", "calls.db-shm", "calls.db.lock"];
    let files = files.map(|name| world.folder.path().join(name));
    world.livekit.open_room("private");
    world.starts("private", 1).await;
    for file in &files {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    world.stop().await;
    // As an earlier version left them.
    for file in &files {
        if file.exists() {
            set_permissions(file, Permissions::from_mode(0o644)).unwrap();
        }
    }
    world.start().await;
    for file in &files {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_with_secrets_that_others_can_read_are_warned_of() {
    let mut world = World::new().await;
    world.stop().await;
    let folder = world.folder.path().to_owned();
    let (dotenv, secret) = (folder.join(".env"), folder.join("api-secret"));
    let value = world
        .settings()
        .iter()
        .find(|(name, _)| name == "LIVEKIT_API_SECRET");
    let value = value.unwrap().1.clone();
    let mut settings = world.settings().to_vec();
    settings.retain(|(name, _)| name != "LIVEKIT_API_SECRET");
    let file = secret.to_str().unwrap().to_owned();
    settings.push(("LIVEKIT_API_SECRET_FILE".into(), file.clone()));
    for (mode, warnings) in [(0o640, 2), (0o604, 2), (0o600, 0)] {
        write(&secret, &value, mode);
        write(&dotenv, "RECORD_ON=manual\n", mode);
        std::fs::remove_file(folder.join("address")).ok();
        let mut serve = Serve::start(&folder, &settings).await;
        let said = serve.said();
        let warned = said.matches("other users of this machine can read").count();
        assert_eq!(warned, warnings, "{mode:o}: {said}");
        assert!(
            warnings == 0 || said.contains(&format!("chmod 600 {file}")),
            "{said}"
        );
        assert_eq!(serve.stop().await, Some(0));
    }
}

/// A proxy that refuses every request; the first line of each.
fn proxy() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut bytes = [0; 4096];
            let read = connection.read(&mut bytes).unwrap_or(0);
            let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
            let line = text.lines().next().unwrap_or_default().to_owned();
            sender.send(line).ok();
            connection
                .write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
                .ok();
        }
    });
    (format!("http://{address}"), lines)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_gets_requests_to_other_machines_and_none_to_this_one() {
    let mut world = World::new().await;
    world.stop().await;
    let (url, lines) = proxy();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        world.set(name, &url);
    }
    world.set("EGRESS_WEBHOOK_URL", "http://n8n.example.com/hook");
    let mut serve = world.serve_apart().await;
    let call = world.livekit.open_room("proxied");
    world.livekit.join("proxied", caller("+15551234567"));
    world.starts("proxied", 1).await;
    world.livekit.speak("proxied");
    world.livekit.close_room("proxied");
    world.row_is(&call, "Complete").await;
    let first = lines.recv_timeout(Duration::from_secs(60)).unwrap();
    let others = std::iter::once(first).chain(lines.try_iter());
    for line in others {
        assert!(line.contains("n8n.example.com"), "{line}");
    }
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_in_another_notation_ends_with_64() {
    let mut world = World::new().await;
    world.stop().await;
    world.set("HTTPS_PROXY", "socks5://user:SECRET@proxy.example.com:1080");
    let done = process::run(world.folder.path(), &["serve"], world.settings()).await;
    assert_eq!(done.code, Some(64), "{}", done.stderr);
    assert!(
        done.stderr.starts_with("HTTPS_PROXY: does not start with"),
        "{}",
        done.stderr
    );
    assert!(!done.stderr.contains("SECRET"), "{}", done.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn systemds_credential_is_read_like_a_dotenv_file() {
    let mut world = World::new().await;
    world.stop().await;
    let credentials = tempfile::tempdir().unwrap();
    let line = |(name, value): &(String, String)| format!("{name}='{value}' # ours\n");
    let lines: String = world.settings().iter().map(line).collect();
    write(
        &credentials.path().join("livekit-airtable.env"),
        &lines,
        0o400,
    );
    let folder = credentials.path().to_str().unwrap().to_owned();
    let settings = [("CREDENTIALS_DIRECTORY".to_owned(), folder)];
    let mut serve = Serve::start(world.folder.path(), &settings).await;
    let said = serve.said();
    assert!(!said.contains("other users"), "{said}");
    assert_eq!(serve.stop().await, Some(0));
}

#[test]
fn the_units_keep_calls_out_of_dumps_swap_and_other_machines() {
    let service = include_str!("../../../deploy/livekit-airtable.service");
    for line in [
        "LimitCORE=0",
        "MemorySwapMax=0",
        "LoadCredential=livekit-airtable.env:/etc/livekit-airtable/env",
        "Environment=LISTEN_ADDR=127.0.0.1:8080",
        "UMask=0077",
    ] {
        assert!(service.lines().any(|it| it == line), "{line}");
    }
    let socket = include_str!("../../../deploy/livekit-airtable.socket");
    assert!(socket.contains("ListenStream=127.0.0.1:8080"));
}
