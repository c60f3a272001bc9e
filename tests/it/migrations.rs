//! The database's migrations, on both engines: databases of the version before there were any, replicas that start
//! together, migrations that fail, and databases of later versions.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use livekit_airtable::{
    domain::Sink,
    store::{CallFilter, Error, Migration, Migrations, Setting, Store},
    telemetry::now,
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};
use tempfile::TempDir;

use crate::{
    harness::World, inbox::unprocessed, mirror::Receiver, play::text, process::run,
    real::postgres::fresh_database,
};

/// The newest migration of this version.
const NEWEST: &str = "0014";

/// What 9e4522d compares the setting `tables` with.
const FIRST_TABLES: &str = "d142523020fb144e";

/// A database of one test, and the folder that it may lie in.
struct Database {
    url: String,
    folder: TempDir,
}

#[derive(Clone, Copy)]
enum Engine {
    Sqlite,
    Postgres,
}

impl Database {
    /// One that no version has opened.
    async fn empty(engine: Engine) -> Database {
        let folder = tempfile::tempdir().unwrap();
        let url = match engine {
            Engine::Sqlite => format!("sqlite:{}", folder.path().join("calls.db").display()),
            Engine::Postgres => fresh_database().await,
        };
        Database { url, folder }
    }

    /// As 9e4522d left it.
    async fn of_9e4522d(engine: Engine) -> Database {
        let database = Database::empty(engine).await;
        let fixtures = "tests/fixtures/database/9e4522d";
        match engine {
            Engine::Sqlite => {
                let file = database.folder.path().join("calls.db");
                std::fs::copy(format!("{fixtures}.sqlite"), file).unwrap();
            }
            Engine::Postgres => {
                let dump = std::fs::read_to_string(format!("{fixtures}.postgres.sql")).unwrap();
                let mut connection = database.connect().await;
                let dump = sqlx::raw_sql(AssertSqlSafe(dump));
                dump.execute(&mut connection).await.unwrap();
            }
        }
        database
    }

    async fn connect(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.url).await.unwrap()
    }

    async fn open(&self) -> Result<Store, Error> {
        Store::open(&self.url, now()).await
    }

    async fn open_with(&self, migrations: Migrations) -> Result<Store, Error> {
        Store::open_with(&self.url, &migrations, now()).await
    }

    async fn execute(&self, sql: &'static str) {
        self.connect().await.execute(sql).await.unwrap();
    }

    /// The migrations that were applied, by number.
    async fn applied(&self) -> Vec<String> {
        let sql = "SELECT number, name FROM migrations ORDER BY number";
        let rows = sqlx::query(sql).fetch_all(&mut self.connect().await).await;
        let rows = rows.unwrap();
        rows.iter().map(|row| row.get("name")).collect()
    }

    async fn tables_setting(&self) -> String {
        let sql = "SELECT value FROM settings WHERE name = 'tables'";
        let mut connection = self.connect().await;
        let value = sqlx::query_scalar(sql).fetch_one(&mut connection);
        value.await.unwrap()
    }
}

/// A migration that fails after it has changed something.
fn failing() -> Migration {
    Migration::new(
        "0099_fails",
        "CREATE TABLE half (id BIGINT); INSERT INTO nowhere (id) VALUES (1);",
    )
}

