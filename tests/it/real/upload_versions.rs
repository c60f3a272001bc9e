//! Earlier versions of the agents SDKs upload, too: what each of them sent is in `tests/fixtures/agents-upload`, recorded from a
//! worker of tests/clients/agents/upload. A long test runs these workers again.
//!
//! None of these versions sends a summary, so that figures come from the words alone; livekit-agents 1.5.1 does not name
//! its job, either.

use std::fs;

use livekit_airtable_sim::livekit::StartFault;

use super::{
    agents::check,
    uploads::{Sdk, with_agents_audio},
};
use crate::{
    harness::{KEY, SECRET, World},
    play::text,
    uploads::{BOUNDARY, token},
};

const VERSIONS: [&str; 4] = [
    "python-1.5.1",
    "python-1.6.7",
    "python-1.7.1",
    "javascript-1.8.0",
];
/// The room of what was recorded.
const RECORDED: &str = "RM_uploaded00001";

/// The folder with earlier versions that `tests/run --long` has installed.
#[expect(
    clippy::disallowed_methods,
    reason = "only tests/run knows what it installed"
)]
fn installed() -> Option<String> {
    std::env::var("TEST_AGENTS").ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn earlier_versions_upload_their_words() {
    for version in VERSIONS {
        let world = World::with(&[("RECORD_ON", "manual")]).await;
        world.livekit.adopt_room("call-1", RECORDED);
        world.row_is(RECORDED, "Live").await;
        let body = fs::read(format!("tests/fixtures/agents-upload/{version}.multipart")).unwrap();
        let request = world.http.post(world.url("/observability/recordings/v0"));
        let request = request.bearer_auth(token(KEY, SECRET, true)).body(body);
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let sent = request.header("content-type", kind).send().await.unwrap();
        assert_eq!(sent.status(), 200, "{version}");
        let has_end = |row: &crate::reader::Row| text(row, "Transcript").contains("get well soon");
        let row = world.row_where(RECORDED, has_end).await;
        check(&row);
        assert_eq!(row["Turns"], 6, "{version}: {row:#?}");
    }
    if let Some(folder) = installed() {
        for version in VERSIONS {
            println!("{}", runs(&folder, version).await);
        }
    }
}

/// A worker of this version uploads words and audio; what came.
async fn runs(folder: &str, version: &str) -> String {
    let at = format!("{folder}/{version}");
    let sdk = match version.starts_with("python") {
        true => Sdk::Python(format!("{at}/bin/python")),
        false => Sdk::javascript(&format!("{at}/node_modules")),
    };
    let world = World::new().await;
    world.livekit.fail_next_start(1000, StartFault::BadRequest);
    let room = format!("earlier-{version}");
    let (row, seconds) = with_agents_audio(&world, &sdk, &room).await;
    format!(
        "{version}: words, {} turns, {seconds} s of audio",
        row["Turns"]
    )
}
