//! PostgreSQL goes silent: connections stay open and nothing arrives through them, as after a failover or behind a
//! firewall that has dropped them. New connections work.

use std::time::{Duration, Instant};

use livekit_airtable::store::{InboxMessage, MessageKind, Store};
use sqlx::{Connection, Executor, PgConnection};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::postgres::fresh_database;
use crate::{
    harness::{World, in_time},
    signed_webhooks,
};

/// Stands before PostgreSQL.
struct Line {
    url: String,
    /// Counted up when those that are open fall silent.
    cuts: watch::Sender<usize>,
}

impl Line {
    async fn to(database: &str) -> Line {
        let (before, path) = database.rsplit_once('/').unwrap();
        let (_, server) = before.rsplit_once('@').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://test@{}/{path}", listener.local_addr().unwrap());
        let (cuts, cut) = watch::channel(0);
        let server = server.to_owned();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (server, mut cut) = (server.clone(), cut.clone());
                cut.mark_unchanged();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
                        _ = cut.changed() => {}
                    }
                    // Both stay open, and nothing is read.
                    std::future::pending::<()>().await;
                });
            }
        });
        Line { url, cuts }
    }

    fn fall_silent(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

/// Blocks all writes to the inbox.
async fn lock(database: &str) -> PgConnection {
    let mut other = PgConnection::connect(database).await.unwrap();
    other.execute("BEGIN").await.unwrap();
    other
        .execute("LOCK TABLE inbox IN SHARE MODE")
        .await
        .unwrap();
    other
}

/// Until somebody waits for that lock.
async fn is_waited_for(other: &mut PgConnection) {
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    in_time(async {
        loop {
            let count: i64 = sqlx::query_scalar(waiting)
                .fetch_one(&mut *other)
                .await
                .unwrap();
            if count > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_was_being_written_when_postgres_fell_silent_is_refused_and_others_are_kept()
{
    let database = fresh_database().await;
    let line = Line::to(&database).await;
    let store = Store::open(&line.url, livekit_airtable::telemetry::now())
        .await
        .unwrap();
    let message = || {
        InboxMessage::new(
            MessageKind::Webhook,
            "{}",
            livekit_airtable::telemetry::now(),
        )
    };
    store.put(message()).await.unwrap();
    let mut other = lock(&database).await;
    let (writer, first) = (store.clone(), message());
    let first = tokio::spawn(async move { writer.put(first).await });
    is_waited_for(&mut other).await;
    line.fall_silent();
    other.close().await.unwrap();
    let refused = first.await.unwrap().unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("it is unreachable, locked or overloaded"),
        "{refused}"
    );
    // Each other connection of the pool is found out in its turn.
    let mut tries = 0;
    while store.put(message()).await.is_err() {
        tries += 1;
        assert!(tries < 10, "nothing is taken any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_postgres_falls_silent_goes_on_by_itself() {
    let database = fresh_database().await;
    let line = Line::to(&database).await;
    let world = World::with(&[("DATABASE_URL", &line.url)]).await;
    let call = world.livekit.open_room("before");
    world.row_is(&call, "Live").await;
    line.fall_silent();
    let answered = async |n: usize| {
        let room =
            serde_json::json!({"sid": format!("RM_silent{n}"), "name": format!("silent-{n}")});
        let event = serde_json::json!({"event": "room_started", "id": format!("EV_silent{n}"), "room": room});
        let body = event.to_string().into_bytes();
        signed_webhooks::send_as(&world, Some(signed_webhooks::signature(&body)), body)
            .await
            .status()
    };
    let mut tries = 0;
    while answered(1).await != 200 {
        tries += 1;
        assert!(tries < 20, "nothing is taken any more");
    }
    assert_eq!(answered(2).await, 200);
    assert_eq!(world.get("/readyz").await.status(), 200);
    // A job that was asking at that moment finds out after two minutes; mostly none was.
    let asked = Instant::now();
    while world.airtable.rows("Calls").len() < 3 {
        assert!(asked.elapsed() < Duration::from_secs(200), "the jobs hang");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
