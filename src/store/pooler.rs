//! Connection poolers between this service and PostgreSQL.
//!
//! In transaction mode, PgBouncer sends each transaction of a client to any of PostgreSQL's connections. The driver's
//! prepared statements are then missing, or belong to another client; this happens only sometimes, mostly under load. A
//! pooler that tracks prepared statements works (PgBouncer 1.21 or later with `max_prepared_statements`), and so does session
//! mode.

use sqlx::{
    AnyConnection, Connection, Executor, Row,
    any::AnyConnectOptions,
    error::{DatabaseError, Error as SqlError},
};

use super::{
    engine::ANSWER_TIMEOUT,
    error::{Error, Result, lost_statement},
};

/// One round may miss the fault, because other clients influence which of PostgreSQL's connections are free.
const ROUNDS: usize = 3;

/// The parameter that the driver sends when it connects. PgBouncer refuses it unless it is configured to ignore it.
const PARAMETER: &str = "extra_float_digits";

/// The error of an attempt to connect, which a pooler may have caused.
pub(super) fn opened(error: SqlError) -> Error {
    let refuses = |error: &dyn DatabaseError| error.message().contains(PARAMETER);
    match error.as_database_error().is_some_and(refuses) {
        true => Error::Pooler(Some(error)),
        false => Error::Open(error),
    }
}

/// Detects a pooler in transaction mode: two connections prepare a statement each and take turns. Other errors are
/// ignored here; opening the database reports them.
///
/// # Errors
/// When prepared statements get lost between transactions.
pub(super) async fn refuse(first: &mut AnyConnection, options: &AnyConnectOptions) -> Result<()> {
    let turns = async {
        let mut second = AnyConnection::connect_with(options).await?;
        let turns = take_turns(first, &mut second).await;
        second.close().await.ok();
        turns
    };
    match tokio::time::timeout(ANSWER_TIMEOUT, turns).await {
        Ok(Ok(Statements::Kept)) | Err(_) => Ok(()),
        Ok(Ok(Statements::Mixed)) => Err(Error::Pooler(None)),
        Ok(Err(error)) if lost_statement(&error) || is_of_pgbouncer(&error) => {
            Err(Error::Pooler(Some(error)))
        }
        Ok(Err(_)) => Ok(()),
    }
}

/// The error of a statement while the tables are created: a pooler's mode shows there if the turns could not show it, because
/// its pool has one connection only.
pub(super) fn migrated(error: Error) -> Error {
    match error {
        Error::Sql(error) | Error::Open(error) | Error::Migration { source: error, .. }
            if lost_statement(&error) || is_of_pgbouncer(&error) =>
        {
            Error::Pooler(Some(error))
        }
        error => error,
    }
}

/// Whether PgBouncer refuses the statement itself: in statement mode it has no transactions. It uses the same code
/// (protocol_violation) when its pool has no free connection.
fn is_of_pgbouncer(error: &SqlError) -> bool {
    error.as_database_error().is_some_and(|error| {
        error.code().as_deref() == Some("08P01") && error.message().contains("pooling mode")
    })
}

/// The state of the statements that two connections had prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Statements {
    Kept,
    /// One connection ran the other's.
    Mixed,
}

async fn take_turns(
    first: &mut AnyConnection,
    second: &mut AnyConnection,
) -> std::result::Result<Statements, SqlError> {
    for _ in 0..ROUNDS {
        let before = number(first, "SELECT 1::BIGINT").await?;
        // Occupies one of PostgreSQL's connections, probably the one that has just become free.
        let mut transaction = second.begin().await?;
        let between = number(&mut transaction, "SELECT 2::BIGINT").await?;
        let after = number(first, "SELECT 1::BIGINT").await?;
        transaction.rollback().await?;
        if (before, between, after) != (1, 2, 1) {
            return Ok(Statements::Mixed);
        }
    }
    Ok(Statements::Kept)
}

async fn number(
    connection: &mut AnyConnection,
    sql: &'static str,
) -> std::result::Result<i64, SqlError> {
    connection.fetch_one(sqlx::query(sql)).await?.try_get(0)
}
