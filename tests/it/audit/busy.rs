//! A database that is busy: links lead on, and their lines come later.

use sqlx::{AnyConnection, Connection, Executor};

use super::PUBLIC_URL;
use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_link_does_not_wait_for_a_busy_database_and_its_line_is_not_lost() {
    let world = World::with(&[PUBLIC_URL]).await;
    let (call, _, path) = world.linked("desk").await;
    let mut other = AnyConnection::connect(&world.database()).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    for n in 0..20 {
        let header = format!("203.0.113.{n}");
        let header = ("x-forwarded-for", header.as_str());
        if n < 3 {
            assert_eq!(world.forwarded(&path, header).await, 302);
        } else {
            assert_eq!(world.forwarded("/r/EG_none/0", header).await, 404);
        }
    }
    other.execute("ROLLBACK").await.unwrap();
    let lines = world.lines("listen", 20).await;
    let served = lines.iter().filter(|line| line["status"] == 302);
    assert!(served.clone().all(|line| line["call_id"] == call.as_str()));
    assert_eq!(served.count(), 3, "{lines:#?}");
}
