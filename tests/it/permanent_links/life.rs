//! LINK_LIFE.

use jiff::{SignedDuration, Timestamp};

use super::{engines, linked, path};
use crate::{
    harness::{move_clock, moved},
    play::text,
};

const HOUR: i64 = 3600;

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one course of events")]
async fn a_link_ends_after_its_life_and_the_row_says_when() {
    for engine in engines().await {
        let mut world = linked(&engine, &[]).await;
        world.restart_on(moved::<8>).await;
        let (call, _, row) = world.spoken("desk").await;
        let old = path(&row, "Recording URL");
        assert_eq!(text(&row, "Recording URL expires"), "", "for ever");
        world.set("LINK_LIFE", "2h");
        world.stop().await;
        world.start().await;
        // Rows of before say so, too; their links are as old as what they lead to.
        let dated = |row: &crate::reader::Row| row.contains_key("Recording URL expires");
        let row = world.row_where(&call, dated).await;
        assert_eq!(path(&row, "Recording URL"), old);
        let expires: Timestamp = text(&row, "Recording URL expires").parse().unwrap();
        let ended: Timestamp = text(&row, "Ended").parse().unwrap();
        let life = expires.duration_since(ended);
        let (two, more) = (
            SignedDuration::from_hours(2),
            SignedDuration::from_mins(110),
        );
        assert!(
            life > more && life < two + SignedDuration::from_mins(10),
            "{life}"
        );
        let transcript = path(&row, "Transcript URL");
        let (next, _, row) = world.spoken("front").await;
        assert!(row.contains_key("Recording URL expires"), "{row:#?}");
        let links = [&old, &transcript, &path(&row, "Recording URL")].map(String::clone);
        for link in &links {
            assert_eq!(world.click(link).await, 302, "{link}");
        }
        move_clock::<8>(2 * HOUR + 60);
        for link in &links {
            assert_eq!(world.click(link).await, 410, "{link}");
        }
        let page = world
            .http
            .get(world.url(&old))
            .header("accept", "text/html");
        let page = page.send().await.unwrap().text().await.unwrap();
        assert!(page.contains("This link has expired"), "{page}");
        // Whoever may run commands makes another one. (Commands have no clock that can be moved.)
        move_clock::<8>(-2 * HOUR - 60);
        let asked = world.run(&["calls", "link", &next, "--json"]).await.stdout;
        let asked: serde_json::Value = serde_json::from_str(&asked).unwrap();
        let expires: Timestamp = asked["expires_at"].as_str().unwrap().parse().unwrap();
        let link = asked["url"]
            .as_str()
            .unwrap()
            .strip_prefix(super::PUBLIC)
            .unwrap();
        assert!(!links.contains(&link.to_owned()));
        assert_eq!(world.click(link).await, 302);
        let left = expires.duration_since(livekit_airtable::telemetry::now());
        assert!(left > more && left <= two, "{left}");
        move_clock::<8>(2 * HOUR + 60);
        assert_eq!(world.click(link).await, 410);
        // Without a life, they are valid again.
        world.set("LINK_LIFE", "");
        world.stop().await;
        world.start().await;
        for link in links.iter().map(String::as_str).chain([link]) {
            assert_eq!(world.click(link).await, 302, "{link}");
        }
        let undated = |row: &crate::reader::Row| !row.contains_key("Recording URL expires");
        world.row_where(&call, undated).await;
        world.row_where(&next, undated).await;
        world.stop().await;
        move_clock::<8>(-2 * HOUR - 60);
    }
}
