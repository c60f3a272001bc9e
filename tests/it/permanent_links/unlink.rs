//! `calls unlink`.

use serde_json::Value;

use super::{engines, linked, path};
use crate::{
    harness::World,
    play::text,
    process::{Serve, run},
    reader::Row,
    real::postgres::fresh_database,
};

async fn link(world: &World, call: &str) -> String {
    let link = world.run(&["calls", "link", call]).await.stdout;
    let path = link.trim_end().strip_prefix(super::PUBLIC);
    path.unwrap().to_owned()
}

fn has_no_link(row: &Row) -> bool {
    let columns = ["Recording URL", "Transcript URL"];
    !columns.iter().any(|column| row.contains_key(*column))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_links_of_a_call_end_at_once_and_the_row_says_so() {
    for engine in engines().await {
        let mut world = linked(&engine, &[]).await;
        let (call, egress, row) = world.spoken("desk").await;
        let (other, _, other_row) = world.spoken("front").await;
        let mut old = vec![path(&row, "Recording URL"), path(&row, "Transcript URL")];
        let done = world.run(&["calls", "unlink", &egress]).await;
        for link in &old {
            assert_eq!(world.click(link).await, 410, "{link}");
        }
        assert!(done.stdout.contains(&call) && done.stdout.contains("until they expire"));
        assert!(done.stderr.contains("The running service"), "{done:?}");
        let row = world.row_where(&call, has_no_link).await;
        let error = text(&row, "Error");
        assert!(
            error.contains("revoked") && error.contains("calls link"),
            "{error}"
        );
        assert_eq!(text(&row, "Status"), "Complete");
        // Who asks for a link gets a new one, also with another time of the clock.
        let new = link(&world, &call).await;
        assert_eq!(world.click(&new).await, 302);
        // The row stays without a link when the call changes.
        let report = serde_json::json!({ "room_id": call, "turns": [{ "speaker": "agent", "text": "Late." }] });
        assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
        let is_late = |row: &Row| text(row, "Transcript") == "Agent: Late.";
        assert!(has_no_link(&world.row_where(&call, is_late).await));
        old.push(new);
        let answer = world
            .run(&["calls", "unlink", &call, "--relink", "--json"])
            .await;
        let answer: Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(answer["call_id"], *call);
        assert!(answer["revoked_at"].as_str().unwrap() > "2026");
        for link in &old {
            assert_eq!(world.click(link).await, 410, "{link}");
        }
        let row = world.row_where(&call, |row| row.contains_key("Recording URL"));
        let row = row.await;
        assert_eq!(text(&row, "Error"), "");
        let relinked = path(&row, "Recording URL");
        assert_eq!(world.click(&relinked).await, 302);
        // Without a service, too.
        world.stop().await;
        let done = world.run(&["calls", "unlink", &call]).await;
        assert!(done.stderr.contains("No service"), "{done:?}");
        world.start().await;
        assert_eq!(world.click(&relinked).await, 410);
        world.row_where(&call, has_no_link).await;
        let row = world.row_is(&other, "Complete").await;
        assert_eq!(
            path(&row, "Recording URL"),
            path(&other_row, "Recording URL")
        );
        assert_eq!(world.click(&path(&row, "Recording URL")).await, 302);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_end_in_every_replica() {
    let database = fresh_database().await;
    let world = linked(&[("DATABASE_URL", database)], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut replica = Serve::start(folder.path(), world.settings()).await;
    let (call, _, row) = world.spoken("desk").await;
    let old = path(&row, "Recording URL");
    let bases = [world.url(""), format!("http://{}", replica.address)];
    for base in &bases {
        assert_eq!(world.click_at(base, &old).await, 302);
    }
    world.run(&["calls", "unlink", &call]).await;
    let new = link(&world, &call).await;
    for base in &bases {
        assert_eq!(world.click_at(base, &old).await, 410);
        assert_eq!(world.click_at(base, &new).await, 302);
    }
    assert_eq!(replica.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_public_url_the_row_loses_its_signed_url() {
    let world = World::new().await;
    let (call, _, _) = world.spoken("desk").await;
    world.run(&["calls", "unlink", &call]).await;
    let row = world.row_where(&call, has_no_link).await;
    assert!(!row.contains_key("Recording URL expires"), "{row:#?}");
    world.processed(&call, "airtable").await;
    world.run(&["calls", "unlink", &call, "--relink"]).await;
    world
        .row_where(&call, |row| row.contains_key("Recording URL"))
        .await;
    let unknown = run(
        world.folder.path(),
        &["calls", "unlink", "RM_none"],
        world.settings(),
    );
    let unknown = unknown.await;
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), ""));
}
