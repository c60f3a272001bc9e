//! Errors of the database.

use sqlx::error::DatabaseError;

use super::{migration::Number, unknown::UnknownValue};

/// Why the database could not be used. Messages that start with DATABASE_URL are configuration errors.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file or the server refuses a connection.
    #[error("DATABASE_URL: the database cannot be opened")]
    Open(#[source] sqlx::Error),
    /// PostgreSQL does not answer, or is still starting.
    #[error("DATABASE_URL: the database cannot be reached; is PostgreSQL running?")]
    Away(#[source] sqlx::Error),
    /// PgBouncer, or a pooler like it, in a mode that loses prepared statements.
    #[error(
        "DATABASE_URL leads to PgBouncer or another connection pooler in a mode that this service cannot use: set it to PostgreSQL's own address (usually port 5432), or set `pool_mode = session` and `ignore_startup_parameters = extra_float_digits` in pgbouncer.ini"
    )]
    Pooler(#[source] Option<sqlx::Error>),
    /// The connection is not verified: the server has no TLS, or its certificate is not trusted or not for this host.
    #[error(
        "DATABASE_URL: the connection to PostgreSQL is not secure, so nothing was sent ({}). Set up TLS on the server; if its certificate is not from a public authority, name that of the authority with sslrootcert=FILE in DATABASE_URL. If nobody else can reach the network to the server, set DATABASE_TLS=off", tls_reason(.0)
    )]
    Tls(sqlx::Error),
    /// A statement failed; the message includes the cause.
    #[error("{}", describe(.0))]
    Sql(sqlx::Error),
    /// Tables of a version from before there were migrations, which are not those of `0001_init`.
    #[error(
        "DATABASE_URL: the database was created by another version of livekit-airtable with other tables; start that version again, or use a new database"
    )]
    OtherTables,
    /// A migration of a later format was applied.
    #[error(
        "DATABASE_URL: the newest migration in the database is {in_database}, and the newest that this version of livekit-airtable knows is {known}; start the version that upgraded the database again, or restore a backup from before the upgrade"
    )]
    LaterFormat {
        /// The newest migration that was applied.
        in_database: Number,
        /// The newest migration of this version.
        known: Number,
    },
    /// A migration was applied with another text than this version's.
    #[error(
        "DATABASE_URL: migration {0} was applied to the database with other statements than this version of livekit-airtable has; start the version that upgraded the database again, or restore a backup"
    )]
    ChangedMigration(String),
    /// A migration's transaction failed and was rolled back.
    #[error(
        "DATABASE_URL: migration {name} failed and the database is as it was before: {}", reason(.source)
    )]
    Migration {
        /// The file's name, for example `0001_init`.
        name: String,
        /// The database's own error.
        #[source]
        source: sqlx::Error,
    },
    /// A guarded write found that the rows had changed since they were read.
    #[error("another process changed the same rows")]
    Conflict,
    /// A column that holds one of a closed set holds something else.
    #[error(transparent)]
    Unknown(#[from] UnknownValue),
    /// A value of ours could not be written as JSON.
    #[error("a value cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The store was closed before the message was stored.
    #[error("the database is closing")]
    Closed,
    /// Nothing can be stored at the moment, and why; it was logged when that began, and the sender tries again.
    #[error("the database cannot be written: {0}")]
    NotWritten(String),
}

/// The result of the store's functions.
pub(super) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The database's own words, for messages that name the database themselves.
    pub fn reason(&self) -> String {
        match self {
            Error::Sql(error) | Error::Open(error) | Error::Away(error) => reason(error),
            Error::NotWritten(reason) => reason.clone(),
            error => error.to_string(),
        }
    }

    /// Whether the database refuses a value that was to be written or looked for, and would each time: a NUL, or an
    /// index entry that is too long (PostgreSQL's classes 22 and 54).
    pub fn refuses_value(&self) -> bool {
        let Error::Sql(sqlx::Error::Database(error)) = self else {
            return false;
        };
        let code = error.code().unwrap_or_default();
        code.len() == 5 && (code.starts_with("22") || code.starts_with("54"))
    }

    /// Whether another process wrote the same rows at the same time, and the work can be done again at once: a guarded write
    /// came too late, or PostgreSQL ended one of two transactions that waited for each other (40P01).
    pub fn is_conflict(&self) -> bool {
        match self {
            Error::Conflict => true,
            Error::Sql(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|it| it == "40P01")
            }
            _ => false,
        }
    }

    /// For a caller that has waited long enough for an answer.
    pub fn timed_out() -> Error {
        Error::Sql(sqlx::Error::PoolTimedOut)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        Error::Sql(error)
    }
}

/// The usual reasons why no connection was free in time.
const POOL_TIMED_OUT: &str = "it is unreachable, locked or overloaded (behind PgBouncer or another pooler: its pool may be smaller than the 8 connections that this service uses, see default_pool_size)";

/// The cause in the database's words; the driver's own text would repeat them.
pub(super) fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::PoolTimedOut => POOL_TIMED_OUT.to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            let advice = match is_lost_statement(&code) {
                true => ": does DATABASE_URL lead to a connection pooler in transaction mode?",
                false => "",
            };
            format!("{} (code {code}){advice}", error.message())
        }
        error => error.to_string(),
    }
}

/// The fault of a TLS connection.
fn tls_reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Tls(error) => error.to_string(),
        error => error.to_string(),
    }
}

/// Whether a prepared statement was missing or existed already, which a pooler in transaction mode causes.
pub(super) fn lost_statement(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| is_lost_statement(&code))
}

fn is_lost_statement(code: &str) -> bool {
    matches!(code, "26000" | "42P05")
}

fn describe(error: &sqlx::Error) -> String {
    let verb = match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) => "does not respond",
        _ => "refused",
    };
    format!("the database {verb}: {}", reason(error))
}