async fn upgrades_what_9e4522d_wrote(engine: Engine) {
    let database = Database::of_9e4522d(engine).await;
    let store = database.open().await.unwrap();
    assert_eq!(database.applied().await.first().unwrap(), "0001_init");
    let filter = CallFilter {
        limit: 100,
        ..CallFilter::default()
    };
    let calls = store.page(&filter).await.unwrap().calls;
    let statuses: BTreeMap<&str, &str> = calls
        .iter()
        .map(|row| (row.call.room_name.as_str(), row.call.status().as_str()))
        .collect();
    let expected = [
        ("failing", "failed"),
        ("front-desk", "complete"),
        ("open", "live"),
        ("queued", "complete"),
        ("refused", "live"),
        ("silent", "no_recording"),
        ("waiting", "live"),
    ];
    assert_eq!(statuses, BTreeMap::from(expected));
    let mut states = BTreeMap::new();
    for row in &calls {
        let id = &row.call.id;
        let (messages, _) = store.messages_of(id, "").await.unwrap();
        assert!(!messages.is_empty(), "{id}");
        for delivery in store.deliveries_of(id).await.unwrap() {
            *states
                .entry((delivery.key.sink, delivery.state.as_str()))
                .or_insert(0) += 1;
        }
    }
    let expected = [
        ((Sink::Storage, "done"), 2),
        ((Sink::Airtable, "dead"), 1),
        ((Sink::Airtable, "done"), 4),
        ((Sink::Airtable, "parked"), 1),
        ((Sink::Airtable, "pending"), 1),
        ((Sink::Mirror, "done"), 3),
        ((Sink::Mirror, "pending"), 1),
    ];
    // One was about to be done when that version stopped.
    let [done, pending] =
        ["done", "pending"].map(|state| states.remove(&(Sink::Egress, state)).unwrap());
    assert_eq!(done + pending, 6);
    assert_eq!(states, BTreeMap::from(expected));
    let complete = calls.iter().find(|row| row.call.room_name == "front-desk");
    let complete = store.call(&complete.unwrap().call.id).await.unwrap();
    assert!(complete.unwrap().call.reports.newest().is_some());
    let later = now() + std::time::Duration::from_secs(3600);
    assert_eq!(unprocessed(&store, later, 10).await.len(), 1);
    assert_eq!(store.paused_sinks().await.unwrap().len(), 1);
    let secret = store.get(Setting::LinkSecret).await.unwrap();
    assert_eq!(secret.map(|secret| secret.len()), Some(64));
    store.close().await;
    assert_eq!(database.tables_setting().await, FIRST_TABLES);
}

/// What was pending when the old version stopped is sent by this one.
async fn continues_deliveries_of_9e4522d(engine: Engine) {
    let database = Database::of_9e4522d(engine).await;
    let (mirror, mirror_url) = Receiver::start(&[]).await;
    let settings = [
        ("DATABASE_URL", database.url.as_str()),
        ("EGRESS_WEBHOOK_URL", &mirror_url),
    ];
    let mut world = World::with(&settings).await;
    let calls = world.get("/v1/calls").await.json::<serde_json::Value>();
    let calls = calls.await.unwrap();
    let id = |room: &str| {
        let calls = calls["calls"].as_array().unwrap();
        let call = calls.iter().find(|call| call["room_name"] == room);
        call.unwrap()["call_id"].as_str().unwrap().to_owned()
    };
    let row = world.row_is(&id("queued"), "Complete").await;
    assert_eq!(
        text(&row, "Transcript"),
        "Agent: Hello.\nCaller: Hello there."
    );
    assert_eq!(text(&row, "Caller"), "+15557654321");
    world.row_where(&id("waiting"), |_| true).await;
    assert_eq!(mirror.hears(1).await.len(), 1);
    // And what is new goes the same way.
    let call = world.livekit.open_room("new");
    world.row_is(&call, "Live").await;
    world.stop().await;
    let store = database.open().await.unwrap();
    let pending = store.waiting_for(Sink::Mirror).await.unwrap();
    assert_eq!(pending, 0, "the mirror has all");
    store.close().await;
}

async fn replicas_migrate_once(engine: Engine) {
    for database in [
        Database::empty(engine).await,
        Database::of_9e4522d(engine).await,
    ] {
        let later = Migration::new("0098_once", "CREATE TABLE once (id BIGINT);");
        let opening = (0..6).map(|_| database.open_with(Migrations::default().with(later)));
        for store in join_all(opening).await {
            store.unwrap().close().await;
        }
        let applied = database.applied().await;
        assert_eq!(applied.first().unwrap(), "0001_init");
        assert_eq!(applied.last().unwrap(), "0098_once");
        let mut once = applied.clone();
        once.dedup();
        assert_eq!(applied, once);
        assert_eq!(database.tables_setting().await, FIRST_TABLES);
    }
}

