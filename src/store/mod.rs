//! The database: all SQL of the crate, and only SQL. One text runs on SQLite and PostgreSQL. Every transaction's first
//! statement is a write, and none is open while anything waits on a network.

mod calls;
mod clock_regression;
mod deliveries;
mod finish;
mod inbox;
mod lease;
mod ledger;
mod monitoring;
mod outage;
mod paused_sinks;
mod rebuild;
mod redrive;
mod retention;

use std::{str::FromStr, time::Duration};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::{
    AnyConnection, AnyPool, AssertSqlSafe, Connection, Executor,
    any::{AnyConnectOptions, AnyPoolOptions},
    error::DatabaseError,
};

use crate::domain::hex;

pub use calls::{CallFilter, CallRow, CallUpdate, Page};
pub use deliveries::{AttemptRecord, Delivery, DeliveryKey, DeliveryState, QueueDepth, sink_name};
pub use finish::Finish;
pub use inbox::{InboxMessage, MessageKind, Processed, Waiting};
pub use lease::Lease;
pub use ledger::{After, BaseRow};
pub use monitoring::{Backlog, WebhookGap};
pub use paused_sinks::PausedSink;
pub use rebuild::ReadResult;
pub use redrive::{Outstanding, RedriveScope, Selection};

const DDL: &str = include_str!("../../schema/database/0001_init.sql");

/// Where it is kept when the service first ran.
const BEGAN_AT: &str = "began_at";

/// A time that never comes, for rows that wait for nothing.
pub const NEVER: i64 = i64::MAX;

/// How long PostgreSQL has to give a connection, or a lock that somebody else holds: LiveKit must hear our 503, and
/// `Retry-After`, in time.
const ANSWERS: Duration = Duration::from_secs(5);

/// How long PostgreSQL has to store what is told at one time: a connection that has gone silent (a failover without a
/// word) would be waited for for ever. A file does not go silent, and a slow disk may take its time.
const WRITES: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("DATABASE_URL: the database cannot be opened")]
    Open(#[source] sqlx::Error),
    #[error("DATABASE_URL: the database cannot be reached; is PostgreSQL up?")]
    Away(#[source] sqlx::Error),
    /// Told with its cause.
    #[error("{}", told(.0))]
    Sql(sqlx::Error),
    #[error(
        "DATABASE_URL: the database was made by another version of livekit-airtable, with other tables; start that version again, or name a new database"
    )]
    OtherTables,
    #[error("another owner changed the same rows")]
    Conflict,
    #[error("the database holds something that this version cannot read")]
    Json(#[from] serde_json::Error),
    #[error("the database is being closed")]
    Closed,
    /// It was told when it began; the sender comes again.
    #[error("the database cannot be written: {0}")]
    NotWritten(String),
}

impl Error {
    /// What the database said, for people, where it is known already that it is the database.
    pub fn reason(&self) -> String {
        match self {
            Error::Sql(error) | Error::Open(error) | Error::Away(error) => reason(error),
            Error::NotWritten(reason) => reason.clone(),
            error => error.to_string(),
        }
    }

    /// Whether the database refused what was to be written or asked for, and would again each time: a NUL, or an index
    /// entry that is too long (PostgreSQL's classes 22 and 54).
    pub fn is_of_values(&self) -> bool {
        let Error::Sql(sqlx::Error::Database(said)) = self else {
            return false;
        };
        let code = said.code().unwrap_or_default();
        code.len() == 5 && (code.starts_with("22") || code.starts_with("54"))
    }

    /// For who has waited long enough.
    pub fn silent() -> Error {
        Error::Sql(sqlx::Error::PoolTimedOut)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        Error::Sql(error)
    }
}

/// The driver's own words tell the cause's over again.
fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::PoolTimedOut => "it is away, locked or overloaded".to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Database(said) => {
            let code = said.code().unwrap_or_default();
            format!("{} (code {code})", said.message())
        }
        error => error.to_string(),
    }
}

fn told(error: &sqlx::Error) -> String {
    let what = match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) => "does not answer",
        _ => "refused",
    };
    format!("the database {what}: {}", reason(error))
}

type Result<T> = std::result::Result<T, Error>;

/// Both engines behind one face: one writer and some readers on SQLite, a common pool on PostgreSQL.
#[derive(Clone)]
pub struct Store {
    write: AnyPool,
    read: AnyPool,
    inbox: inbox::Writer,
    sqlite: bool,
}

