//! SQLite and PostgreSQL: what differs between them beyond one SQL text.

use std::time::Duration;

use sqlx::{
    Any, AnyConnection, AssertSqlSafe, Connection, Executor, Transaction, any::AnyPoolOptions,
};

/// How long PostgreSQL has to give a connection, or a lock that somebody else holds: LiveKit must get our 503 and its
/// `Retry-After` in time.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection to SQLite waits for others, in milliseconds.
pub(super) const BUSY_TIMEOUT: u32 = 5000;

/// Bytes of a page of a new SQLite database. Most writes are small and in many places, and each costs a page: with SQLite's
/// 4,096 bytes, half as much again would be written.
const PAGE: u32 = 1024;

/// Bytes of pages in SQLite's write-ahead log after which the writer itself moves it into the database: usually it is moved
/// beside the writer (`checkpoint`), which other writes than messages do not cause. The longer the log, the fewer times a page
/// is moved.
const LOG: i64 = 192 << 20;
/// Bytes of the file that stay when the log starts over.
const LOG_KEPT: u32 = 64 << 20;

/// What a statement has changed is kept until it is complete; in a file, it would be a third of all that is written.
const CHANGES_IN_MEMORY: &str = "PRAGMA temp_store = MEMORY";
/// What is sorted may be larger than memory.
const SORTING_IN_FILES: &str = "PRAGMA temp_store = FILE";

/// Kibibytes of pages that the connection to SQLite which writes keeps in memory, and each of those that read: these find the
/// same pages in the system's cache.
const WRITER_CACHE: u32 = 2000;
const READER_CACHE: u32 = 500;

/// How long PostgreSQL has to store one group of messages: a connection that is half open (after a failover) would
/// be waited for without end. A file has no connection, and a slow disk may take its time.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a process waits while another one migrates.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(600);

/// The PostgreSQL advisory lock held while tables are created; the first version takes it, too.
const MIGRATION_LOCK: i64 = 4915207;

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    /// A file, with one writer and some readers.
    Sqlite,
    /// A server, with one pool for everything.
    Postgres,
}

type SqlResult<T> = std::result::Result<T, sqlx::Error>;

impl Engine {
    /// The engine of a DATABASE_URL.
    pub(super) fn of(url: &str) -> Engine {
        match url.starts_with("sqlite:") {
            true => Engine::Sqlite,
            false => Engine::Postgres,
        }
    }

    /// How long one group of messages may take to be stored.
    pub(super) fn write_timeout(self) -> Duration {
        match self {
            Engine::Sqlite => Duration::MAX,
            Engine::Postgres => WRITE_TIMEOUT,
        }
    }

    /// Options of the pool that writes: its size, and the settings of each connection.
    pub(super) fn writers(self) -> AnyPoolOptions {
        match self {
            Engine::Sqlite => leave_no_transaction(sqlite_pool(1, CHANGES_IN_MEMORY, WRITER_CACHE)),
            Engine::Postgres => leave_no_transaction(postgres_pool()),
        }
    }

    /// Options of a pool that reads beside the writers; `None`: the writers' pool is for all.
    pub(super) fn readers(self) -> Option<AnyPoolOptions> {
        match self {
            Engine::Sqlite => Some(sqlite_pool(4, SORTING_IN_FILES, READER_CACHE)),
            Engine::Postgres => None,
        }
    }

