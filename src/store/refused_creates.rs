//! REFUSED CREATES: rows that wait because Airtable creates none.

use jiff::Timestamp;

use super::{
    error::Result,
    open::Store,
    settings::{Setting, set_if_other},
};

/// Deliveries that are parked for this reason: the sink's state says so. Quotes inside its texts are escaped, so none of
/// them can look like this field.
pub(super) const WAITS_FOR_CREATES: &str =
    r#"sink = 'airtable' AND state = 'parked' AND memo LIKE '%"create_refused":true%'"#;

impl Store {
    /// Airtable creates rows again: those that waited for that are due. Returns whether creates were refused before.
    pub async fn creates_work(&self, now: Timestamp) -> Result<bool> {
        let mut transaction = self.write.begin().await?;
        if !set_if_other(&mut transaction, Setting::RefusedCreates, "").await? {
            return Ok(false);
        }
        let sql = format!(
            "UPDATE deliveries SET state = 'pending', due_at = $1, attempts = 0 WHERE {WAITS_FOR_CREATES}"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.as_millisecond())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }
}
