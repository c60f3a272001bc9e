//! PostgreSQL on another machine: 0.0.0.0 leads to this one, but is not a loopback address.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
    thread,
};

use super::{exported, postgres::fresh_database};
use crate::{
    harness::{World, caller},
    process::{self, Done},
};

const PASSWORD: &str = "SECRET-of-the-database";

/// A server that refuses TLS; everything that it is sent.
fn without_tls() -> (String, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, received) = mpsc::channel();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = [0; 8];
            if connection.read_exact(&mut request).is_err() {
                continue;
            }
            connection.write_all(b"N").unwrap();
            let mut rest = Vec::new();
            connection.read_to_end(&mut rest).ok();
            sender.send([&request[..], &rest].concat()).ok();
        }
    });
    (
        format!("postgres://user:{PASSWORD}@0.0.0.0:{port}/calls"),
        received,
    )
}

async fn serve(world: &World, settings: &[(&str, &str)]) -> Done {
    let mut all = world.settings().to_vec();
    all.extend(settings.iter().map(|(n, v)| (n.to_string(), v.to_string())));
    process::run(world.folder.path(), &["serve"], &all).await
}

fn assert_refused(done: &Done) {
    assert_eq!(done.code, Some(64), "{done:?}");
    for word in ["DATABASE_URL", "DATABASE_TLS=off", "sslrootcert"] {
        assert!(done.stderr.contains(word), "{word}: {}", done.stderr);
    }
    assert!(!done.stderr.contains(PASSWORD), "{}", done.stderr);
}

/// The database in another host's address, with these parameters.
fn elsewhere(database: &str, parameters: &str) -> String {
    let url = database.replace("127.0.0.1", "0.0.0.0");
    format!("{url}?{parameters}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_tls_gets_no_password() {
    let mut world = World::new().await;
    world.stop().await;
    let (url, received) = without_tls();
    assert_refused(&serve(&world, &[("DATABASE_URL", &url)]).await);
    let calls = ["calls", "list"];
    let mut settings = world.settings().to_vec();
    settings.push(("DATABASE_URL".into(), url.clone()));
    assert_refused(&process::run(world.folder.path(), &calls, &settings).await);
    for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
        let weak = format!("{url}?sslmode={mode}");
        assert_refused(&serve(&world, &[("DATABASE_URL", &weak)]).await);
    }
    // One request for TLS by each of the first two, and nothing else.
    for _ in 0..2 {
        let bytes = received.recv().unwrap();
        assert_eq!(bytes.len(), 8, "{:?}", String::from_utf8_lossy(&bytes));
    }
    assert!(received.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let mut world = World::new().await;
    world.stop().await;
    let database = elsewhere(&fresh_database().await, "application_name=calls");
    assert_refused(&serve(&world, &[("DATABASE_URL", &database)]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_server_is_used_and_so_is_any_with_tls_off() {
    let certificate = exported("DATABASE_TEST_CERTIFICATE");
    let verified = format!("sslrootcert={certificate}");
    for (parameters, tls) in [(verified.as_str(), ""), ("sslmode=disable", "off")] {
        let database = elsewhere(&fresh_database().await, parameters);
        let settings = [("DATABASE_URL", database.as_str()), ("DATABASE_TLS", tls)];
        let world = World::with(&settings).await;
        let call = world.livekit.open_room("tls");
        world.livekit.join("tls", caller("+15551234567"));
        world.starts("tls", 1).await;
        world.livekit.close_room("tls");
        world.row_is(&call, "No recording").await;
    }
}