impl Store {
    /// Opens (and on SQLite creates) the database and its tables.
    pub async fn open(url: &str) -> Result<Store> {
        sqlx::any::install_default_drivers();
        let sqlite = url.starts_with("sqlite:");
        let options = AnyConnectOptions::from_str(&address(url)).map_err(Error::Open)?;
        if !sqlite {
            reach(&options).await?;
        }
        let pool = pool_options(sqlite, if sqlite { 1 } else { 8 });
        let write = leave_no_transaction(pool).connect_with(options.clone());
        let write = write.await.map_err(Error::Open)?;
        create_tables(&write, sqlite).await?;
        let read = if sqlite {
            let pool = pool_options(sqlite, 4).connect_with(options);
            pool.await.map_err(Error::Open)?
        } else {
            write.clone()
        };
        let patience = if sqlite { Duration::MAX } else { WRITES };
        let inbox = inbox::Writer::start(write.clone(), patience);
        let store = Store {
            write,
            read,
            inbox,
            sqlite,
        };
        store.know_tables().await?;
        Ok(store)
    }

    /// Tables that are there stay as they are, so another version's would fail at the first statement that needs more.
    async fn know_tables(&self) -> Result<()> {
        let tables = hex(&Sha256::digest(ddl())[..8]);
        let known = match self.get("tables").await? {
            Some(known) => known,
            None => self.get_or_set("tables", &tables).await?,
        };
        if known != tables {
            return Err(Error::OtherTables);
        }
        Ok(())
    }

    /// Whether a row can be written now. A connection that cannot write is closed: SQLite opens a file that may only be
    /// read at that moment for reading alone, and such a connection would never write again.
    pub async fn check(&self, now: Timestamp) -> Result<()> {
        let mut connection = self.write.acquire().await?;
        let written = set(&mut connection, "checked_at", &now.to_string()).await;
        if written.is_err() {
            connection.close().await.ok();
        }
        Ok(written?)
    }

    pub async fn set(&self, name: &str, value: &str) -> Result<()> {
        let mut connection = self.write.acquire().await?;
        Ok(set(&mut connection, name, value).await?)
    }

    pub async fn get(&self, name: &str) -> Result<Option<String>> {
        let query = sqlx::query_scalar("SELECT value FROM settings WHERE name = $1");
        Ok(query.bind(name).fetch_optional(&self.read).await?)
    }

    /// The stored value, or `fresh` stored now: whoever comes first decides for all.
    pub async fn get_or_set(&self, name: &str, fresh: &str) -> Result<String> {
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(fresh)
        .execute(&self.write)
        .await?;
        Ok(self.get(name).await?.unwrap_or_else(|| fresh.to_owned()))
    }

    /// Notes that the service runs now, unless it ever did; when it first did.
    pub async fn begin(&self, now: Timestamp) -> Result<Timestamp> {
        self.get_or_set(BEGAN_AT, &now.to_string()).await?;
        self.began_at().await
    }

    /// When the service first ran on this database; the beginning of time while it never has.
    pub async fn began_at(&self) -> Result<Timestamp> {
        let began_at = self.get(BEGAN_AT).await?;
        let began_at = began_at.and_then(|at| at.parse().ok());
        Ok(began_at.unwrap_or(Timestamp::MIN))
    }

