//! Connection poolers between this service and PostgreSQL.
//!
//! In transaction mode, PgBouncer gives each transaction of a connection to any of PostgreSQL's connections. The driver's
//! prepared statements then are not where they were prepared, or are there from somebody else, which shows up only now and
//! then, and under load. A pooler that takes prepared statements along (PgBouncer from 1.21 on with
//! `max_prepared_statements`) works, and so does session mode.

use sqlx::{
    AnyConnection, Connection, Executor, Row,
    any::AnyConnectOptions,
    error::{DatabaseError, Error as SqlError},
};

use super::{
    engine::ANSWER_TIMEOUT,
    error::{Error, Result, lost_statement},
};

/// Other clients decide which of PostgreSQL's connections are free, so one round can miss what there is to see.
const ROUNDS: usize = 3;

/// The parameter that the driver sends when it connects, and that PgBouncer refuses unless it is told to ignore it.
const PARAMETER: &str = "extra_float_digits";

/// The error of an attempt to connect, which a pooler may have caused.
pub(super) fn opened(error: SqlError) -> Error {
    let refuses = |error: &dyn DatabaseError| error.message().contains(PARAMETER);
    match error.as_database_error().is_some_and(refuses) {
        true => Error::Pooler(Some(error)),
        false => Error::Open(error),
    }
}

/// Tries what a pooler in transaction mode breaks: two connections that prepare a statement each and take turns. Everything
/// else that goes wrong here is left to those who need the database.
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
        Ok(Err(error)) if lost_statement(&error) => Err(Error::Pooler(Some(error))),
        Ok(Err(_)) => Ok(()),
    }
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
        // It holds one of PostgreSQL's connections, probably the one that has just become free.
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
