//! Against real servers: LiveKit's server and clients, SeaweedFS, PostgreSQL, Airtable's clients, a browser.
//! `tests/run` starts them and exports their addresses.

mod agents;
mod browser;
mod clients;
mod hand_over;
pub(crate) mod livekit;
mod pgbouncer;
pub(crate) mod postgres;
mod seed;
mod session_end;
mod session_end_typescript;
mod silence;
mod small_pool;
mod statements;
mod storage;
mod storage_access;
mod tls;
mod upload_restarts;
mod upload_versions;
mod uploads;

use std::{
    io::Write,
    process::{Command, Stdio},
};

/// A variable that `tests/run` exports.
#[expect(
    clippy::disallowed_methods,
    reason = "only tests/run knows where its servers listen"
)]
pub(crate) fn exported(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run ./tests/run"))
}

/// Settings of a service whose bucket is on SeaweedFS.
pub(crate) fn bucket() -> Vec<(String, String)> {
    let names = [
        ("S3_ENDPOINT", "S3_TEST_ENDPOINT"),
        ("S3_ACCESS_KEY", "S3_TEST_ACCESS_KEY"),
        ("S3_SECRET_KEY", "S3_TEST_SECRET_KEY"),
        ("S3_BUCKET", "S3_TEST_BUCKET"),
    ];
    names
        .map(|(ours, theirs)| (ours.to_owned(), exported(theirs)))
        .to_vec()
}

pub(crate) fn pairs(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    let pairs = settings.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    pairs.collect()
}

/// A script of tests/clients.
pub(crate) fn python(script: &str) -> Command {
    let mut command = Command::new(exported("TEST_PYTHON"));
    command.arg(format!("tests/clients/{script}"));
    command
}

/// Runs a program to its end; panics with what it printed when it fails, else gives its stdout.
pub(crate) async fn run(mut command: Command, input: Vec<u8>) -> String {
    let ended = tokio::task::spawn_blocking(move || {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
        // Some programs do not read what they are given.
        child.stdin.take().unwrap().write_all(&input).ok();
        crate::process::ended(child)
    });
    let output = ended.await.unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let status = output.status;
    assert!(status.success(), "{status}\n{stdout}\n{stderr}");
    stdout
}
