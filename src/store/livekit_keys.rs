//! LiveKit's keys: which were LIVEKIT_API_KEY, what LIVEKIT_URL answered to others, and the messages that wait for such an
//! answer. A key is named by a hash that its secret cannot be found from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row};

use super::{
    error::Result,
    inbox_writer::AT_ONCE,
    open::Store,
    sql::{chunks, rows, text},
    unknown::UnknownValue,
};
use crate::domain::Standing;

impl Store {
    /// Notes what is known of a key from now on; `id` names it, `name` is the API key for people.
    pub async fn note_key(
        &self,
        (id, name): (&str, &str),
        standing: &Standing,
        now: Timestamp,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO livekit_keys (id, name, standing, noted_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET standing = excluded.standing, noted_at = excluded.noted_at
             WHERE livekit_keys.standing <> excluded.standing",
        )
        .bind(id)
        .bind(text(name))
        .bind(standing.to_string())
        .bind(now.as_millisecond())
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// What was noted of these keys, by ID.
    pub async fn noted_keys(&self, ids: &[String]) -> Result<BTreeMap<String, Standing>> {
        let mut noted = BTreeMap::new();
        for chunk in chunks(ids) {
            let sql = format!(
                "SELECT id, standing FROM livekit_keys WHERE id IN {}",
                rows(1, 1, chunk.len(), "")
            );
            let query = sqlx::query(AssertSqlSafe(sql));
            let query = chunk.iter().fold(query, |query, id| query.bind(id));
            for row in query.fetch_all(&self.read).await? {
                let (id, standing): (String, String) =
                    (row.try_get("id")?, row.try_get("standing")?);
                let known = standing.parse().map_err(|_| {
                    UnknownValue::name(format!("LiveKit key {id}"), "standing", &standing)
                })?;
                noted.insert(id, known);
            }
        }
        Ok(noted)
    }

    /// Decides the messages of a key that was undecided when they came; returns how many.
    pub async fn decide_messages(&self, key: &str, standing: &Standing) -> Result<u64> {
        let undecided = Standing::Undecided(key.to_owned()).to_string();
        let waiting = sqlx::query_scalar::<_, i64>(
            "SELECT COUNT(*) FROM inbox WHERE processed_at IS NULL AND project = $1",
        );
        let waiting = waiting.bind(&undecided).fetch_one(&self.read).await?;
        if waiting == 0 {
            return Ok(0);
        }
        let query = sqlx::query(
            "UPDATE inbox SET project = $1, due_at = $2 WHERE processed_at IS NULL AND project = $3",
        );
        let query = query.bind(standing.to_string()).bind(AT_ONCE);
        let decided = query.bind(&undecided).execute(&self.write).await?;
        Ok(decided.rows_affected())
    }
}
