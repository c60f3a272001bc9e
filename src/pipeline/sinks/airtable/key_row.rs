//! A row with only its key: shows whether Airtable creates any rows, and is deleted at once.

use serde_json::{Map, Value};

use super::{batch::WriteBatch, creates::Updates, row::Row};
use crate::airtable::Class;

/// How often the row is looked for and deleted while Airtable does not answer.
const MAX_REMOVALS: usize = 5;

impl WriteBatch<'_> {
    /// Whether a new row that was refused without a reason would be refused with any contents: Airtable updates rows, but
    /// refuses a row with only its key. People's automations see that row, so it is sent only if no row of the batch was
    /// created.
    pub(super) async fn creates_no_row(&mut self, row: &Row) -> bool {
        let is_known = self.created > 0 || self.has_created_key;
        if is_known || self.updates().await != Updates::Work {
            return false;
        }
        let (table_id, Some(key)) = (&self.table.mapping.table_id, self.key_field()) else {
            return false;
        };
        let (client, id) = (&self.sink.client, self.due[row.index].call.id.to_string());
        // A row with this key would be updated, and must not be deleted.
        let is_new = client.find(table_id, key, &id).await;
        if !is_new.is_ok_and(|records| records.is_empty()) {
            return false;
        }
        let alone = Map::from_iter([(key.to_owned(), Value::String(id.clone()))]);
        match client.upsert(table_id, key, &[alone]).await {
            Err(error) if matches!(error.class(), Class::Row { .. } | Class::Quota) => return true,
            Ok(written) => {
                self.has_created_key = written.iter().any(|row| row.created);
                let records: Vec<String> = written.into_iter().map(|row| row.record_id).collect();
                if client.delete(table_id, &records).await.is_err() {
                    self.remove_key_row(&id).await;
                }
            }
            // It may be there although the answer is lost.
            Err(_) => self.remove_key_row(&id).await,
        }
        false
    }

    async fn remove_key_row(&self, id: &str) {
        let (table_id, Some(key)) = (&self.table.mapping.table_id, self.key_field()) else {
            return;
        };
        for _ in 0..MAX_REMOVALS {
            let Ok(records) = self.sink.client.find(table_id, key, id).await else {
                continue;
            };
            let is_removed =
                records.is_empty() || self.sink.client.delete(table_id, &records).await.is_ok();
            if is_removed {
                return;
            }
        }
        tracing::warn!(
            call = id,
            "a row with only the key of this call was created and could not be deleted; delete it in Airtable"
        );
    }
}
