//! Which migrations there are, and how a database is brought up to them: in order, each once, each in one transaction with
//! its record in the table `migrations`.

use jiff::Timestamp;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Executor, Row, any::AnyRow};

use super::{
    engine::Engine,
    error::{Error, Result},
    migration::{Migration, Number},
};

macro_rules! migration {
    ($name:literal) => {
        Migration::new(
            $name,
            include_str!(concat!("../../schema/database/", $name, ".sql")),
        )
    };
}

/// Every migration of this version.
const ALL: &[Migration] = &[
    migration!("0001_init"),
    migration!("0002_message_outcome"),
    migration!("0003_object_keys"),
    migration!("0004_link_revocations"),
    migration!("0005_projects"),
    migration!("0006_audit"),
    migration!("0007_reports"),
    migration!("0008_alignments"),
    migration!("0009_sessions"),
    migration!("0010_waveforms"),
    migration!("0011_uploads"),
    migration!("0012_claims"),
    migration!("0013_attempt_details"),
    migration!("0014_message_rooms"),
];

/// The setting `tables` of commit 9e4522d, the last version without migrations: the hash of its table
/// definitions. It refuses a database that says otherwise.
const FIRST_TABLES: &str = "d142523020fb144e";

const MIGRATIONS_TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (
    number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)";

/// The newest migration of this version.
pub fn newest_migration() -> Number {
    Migrations::default().newest()
}

/// The migrations that a version knows, in order.
#[derive(Debug, Clone)]
pub struct Migrations(Vec<Migration>);

impl Default for Migrations {
    /// This version's.
    fn default() -> Migrations {
        Migrations::new(ALL.to_vec())
    }
}

/// A row of the table `migrations`.
#[derive(Debug)]
struct Applied {
    number: Number,
    name: String,
    checksum: String,
}

impl Migrations {
    /// These, by number.
    pub fn new(mut all: Vec<Migration>) -> Migrations {
        all.sort_by_key(|migration| migration.number);
        Migrations(all)
    }

    /// These and one more.
    pub fn with(self, migration: Migration) -> Migrations {
        Migrations::new([self.0, vec![migration]].concat())
    }

    fn newest(&self) -> Number {
        self.0.last().map_or(Number(0), |last| last.number)
    }

    /// The first that is not applied. An error: the database is not one that this version may work on.
    fn next(&self, applied: &[Applied]) -> Result<Option<&Migration>> {
        let in_database = applied.iter().map(|one| one.number).max();
        let in_database = in_database.unwrap_or(Number(0));
        let known = self.newest();
        if in_database.format() > known.format() {
            return Err(Error::LaterFormat { in_database, known });
        }
        for migration in &self.0 {
            let Some(done) = applied.iter().find(|one| one.number == migration.number) else {
                return Ok(Some(migration));
            };
            if done.checksum != migration.checksum() {
                return Err(Error::ChangedMigration(done.name.clone()));
            }
        }
        Ok(None)
    }
}

/// Applies what is missing. Any number of processes may do so at once: each migration runs in one of them.
pub(super) async fn migrate(
    pool: &AnyPool,
    engine: Engine,
    migrations: &Migrations,
    now: Timestamp,
) -> Result<()> {
    let mut connection = pool.acquire().await.map_err(Error::Open)?;
    let applied = applied(&mut connection, engine).await;
    let applied = applied.map_err(Error::Open)?;
    // Without a write: commands start beside a service that is writing.
    if migrations.next(&applied)?.is_none() {
        return Ok(());
    }
    let has_tables = engine.has_table(&mut connection, "inbox").await;
    let is_upgrade = has_tables.map_err(Error::Open)?;
    while apply_next(&mut connection, engine, migrations, now).await? {}
    if is_upgrade {
        tracing::info!(newest = %migrations.newest(), "database upgraded");
    }
    Ok(())
}

/// Applies the first missing migration in a transaction that nobody else has at the same time. False: none is missing.
async fn apply_next(
    connection: &mut AnyConnection,
    engine: Engine,
    migrations: &Migrations,
    now: Timestamp,
) -> Result<bool> {
    let mut transaction = engine.begin_alone(connection).await.map_err(Error::Open)?;
    let table = transaction.execute(MIGRATIONS_TABLE).await;
    table.map_err(Error::Open)?;
    let applied = applied(&mut transaction, engine).await;
    let Some(next) = migrations.next(&applied.map_err(Error::Open)?)? else {
        transaction.commit().await.map_err(Error::Open)?;
        engine.end_alone(connection).await.map_err(Error::Open)?;
        return Ok(false);
    };
    let failed = |source| Error::Migration {
        name: next.name.to_owned(),
        source,
    };
    let first = Some(next.number) == migrations.0.first().map(|first| first.number);
    let tables = match first {
        true => tables(&mut transaction, engine).await.map_err(failed)?,
        false => None,
    };
    match tables.as_deref() {
        Some(FIRST_TABLES) => {}
        Some(_) => return Err(Error::OtherTables),
        None => {
            let made = sqlx::raw_sql(AssertSqlSafe(next.sql));
            made.execute(&mut *transaction).await.map_err(failed)?;
        }
    }
    note_tables(&mut transaction, next).await.map_err(failed)?;
    record(&mut transaction, next, now).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(true)
}

async fn applied(
    connection: &mut AnyConnection,
    engine: Engine,
) -> std::result::Result<Vec<Applied>, sqlx::Error> {
    if !engine.has_table(connection, "migrations").await? {
        return Ok(Vec::new());
    }
    let query = sqlx::query("SELECT number, name, checksum FROM migrations ORDER BY number");
    let read = |row: &AnyRow| {
        Ok(Applied {
            number: Number(row.try_get("number")?),
            name: row.try_get("name")?,
            checksum: row.try_get("checksum")?,
        })
    };
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

/// The setting `tables` of a database from before there were migrations.
async fn tables(
    connection: &mut AnyConnection,
    engine: Engine,
) -> std::result::Result<Option<String>, sqlx::Error> {
    if !engine.has_table(connection, "settings").await? {
        return Ok(None);
    }
    let query = sqlx::query_scalar("SELECT value FROM settings WHERE name = 'tables'");
    query.fetch_optional(connection).await
}

/// Lets the last version without migrations run on the database as long as it can: until the next format.
async fn note_tables(
    connection: &mut AnyConnection,
    migration: &Migration,
) -> std::result::Result<(), sqlx::Error> {
    let (value, conflict) = match migration.number.format() {
        0 => (FIRST_TABLES.to_owned(), "NOTHING"),
        _ => (
            migration.number.to_string(),
            "UPDATE SET value = excluded.value",
        ),
    };
    let sql = format!(
        "INSERT INTO settings (name, value) VALUES ('tables', $1) ON CONFLICT (name) DO {conflict}"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(value);
    query.execute(connection).await?;
    Ok(())
}

async fn record(
    connection: &mut AnyConnection,
    migration: &Migration,
    now: Timestamp,
) -> std::result::Result<(), sqlx::Error> {
    let query = sqlx::query(
        "INSERT INTO migrations (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
    );
    query
        .bind(migration.number.0)
        .bind(migration.name)
        .bind(migration.checksum())
        .bind(now.as_millisecond())
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn every_file_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/database");
        let files = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let listed: Vec<String> = ALL
            .iter()
            .map(|migration| format!("{}.sql", migration.name))
            .collect();
        assert_eq!(files, listed);
    }
}
