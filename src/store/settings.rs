//! SETTINGS: single values by name, shared by every process that has this database.

use std::borrow::Cow;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{
    error::{Error, Result},
    open::Store,
    unknown::UnknownValue,
};

/// A value that is stored under a name of its own. The names are those of the first version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting<'a> {
    /// When the service first ran on this database (RFC 3339).
    BeganAt,
    /// When the database was last found writable (RFC 3339).
    CheckedAt,
    /// The clock's last noted time, in milliseconds since the epoch.
    NotedClock,
    /// The key that signs permanent links, when LINK_SECRET gives none; on SQLite, only earlier versions have it here.
    LinkSecret,
    /// Tells the key that signed permanent links last from others.
    LinkFingerprint,
    /// Which alerts are active and what is still to be sent (JSON).
    Alerts,
    /// Calls of the last day that another program also recorded (JSON).
    DoubleRecordings,
    /// Id of the Airtable table that rows were last written to.
    WrittenTable,
    /// Ids of an Airtable table's columns by name (JSON); the table as `app…/name or id`.
    Columns(&'a str),
    /// Columns of an Airtable table that refuse our values (JSON); the table as `app…/name or id`.
    RefusedColumns(&'a str),
    /// Columns of an Airtable table that are locked by their permissions, and when they were last tried (JSON); the table as
    /// `app…/name or id`.
    LockedColumns(&'a str),
    /// Why Airtable creates no new rows although it updates existing ones; empty while it creates them.
    RefusedCreates,
    /// When `doctor` made the room with this id (RFC 3339).
    DoctorRoom(&'a str),
    /// What `doctor` writes and deletes to see whether it can; by its id.
    DoctorWrite(&'a str),
}

impl<'a> Setting<'a> {
    /// The name in the database.
    pub(super) fn name(self) -> Cow<'a, str> {
        match self {
            Setting::BeganAt => "began_at".into(),
            Setting::CheckedAt => "checked_at".into(),
            Setting::NotedClock => "clock".into(),
            Setting::LinkSecret => "link_secret".into(),
            Setting::LinkFingerprint => "link_secret_fingerprint".into(),
            Setting::Alerts => "alarms".into(),
            Setting::DoubleRecordings => "double_recordings".into(),
            Setting::WrittenTable => "rows are written to".into(),
            Setting::Columns(table) => table.into(),
            Setting::RefusedColumns(table) => format!("{table} refused").into(),
            Setting::LockedColumns(table) => format!("{table} locked").into(),
            Setting::RefusedCreates => "rows are not created".into(),
            Setting::DoctorRoom(id) => format!("{id} is a room of doctor's").into(),
            Setting::DoctorWrite(id) => format!("{id} writes").into(),
        }
    }
}

impl Store {
    /// Writes a setting.
    pub async fn set(&self, setting: Setting<'_>, value: &str) -> Result<()> {
        let mut connection = self.write.acquire().await?;
        Ok(set(&mut connection, setting, value).await?)
    }

    /// Writes a setting if it still has the value `before`.
    ///
    /// # Errors
    /// [`Error::Conflict`]: it has another value by now.
    pub(super) async fn replace(
        &self,
        setting: Setting<'_>,
        before: Option<&str>,
        value: &str,
    ) -> Result<()> {
        let sql = match before {
            None => {
                "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"
            }
            Some(_) => "UPDATE settings SET value = $2 WHERE name = $1 AND value = $3",
        };
        let query = sqlx::query(sql).bind(setting.name().into_owned());
        let query = query.bind(value);
        let query = match before {
            None => query,
            Some(before) => query.bind(before),
        };
        match query.execute(&self.write).await?.rows_affected() {
            0 => Err(Error::Conflict),
            _ => Ok(()),
        }
    }

    /// The stored value; `None` while there is none.
    pub async fn get(&self, setting: Setting<'_>) -> Result<Option<String>> {
        let query = sqlx::query_scalar("SELECT value FROM settings WHERE name = $1");
        let query = query.bind(setting.name().into_owned());
        Ok(query.fetch_optional(&self.read).await?)
    }

    /// The stored value, or `fresh` stored now: the first caller decides for all.
    pub async fn get_or_set(&self, setting: Setting<'_>, fresh: &str) -> Result<String> {
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        )
        .bind(setting.name().into_owned())
        .bind(fresh)
        .execute(&self.write)
        .await?;
        let stored = self.get(setting).await?;
        Ok(stored.unwrap_or_else(|| fresh.to_owned()))
    }

    /// Records when the service first ran, unless already recorded; returns that time.
    pub async fn begin(&self, now: Timestamp) -> Result<Timestamp> {
        self.get_or_set(Setting::BeganAt, &now.to_string()).await?;
        self.began_at().await
    }

    /// When the service first ran on this database; the beginning of time if it never has.
    pub async fn began_at(&self) -> Result<Timestamp> {
        let Some(began_at) = self.get(Setting::BeganAt).await? else {
            return Ok(Timestamp::MIN);
        };
        let known = began_at.parse();
        Ok(known
            .map_err(|_| UnknownValue::name("setting began_at".to_owned(), "value", &began_at))?)
    }

    /// Checks whether a row can be written now. A connection that cannot write is closed: if a file is read-only at
    /// that moment, SQLite opens it for reading only, and such a connection could never write again.
    pub async fn check(&self, now: Timestamp) -> Result<()> {
        let mut connection = self.write.acquire().await?;
        let written = set(&mut connection, Setting::CheckedAt, &now.to_string()).await;
        if written.is_err() {
            connection.close().await.ok();
        }
        Ok(written?)
    }
}

/// Changes a stored value; `false`: none is stored, or it is this one.
pub(super) async fn set_if_other(
    connection: &mut AnyConnection,
    setting: Setting<'_>,
    value: &str,
) -> Result<bool> {
    let query = sqlx::query("UPDATE settings SET value = $1 WHERE name = $2 AND value <> $1");
    let query = query.bind(value).bind(setting.name().into_owned());
    Ok(query.execute(connection).await?.rows_affected() > 0)
}

async fn set(
    connection: &mut AnyConnection,
    setting: Setting<'_>,
    value: &str,
) -> std::result::Result<(), sqlx::Error> {
    let query = sqlx::query(
        "INSERT INTO settings (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    );
    let query = query.bind(setting.name().into_owned()).bind(value);
    query.execute(connection).await?;
    Ok(())
}
