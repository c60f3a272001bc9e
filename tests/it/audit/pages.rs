//! Pages of `GET /v1/audit`: no page has more lines than were asked for, and together they have each line once.

use serde_json::Value;

use super::{PUBLIC_URL, on_postgres};
use crate::harness::World;

async fn have_each_line_once(world: World) {
    let (_, _, path) = world.linked("desk").await;
    for n in 0..5 {
        let address = format!("203.0.113.{n}");
        let header = ("x-forwarded-for", address.as_str());
        assert_eq!(world.forwarded(&path, header).await, 302);
        assert_eq!(world.forwarded("/r/EG_none/0", header).await, 404);
    }
    let mut all = world.lines("listen", 10).await;
    all.retain(|line| line["status"] == 404);
    assert_eq!(all.len(), 5, "the refused ones are counted");
    let mut all = world.audit(&[]).await;
    all.reverse();
    for limit in [1, 2, 3, 5, 500] {
        let (mut lines, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/audit?limit={limit}{cursor}");
            let page: Value = world.get(&path).await.json().await.unwrap();
            let found = page["lines"].as_array().unwrap();
            assert!(found.len() <= limit, "{path}: {found:#?}");
            lines.extend(found.clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(lines, all, "{limit}");
    }
    for wrong in ["", "x", "1.5"] {
        let answer = world.get(&format!("/v1/audit?cursor={wrong}")).await;
        assert_eq!(answer.status(), 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_each_line_once() {
    have_each_line_once(World::with(&[PUBLIC_URL]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_each_line_once_on_postgres() {
    have_each_line_once(on_postgres(&[PUBLIC_URL]).await).await;
}
