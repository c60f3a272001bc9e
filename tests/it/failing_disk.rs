//! A disk that cannot flush, or that the kernel has remounted read-only, under the running service: nothing is
//! acknowledged that is not on disk, and the service recovers by itself.

use std::{path::Path, process::Command};

use crate::{
    disk::{apart_with, asks_to_retry, goes_on, hook, until},
    harness::World,
    process::Serve,
};

/// The environment of a service whose disk fails while a file of the name `how` is in the folder.
pub(crate) fn failing(folder: &Path, how: &str) -> Vec<(String, String)> {
    let library = folder.join("failing_disk.so").display().to_string();
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-o", &library]);
    compile.arg(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/failing_disk.c"
    ));
    assert!(compile.arg("-ldl").status().unwrap().success());
    let file = folder.join(how).display().to_string();
    vec![("LD_PRELOAD".to_owned(), library), (how.to_owned(), file)]
}

async fn world(how: &'static str) -> (World, Serve) {
    apart_with(|folder| failing(folder, how)).await
}

async fn loses_nothing(how: &'static str, reported: &str) {
    let (world, serve) = world(how).await;
    let call = world.livekit.open_room("before");
    world.row_is(&call, "Live").await;
    assert_eq!(hook(&world, 0).await.status(), 200);
    let fault = world.folder.path().join(how);
    std::fs::write(&fault, "").unwrap();
    for n in 1..20 {
        asks_to_retry(&hook(&world, n).await);
    }
    let red = until(&world, "/readyz", 503).await;
    assert!(red.contains(reported), "{red}");
    std::fs::remove_file(&fault).unwrap();
    goes_on(world, serve, 1..20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_cannot_flush_gets_nothing_acknowledged() {
    loses_nothing("UNSYNCED", "not writable: disk I/O error").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_was_read_only_for_a_while_is_written_again() {
    loses_nothing("UNWRITABLE", "not writable: ").await;
}