    /// Waits for what is being written, then closes every connection.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

async fn set(
    connection: &mut AnyConnection,
    name: &str,
    value: &str,
) -> std::result::Result<(), sqlx::Error> {
    let query = sqlx::query(
        "INSERT INTO settings (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    );
    query.bind(name).bind(value).execute(connection).await?;
    Ok(())
}

/// Tells at once what is wrong: a pool would try for its whole timeout, and then know only that it was in vain.
async fn reach(options: &AnyConnectOptions) -> Result<()> {
    let connecting = tokio::time::timeout(ANSWERS, AnyConnection::connect_with(options)).await;
    let connection = connecting.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    let starts = |error: &dyn DatabaseError| error.code().is_some_and(|code| code == "57P03");
    match connection {
        Ok(connection) => connection.close().await.map_err(Error::Open),
        Err(error @ (sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut)) => Err(Error::Away(error)),
        Err(error) if error.as_database_error().is_some_and(starts) => Err(Error::Away(error)),
        Err(error) => Err(Error::Open(error)),
    }
}

/// The file of a SQLite database; `None` on PostgreSQL.
pub fn sqlite_file(url: &str) -> Option<&str> {
    let file = url.strip_prefix("sqlite:")?.trim_start_matches("//");
    file.split('?').next()
}

/// Whether there is a database to open: [`Store::open`] makes the file of one that is not there.
pub fn exists(url: &str) -> bool {
    sqlite_file(url).is_none_or(|file| std::path::Path::new(file).exists())
}

fn address(url: &str) -> String {
    if !url.starts_with("sqlite:") || url.contains("mode=") {
        return url.to_owned();
    }
    let sign = if url.contains('?') { '&' } else { '?' };
    format!("{url}{sign}mode=rwc")
}

fn pool_options(sqlite: bool, size: u32) -> AnyPoolOptions {
    let options = AnyPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(Duration::from_secs(10));
    if !sqlite {
        let options = options.acquire_timeout(ANSWERS);
        return options.after_connect(|connection, _| {
            Box::pin(async move {
                let limit = format!("SET lock_timeout = {}", ANSWERS.as_millis());
                connection.execute(AssertSqlSafe(limit)).await?;
                Ok(())
            })
        });
    }
    // A file does not hang up, so connections are not tried before each use.
    let options = options.test_before_acquire(false);
    options.after_connect(|connection, _| {
        Box::pin(async move {
            let pages = sqlx::query_scalar::<_, i64>("PRAGMA page_count");
            // It is a write, and possible only before anything else is.
            if pages.fetch_one(&mut *connection).await? == 0 {
                connection
                    .execute("PRAGMA auto_vacuum = INCREMENTAL")
                    .await?;
            }
            connection
                .execute("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -2000;")
                .await?;
            Ok(())
        })
    })
}

/// Closes a connection whose transaction could not be ended. When a write fails for the disk's sake, SQLite rolls the
/// whole transaction back by itself and sqlx, which is then refused its own ROLLBACK, counts it as open: later ones would
/// be savepoints in a transaction that nobody commits, and what was acknowledged would be lost (measured with sqlx 0.9).
fn leave_no_transaction(options: AnyPoolOptions) -> AnyPoolOptions {
    options.after_release(|connection, _| {
        Box::pin(async move {
            // A rollback that was only begun is over after it. One that has gone silent would keep its place for ever.
            let ping = tokio::time::timeout(ANSWERS, connection.ping()).await;
            ping.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
            Ok(!connection.is_in_transaction())
        })
    })
}

/// The statements that make the tables, without comments.
fn ddl() -> String {
    let lines = DDL.lines().filter_map(|line| line.split("--").next());
    lines.map(str::trim).collect::<Vec<_>>().join("\n")
}

async fn create_tables(pool: &AnyPool, sqlite: bool) -> Result<()> {
    let mut connection = pool.acquire().await.map_err(Error::Open)?;
    if !sqlite {
        // Replicas that start together would collide: on PostgreSQL two `CREATE TABLE IF NOT EXISTS` at once do.
        let lock = "SELECT pg_advisory_lock(4915207)";
        connection.execute(lock).await.map_err(Error::Open)?;
    }
    for statement in ddl().split(';').map(str::trim).filter(|s| !s.is_empty()) {
        let statement = AssertSqlSafe(statement.to_owned());
        let made = connection.execute(sqlx::query(statement)).await;
        made.map_err(Error::Open)?;
    }
    if !sqlite {
        let unlock = "SELECT pg_advisory_unlock(4915207)";
        connection.execute(unlock).await.map_err(Error::Open)?;
    }
    Ok(())
}

/// Chunks of a power of two rows, so that there are few statements to prepare.
fn chunks<T>(mut rest: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = 1 << rest.len().min(64).checked_ilog2()?;
        let (chunk, tail) = rest.split_at(size);
        rest = tail;
        Some(chunk)
    })
}

/// `($1, $2), ($3, $4)`: as many rows, each of so many parameters from `$first` on and the constants at its end.
fn rows(count: usize, first: usize, columns: usize, constants: &str) -> String {
    let row = |n: usize| {
        let from = first + n * columns;
        let parameters: Vec<String> = (from..from + columns).map(|i| format!("${i}")).collect();
        format!("({}{constants})", parameters.join(", "))
    };
    (0..count).map(row).collect::<Vec<_>>().join(", ")
}

/// Text from outside as a column takes it: PostgreSQL refuses NUL.
fn text(outside: &str) -> String {
    outside.replace('\0', "")
}

fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millisecond)
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}