    /// A transaction to change tables in, which one process at a time has.
    pub(super) async fn begin_alone(
        self,
        connection: &mut AnyConnection,
    ) -> SqlResult<Transaction<'_, Any>> {
        if self == Engine::Sqlite {
            // An index of a large table is sorted.
            connection.execute(SORTING_IN_FILES).await?;
            return connection.begin_with("BEGIN IMMEDIATE").await;
        }
        let mut transaction = connection.begin().await?;
        let (lock, answer) = (MIGRATION_TIMEOUT.as_millis(), ANSWER_TIMEOUT.as_millis());
        let sql = format!(
            "SET LOCAL lock_timeout = {lock}; SELECT pg_advisory_xact_lock({MIGRATION_LOCK}); SET LOCAL lock_timeout = {answer}"
        );
        let locked = sqlx::raw_sql(AssertSqlSafe(sql));
        locked.execute(&mut *transaction).await?;
        Ok(transaction)
    }

    /// Prepares a connection for small changes, after [`begin_alone`](Self::begin_alone).
    pub(super) async fn end_alone(self, connection: &mut AnyConnection) -> SqlResult<()> {
        if self == Engine::Sqlite {
            connection.execute(CHANGES_IN_MEMORY).await?;
        }
        Ok(())
    }

    /// Whether it writes the index entries of all columns that a statement names, changed or not.
    pub(super) fn rewrites_indexes(self) -> bool {
        self == Engine::Sqlite
    }

    /// The end of a SELECT that locks rows of this alias and skips those that others have locked. SQLite has one writer,
    /// and nothing to skip.
    pub(super) fn skip_locked(self, alias: &'static str) -> String {
        match self {
            Engine::Sqlite => String::new(),
            Engine::Postgres => format!("FOR UPDATE OF {alias} SKIP LOCKED"),
        }
    }

    /// The operator that finds a text whatever the case of its letters; on SQLite, of ASCII letters.
    pub(super) fn like(self) -> &'static str {
        match self {
            Engine::Sqlite => "LIKE",
            Engine::Postgres => "ILIKE",
        }
    }

    /// Whether there is a table of this name.
    pub(super) async fn has_table(
        self,
        connection: &mut AnyConnection,
        name: &str,
    ) -> SqlResult<bool> {
        let sql = match self {
            Engine::Sqlite => {
                "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1"
            }
            Engine::Postgres => {
                "SELECT COUNT(*) FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p') AND oid = to_regclass($1)"
            }
        };
        let query = sqlx::query_scalar::<_, i64>(sql).bind(name);
        Ok(query.fetch_one(connection).await? > 0)
    }
}

fn postgres_pool() -> AnyPoolOptions {
    let options = AnyPoolOptions::new().max_connections(8);
    let options = options.acquire_timeout(ANSWER_TIMEOUT);
    options.after_connect(|connection, _| {
        Box::pin(async move {
            let limit = format!("SET lock_timeout = {}", ANSWER_TIMEOUT.as_millis());
            connection.execute(AssertSqlSafe(limit)).await?;
            Ok(())
        })
    })
}

fn sqlite_pool(size: u32, temporary: &'static str, cache: u32) -> AnyPoolOptions {
    let options = AnyPoolOptions::new().max_connections(size);
    let options = options.acquire_timeout(Duration::from_secs(10));
    // A file does not drop connections, so they are not tested before each use.
    let options = options.test_before_acquire(false);
    options.after_connect(move |connection, _| {
        Box::pin(async move {
            let pages = sqlx::query_scalar::<_, i64>("PRAGMA page_count");
            // This is a write, and only possible before any other.
            if pages.fetch_one(&mut *connection).await? == 0 {
                let layout = format!("PRAGMA page_size = {PAGE}; PRAGMA auto_vacuum = INCREMENTAL");
                connection.execute(AssertSqlSafe(layout)).await?;
            }
            let log_pages = LOG / page_size(connection).await?;
            let settings = format!(
                "PRAGMA busy_timeout = {BUSY_TIMEOUT}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 PRAGMA cache_size = -{cache}; PRAGMA wal_autocheckpoint = {log_pages}; PRAGMA journal_size_limit = {LOG_KEPT};
                 {temporary}"
            );
            connection.execute(AssertSqlSafe(settings)).await?;
            Ok(())
        })
    })
}

/// Bytes of a page of a SQLite database, which differ with the version that created it.
pub(super) async fn page_size(connection: &mut AnyConnection) -> SqlResult<i64> {
    let query = sqlx::query_scalar("PRAGMA page_size");
    query.fetch_one(connection).await
}

/// Closes a connection whose transaction could not be ended. If a write fails because of the disk, SQLite itself rolls
/// back the transaction, and sqlx, whose own ROLLBACK then fails, considers it open: later transactions would be
/// savepoints in one that is never committed, and acknowledged messages would be lost (measured with sqlx 0.9).
fn leave_no_transaction(options: AnyPoolOptions) -> AnyPoolOptions {
    options.after_release(|connection, _| {
        Box::pin(async move {
            // A rollback that was only begun is over after it. A half-open connection would keep its place in the pool.
            let ping = tokio::time::timeout(ANSWER_TIMEOUT, connection.ping()).await;
            ping.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
            Ok(!connection.is_in_transaction())
        })
    })
}
