//! PgBouncer between the service and PostgreSQL, with the settings of Debian's package: session mode works, and transaction
//! mode is refused before anything is stored.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use sqlx::{Connection, Executor, PgConnection};
use tokio::task::JoinSet;

use super::{exported, postgres::fresh_database};
use crate::{
    harness::{World, caller, in_time},
    process::{self, Done},
};

/// A database of its own behind one of the PgBouncers.
pub(super) async fn behind(pgbouncer: &str) -> String {
    let database = fresh_database().await;
    let name = database.rsplit_once('/').unwrap().1;
    let address = exported(pgbouncer);
    format!("{}/{name}", address.rsplit_once('/').unwrap().0)
}

/// Other programs that use the same database through the same PgBouncer, until they are dropped.
struct Load {
    _tasks: JoinSet<()>,
}

impl Load {
    /// Returns once every connection has had answers.
    async fn start(database: &str) -> Load {
        let (mut tasks, answers) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..8 {
            let mut connection = PgConnection::connect(database).await.unwrap();
            let answers = answers.clone();
            tasks.spawn(async move {
                loop {
                    connection
                        .execute(sqlx::raw_sql("SELECT pg_sleep(0.001)"))
                        .await
                        .unwrap();
                    answers.fetch_add(1, Relaxed);
                }
            });
        }
        in_time(async {
            while answers.load(Relaxed) < 100 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        Load { _tasks: tasks }
    }
}

fn assert_refused(done: &Done) {
    assert_eq!(done.code, Some(64), "{done:?}");
    for word in [
        "DATABASE_URL",
        "PgBouncer",
        "pool_mode = session",
        "5432",
        "extra_float_digits",
    ] {
        assert!(done.stderr.contains(word), "{word}: {}", done.stderr);
    }
}

/// Starts twice, and a command.
pub(super) async fn is_refused(world: &World, database: &str) {
    let mut settings = world.settings().to_vec();
    settings.push(("DATABASE_URL".into(), database.into()));
    for args in [&["serve"][..], &["serve"], &["calls", "list"]] {
        let done = process::run(world.folder.path(), args, &settings).await;
        assert_refused(&done);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transaction_mode_is_refused_with_debians_settings() {
    let mut world = World::new().await;
    world.stop().await;
    is_refused(&world, &behind("DATABASE_TEST_PGBOUNCER").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statement_mode_is_refused() {
    let mut world = World::new().await;
    world.stop().await;
    is_refused(&world, &behind("DATABASE_TEST_PGBOUNCER_STATEMENT").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transaction_mode_is_refused_also_under_load() {
    let mut world = World::new().await;
    world.stop().await;
    let database = behind("DATABASE_TEST_PGBOUNCER_TRANSACTION").await;
    is_refused(&world, &database).await;
    let database = behind("DATABASE_TEST_PGBOUNCER_TRANSACTION").await;
    let _load = Load::start(&database).await;
    is_refused(&world, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn session_mode_works_twice_in_a_row_and_under_load() {
    let database = behind("DATABASE_TEST_PGBOUNCER_SESSION").await;
    let mut world = World::with(&[("DATABASE_URL", &database)]).await;
    let mut loads = Vec::new();
    for room in ["pgbouncer-1", "pgbouncer-2"] {
        let call = world.livekit.open_room(room);
        world.livekit.join(room, caller("+15551234567"));
        world.starts(room, 1).await;
        world.livekit.speak(room);
        world.livekit.close_room(room);
        world.row_is(&call, "Complete").await;
        world.stop().await;
        loads.push(Load::start(&database).await);
        world.start().await;
    }
}
