//! The database itself: opened, migrated, closed.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use sqlx::{
    AnyConnection, AnyPool, Connection,
    any::{AnyConnectOptions, AnyPoolOptions},
    error::DatabaseError,
};
use tokio::sync::Semaphore;

use super::{
    checkpoint::Checkpoint,
    delivery_writer::DeliveryWriter,
    engine::{ANSWER_TIMEOUT, Engine},
    error::{Error, Result},
    free_space,
    inbox_writer::Writer,
    large_bodies::LargeBodies,
    migrations::{Migrations, migrate},
    pooler,
    private_files::{self, Creation},
    process,
};
use crate::telemetry::Watchdog;

/// The database: one writer and some readers on SQLite, a common pool on PostgreSQL. Clones share it.
#[derive(Clone)]
pub struct Store {
    pub(super) write: AnyPool,
    pub(super) read: AnyPool,
    pub(super) inbox: Writer,
    pub(super) deliveries: DeliveryWriter,
    pub(super) engine: Engine,
    /// One permit: whoever has it has large bodies in memory.
    pub(super) large: Arc<Semaphore>,
    /// Whoever has its turn works on a large body.
    pub(super) large_bodies: LargeBodies,
    pub(super) watchdog: Watchdog,
    /// Where a SQLite database is.
    pub(super) folder: Option<PathBuf>,
    /// Whether recordings get waveforms.
    pub(super) draws: bool,
    /// This process, in its lease and in what it has claimed.
    pub(super) process: Arc<str>,
}

impl Store {
    /// Opens (and on SQLite creates) the database, and brings its tables up to this version.
    pub async fn open(url: &str, now: Timestamp) -> Result<Store> {
        Store::open_with(url, &Migrations::default(), now).await
    }

    /// Opens the database and brings its tables up to these migrations.
    pub async fn open_with(url: &str, migrations: &Migrations, now: Timestamp) -> Result<Store> {
        sqlx::any::install_default_drivers();
        let engine = Engine::of(url);
        let options = AnyConnectOptions::from_str(&address(url)).map_err(Error::Open)?;
        if engine == Engine::Postgres {
            reach(&options).await?;
        }
        if let Some(file) = sqlite_file(url) {
            private_files::protect(&file, creation(url));
        }
        let write = connect(engine.writers(), &options).await?;
        let migrated = migrate(&write, engine, migrations, now).await;
        if migrated.is_err() {
            // Waited for: a rollback ends with its connection.
            write.close().await;
        }
        migrated.map_err(pooler::migrated)?;
        let read = match engine.readers() {
            Some(readers) => connect(readers, &options).await?,
            None => write.clone(),
        };
        let watchdog = Watchdog::default();
        let process = process::new_name();
        let timeout = engine.write_timeout();
        let checkpoint =
            (engine == Engine::Sqlite).then(|| Checkpoint::start(write.clone(), read.clone()));
        let inbox = Writer::start(
            write.clone(),
            process.clone(),
            timeout,
            watchdog.clone(),
            checkpoint,
        );
        let deliveries =
            DeliveryWriter::start(engine, write.clone(), process.clone(), watchdog.clone());
        Ok(Store {
            write,
            read,
            inbox,
            deliveries,
            engine,
            large: Arc::new(Semaphore::new(1)),
            large_bodies: LargeBodies::default(),
            watchdog,
            folder: folder(url),
            draws: false,
            process,
        })
    }

    /// Whose turn it is to parse a large body; shared by all who use this store.
    pub fn large_bodies(&self) -> &LargeBodies {
        &self.large_bodies
    }

    /// Fed by the loop of the inbox writer; other loops of the process may join.
    pub fn watchdog(&self) -> &Watchdog {
        &self.watchdog
    }

    /// The name of this process: the job and the owner of its own lease, and the holder of its claims.
    pub fn process(&self) -> &str {
        &self.process
    }

    /// Whether other processes may serve the same database: on SQLite, `serve` locks the file.
    pub fn is_shared(&self) -> bool {
        self.engine == Engine::Postgres
    }

    /// The same database, in which recordings are noted for a waveform: somebody may look at them.
    pub fn with_waveforms(self) -> Store {
        Store {
            draws: true,
            ..self
        }
    }

    /// Gives up a write that takes too long, for somebody who waits for it.
    pub(super) async fn in_time<T>(&self, write: impl Future<Output = Result<T>>) -> Result<T> {
        let written = tokio::time::timeout(self.engine.write_timeout(), write).await;
        written.unwrap_or_else(|_| Err(Error::timed_out()))
    }

