//! REVOKED LINKS: the permanent links of a call that were made before have ended.

use jiff::Timestamp;
use sqlx::{Row, any::AnyRow};

use super::{
    error::Result,
    open::Store,
    sql::{text, time},
    unknown::UnknownValue,
};
use crate::domain::{LinkRevocation, RevokedRow, Sink};

impl Store {
    /// Ends all links of a call that exist by now, in every process, and has its row written.
    pub async fn revoke_links(
        &self,
        call_id: &str,
        row: RevokedRow,
        now: Timestamp,
    ) -> Result<LinkRevocation> {
        let mut transaction = self.write.begin().await?;
        let stored = sqlx::query(
            "INSERT INTO link_revocations (call_id, generation, revoked_at, row_links) VALUES ($1, 1, $2, $3)
             ON CONFLICT (call_id) DO UPDATE SET generation = link_revocations.generation + 1,
               revoked_at = excluded.revoked_at, row_links = excluded.row_links
             RETURNING generation, revoked_at, row_links",
        )
        .bind(text(call_id))
        .bind(now.as_millisecond())
        .bind(stored_name(row))
        .fetch_one(&mut *transaction)
        .await?;
        // One that waits or is in flight is found by `rows_with_revoked_links`.
        sqlx::query(
            "UPDATE deliveries SET due_at = $1 WHERE sink = $2 AND call_id = $3 AND state = 'done' AND due_at > $1",
        )
        .bind(now.as_millisecond())
        .bind(Sink::Airtable.as_str())
        .bind(text(call_id))
        .execute(&mut *transaction)
        .await?;
        let revocation = read(call_id, &stored)?;
        transaction.commit().await?;
        Ok(revocation)
    }

    /// The newest revocation of a call's links; `None`: there is none.
    pub async fn link_revocation(&self, call_id: &str) -> Result<Option<LinkRevocation>> {
        let query = sqlx::query(
            "SELECT generation, revoked_at, row_links FROM link_revocations WHERE call_id = $1",
        );
        let row = query.bind(text(call_id)).fetch_optional(&self.read).await?;
        row.map(|row| read(call_id, &row)).transpose()
    }
}

fn stored_name(row: RevokedRow) -> &'static str {
    match row {
        RevokedRow::Unlinked => "none",
        RevokedRow::Relinked => "new",
    }
}

fn read(call_id: &str, row: &AnyRow) -> Result<LinkRevocation> {
    let unknown = |column, value: &str| {
        UnknownValue::name(
            format!("the revoked links of call {call_id}"),
            column,
            value,
        )
    };
    let generation: i64 = row.try_get("generation")?;
    let links: String = row.try_get("row_links")?;
    Ok(LinkRevocation {
        generation: u32::try_from(generation)
            .map_err(|_| unknown("generation", &generation.to_string()))?,
        at: time(row.try_get("revoked_at")?),
        row: match links.as_str() {
            "none" => RevokedRow::Unlinked,
            "new" => RevokedRow::Relinked,
            other => return Err(unknown("row_links", other).into()),
        },
    })
}