async fn a_failing_migration_changes_nothing(engine: Engine) {
    let database = Database::of_9e4522d(engine).await;
    let broken = database
        .open_with(Migrations::default().with(failing()))
        .await;
    let error = broken.err().unwrap().to_string();
    assert!(
        error.contains("0099_fails") && error.contains("nowhere"),
        "{error}"
    );
    let half = "SELECT COUNT(*) FROM half";
    assert!(database.connect().await.execute(half).await.is_err());
    assert!(!database.applied().await.contains(&"0099_fails".to_owned()));
    let store = database.open().await.unwrap();
    let filter = CallFilter {
        limit: 100,
        ..CallFilter::default()
    };
    assert_eq!(store.page(&filter).await.unwrap().calls.len(), 7);
    store.close().await;
}

async fn a_later_step_is_accepted(engine: Engine) {
    let database = Database::of_9e4522d(engine).await;
    let later = Migration::new(
        "0098_later",
        "ALTER TABLE inbox ADD COLUMN later TEXT; ALTER TABLE deliveries ADD COLUMN later TEXT;
         CREATE TABLE later (id BIGINT NOT NULL PRIMARY KEY);",
    );
    let newer = database.open_with(Migrations::default().with(later)).await;
    newer.unwrap().close().await;
    let mut world = World::with(&[("DATABASE_URL", &database.url)]).await;
    let call = world.livekit.open_room("later-step");
    world.row_is(&call, "Live").await;
    world.stop().await;
    assert_eq!(database.applied().await.last().unwrap(), "0098_later");
}

async fn a_later_format_is_refused(engine: Engine) {
    let database = Database::empty(engine).await;
    let later = Migration::new("0102_later", "ALTER TABLE inbox RENAME TO messages;");
    let newer = database.open_with(Migrations::default().with(later)).await;
    newer.unwrap().close().await;
    let error = database.open().await.err().unwrap();
    assert!(matches!(error, Error::LaterFormat { .. }), "{error:?}");
    let settings = [("DATABASE_URL".to_owned(), database.url.clone())];
    let done = run(database.folder.path(), &["calls", "list"], &settings).await;
    assert_ne!(done.code, Some(0), "{done:?}");
    for part in ["0102", NEWEST, "start the version that upgraded", "restore"] {
        assert!(done.stderr.contains(part), "{part}: {done:?}");
    }
    // The version without migrations refuses it, too.
    assert_ne!(database.tables_setting().await, FIRST_TABLES);
}

async fn a_changed_migration_is_an_error(engine: Engine) {
    let database = Database::empty(engine).await;
    database.open().await.unwrap().close().await;
    database
        .execute("UPDATE migrations SET checksum = 'other' WHERE number = 1")
        .await;
    let error = database.open().await.err().unwrap().to_string();
    assert!(error.contains("0001_init"), "{error}");
}

async fn tables_of_an_unknown_version_are_refused(engine: Engine) {
    let database = Database::of_9e4522d(engine).await;
    database
        .execute("UPDATE settings SET value = '0123456789abcdef' WHERE name = 'tables'")
        .await;
    let error = database.open().await.err().unwrap();
    assert!(matches!(error, Error::OtherTables), "{error:?}");
    let migrations = "SELECT COUNT(*) FROM migrations";
    assert!(database.connect().await.execute(migrations).await.is_err());
}

macro_rules! on_both_engines {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(super::Engine::Sqlite).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(super::Engine::Postgres).await;
            })*
        }
    };
}

on_both_engines!(
    upgrades_what_9e4522d_wrote,
    continues_deliveries_of_9e4522d,
    replicas_migrate_once,
    a_failing_migration_changes_nothing,
    a_later_step_is_accepted,
    a_later_format_is_refused,
    a_changed_migration_is_an_error,
    tables_of_an_unknown_version_are_refused,
);
