//! The database as commands use it: beside a running service or without one.

use super::Error;
use crate::{
    store::{self, CallRow, Store},
    telemetry,
};

/// Works on a database that exists: a mistyped DATABASE_URL creates no empty one.
///
/// # Errors
/// When there is no database, it cannot be opened, or the work fails.
pub async fn existing<T>(
    url: &str,
    work: impl AsyncFnOnce(&Store) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if let Some(file) = store::sqlite_file(url)
        && !store::exists(url)
    {
        let place = match std::path::Path::new(&file).is_absolute() {
            true => "",
            false => " in this folder",
        };
        let text = format!(
            "DATABASE_URL: there is no database {file}{place}. `serve` creates it at its first start; run commands in the folder in which `serve` runs"
        );
        return Err(Error::Configuration(text).into());
    }
    with(url, work).await
}

/// Works on the database; a SQLite file is created when there is none. The database is closed even when the work
/// fails: otherwise SQLite leaves files behind that belong to the user who ran the command, and that the service may
/// not be allowed to open.
///
/// # Errors
/// When the database cannot be opened, or the work fails.
pub async fn with<T>(
    url: &str,
    work: impl AsyncFnOnce(&Store) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let store = Store::open(url, telemetry::now()).await.map_err(|error| {
        let is_configuration = matches!(error, store::Error::Pooler(_) | store::Error::Tls(_));
        let error = anyhow::Error::from(error);
        match is_configuration || url.starts_with("sqlite:") {
            true => error,
            false => Error::Unavailable(format!("{error:#}")).into(),
        }
    })?;
    let done = work(&store).await;
    store.close().await;
    done
}

/// Warns at start if PostgreSQL or a pooler gives fewer connections than the service uses under load.
pub(super) async fn report_few_connections(store: &Store) {
    let Some(few) = store.few_connections().await else {
        return;
    };
    tracing::warn!(
        given = few.given,
        wanted = few.wanted,
        "DATABASE_URL: the database gave fewer connections than this service uses under load; webhooks and rows will wait for a connection, and time out after 5 s. Behind PgBouncer, raise default_pool_size (and max_db_connections), or set DATABASE_URL to PostgreSQL's own address; without a pooler, raise max_connections"
    );
}

/// The call with this id, or with a recording of this id.
///
/// # Errors
/// When there is none, or the database cannot be read.
pub async fn find(store: &Store, id: &str) -> anyhow::Result<CallRow> {
    if let Some(row) = store.call(id).await? {
        return Ok(row);
    }
    let row = store.call_of_egress(id).await?;
    row.ok_or_else(|| {
        anyhow::anyhow!(
            "no call or recording {id:?}; `calls list --room NAME` lists the calls of a room"
        )
    })
}