    /// Whether a message of this many bytes, which is no webhook, leaves enough of the disk for webhooks. True if that is
    /// not known: with PostgreSQL, whose disk is not ours, or where the system does not tell.
    pub fn has_room_for(&self, bytes: usize) -> bool {
        let folder = self.folder.as_deref();
        folder.is_none_or(|folder| free_space::has_room(folder, bytes))
    }

    /// Waits for writes in progress, then closes all connections.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

async fn connect(pool: AnyPoolOptions, options: &AnyConnectOptions) -> Result<AnyPool> {
    let connected = pool.connect_with(options.clone()).await;
    connected.map_err(Error::Open)
}

/// Reports at once what is wrong: a pool would try for its whole timeout, and then know only that it was in vain.
async fn reach(options: &AnyConnectOptions) -> Result<()> {
    let connecting = AnyConnection::connect_with(options);
    let connecting = tokio::time::timeout(ANSWER_TIMEOUT, connecting).await;
    let connection = connecting.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    let starts = |error: &dyn DatabaseError| error.code().is_some_and(|code| code == "57P03");
    match connection {
        Ok(mut connection) => {
            let usable = pooler::refuse(&mut connection, options).await;
            connection.close().await.ok();
            usable
        }
        Err(error) if is_of_tls(&error) => Err(Error::Tls(error)),
        Err(error @ (sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut)) => Err(Error::Away(error)),
        Err(error) if error.as_database_error().is_some_and(starts) => Err(Error::Away(error)),
        Err(error) => Err(pooler::opened(error)),
    }
}

/// Whether the server has no TLS, or its certificate is not accepted.
fn is_of_tls(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.get_ref().is_some_and(|it| it.is::<rustls::Error>()),
        _ => false,
    }
}

/// The file of a SQLite database, as the driver opens it; `None` on PostgreSQL.
pub fn sqlite_file(url: &str) -> Option<String> {
    let file = url.strip_prefix("sqlite:")?;
    let file = file.strip_prefix("//").unwrap_or(file);
    let file = decoded(file.split('?').next()?);
    // SQLite takes such a name for a URI.
    let Some(path) = file.strip_prefix("file:") else {
        return Some(file);
    };
    Some(path.strip_prefix("//").unwrap_or(path).to_owned())
}

/// Without the codes for `?`, `#`, blanks and others; a text that has none as it is.
fn decoded(text: &str) -> String {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map_or_else(|_| text.to_owned(), Cow::into_owned)
}

/// The folder of the database; `None` with PostgreSQL.
fn folder(url: &str) -> Option<PathBuf> {
    let file = sqlite_file(url)?;
    let folder = Path::new(&file).parent()?;
    Some(match folder.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => folder.to_owned(),
    })
}

/// Whether there is a database to open: [`Store::open`] creates a missing file.
pub fn exists(url: &str) -> bool {
    sqlite_file(url).is_none_or(|file| Path::new(&file).exists())
}

/// Whether the driver creates a missing file: unless the URL has another mode than `rwc`.
fn creation(url: &str) -> Creation {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut modes = query.split('&').filter_map(|it| it.strip_prefix("mode="));
    match modes.next_back() {
        None | Some("rwc") => Creation::IfMissing,
        Some(_) => Creation::Never,
    }
}

fn address(url: &str) -> String {
    if !url.starts_with("sqlite:") || url.contains("mode=") {
        return url.to_owned();
    }
    let sign = if url.contains('?') { '&' } else { '?' };
    format!("{url}{sign}mode=rwc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_the_one_that_the_driver_opens() {
        for (url, file) in [
            ("sqlite:calls.db", "calls.db"),
            ("sqlite://data/calls.db?mode=rwc", "data/calls.db"),
            ("sqlite:///var/calls.db", "/var/calls.db"),
            ("sqlite:////var/calls.db", "//var/calls.db"),
            ("sqlite:my%20calls%3F.db?cache=private", "my calls?.db"),
            ("sqlite:100%.db", "100%.db"),
            ("sqlite:%ff.db", "%ff.db"),
            ("sqlite:file:calls.db", "calls.db"),
            ("sqlite:file:///var/calls.db", "/var/calls.db"),
        ] {
            assert_eq!(sqlite_file(url).as_deref(), Some(file));
        }
        assert_eq!(sqlite_file("postgres://localhost/calls"), None);
    }
}
