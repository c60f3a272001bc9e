//! Requests about rows: ten a request at most, found by record id or by their key.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::class::Access;
use super::client::Client;
use super::error::Error;
use super::wire::{Record, Records, Table, Written, written};

impl Client {
    /// Creates or updates at most 10 rows (field ID to cell), matched by their key cell. Returns them in the order of
    /// `rows`. If a key matches more than one record, or one cell is invalid, all are rejected.
    pub async fn upsert(
        &self,
        table_id: &str,
        key_field_id: &str,
        rows: &[Map<String, Value>],
    ) -> Result<Vec<Written>, Error> {
        let rows: Vec<_> = rows.iter().map(|cells| (None, cells.clone())).collect();
        self.write(table_id, key_field_id, &rows).await
    }

    /// [`Client::upsert`] for rows of which some record IDs (`rec…`) are known: those are updated by ID in the same
    /// request (airtable.com/developers/web/api/update-multiple-records: "Records that include id will ignore
    /// fieldsToMergeOn and behave as normal updates"), and a missing one is [`super::Class::RowGone`].
    pub async fn write(
        &self,
        table_id: &str,
        key_field_id: &str,
        rows: &[(Option<String>, Map<String, Value>)],
    ) -> Result<Vec<Written>, Error> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let record = |(id, cells): &(Option<String>, Map<String, Value>)| match id {
            Some(id) => json!({ "id": id, "fields": cells }),
            None => json!({ "fields": cells }),
        };
        let records: Vec<Value> = rows.iter().map(record).collect();
        let request = self
            .request(Method::PATCH, &[self.base_id(), table_id])
            .json(&json!({
                "performUpsert": { "fieldsToMergeOn": [key_field_id] },
                "returnFieldsByFieldId": true,
                "records": records,
            }));
        let answer: Records = self.call(Access::WriteRecords, request).await?;
        answer.log_lost_attachments();
        written(&answer, key_field_id, rows)
    }

    /// Updates at most 10 records by ID; returns their cells by record and field ID. Always uses the batch form: there,
    /// a missing record is [`super::Class::RowGone`], while the single form answers as if a permission were missing.
    pub async fn update(
        &self,
        table_id: &str,
        rows: &[(String, Map<String, Value>)],
    ) -> Result<BTreeMap<String, Map<String, Value>>, Error> {
        if rows.is_empty() {
            return Ok(BTreeMap::new());
        }
        let records: Vec<Value> = rows
            .iter()
            .map(|(id, fields)| json!({ "id": id, "fields": fields }))
            .collect();
        let request = self
            .request(Method::PATCH, &[self.base_id(), table_id])
            .json(&json!({
                "returnFieldsByFieldId": true,
                "records": records,
            }));
        let answer: Records = self.call(Access::WriteRecords, request).await?;
        answer.log_lost_attachments();
        let cells = answer.cells();
        match rows.iter().all(|(id, _)| cells.contains_key(id)) {
            true => Ok(cells),
            false => Err(Error::Incomplete),
        }
    }

    /// IDs of the records whose key cell is `key`, at most 100.
    pub async fn find(
        &self,
        table_id: &str,
        key_field_id: &str,
        key: &str,
    ) -> Result<Vec<String>, Error> {
        let formula = format!("{{{key_field_id}}}={}", formula_text(key));
        let request = self
            .request(Method::GET, &[self.base_id(), table_id])
            .query(&[
                ("filterByFormula", formula.as_str()),
                ("fields[]", key_field_id),
                ("returnFieldsByFieldId", "true"),
            ]);
        let answer: Records = self.call(Access::ReadRecords, request).await?;
        let same =
            |record: &Record| record.fields.get(key_field_id).and_then(Value::as_str) == Some(key);
        Ok(answer
            .records
            .into_iter()
            .filter(same)
            .map(|record| record.id)
            .collect())
    }

    /// The records whose key cell is `key`, at most 100: their cells by record ID and field ID. A filter, because a request
    /// for one record that is missing is answered as if a permission were missing.
    pub async fn rows(
        &self,
        table_id: &str,
        key_field_id: &str,
        key: &str,
    ) -> Result<BTreeMap<String, Map<String, Value>>, Error> {
        let formula = format!("{{{key_field_id}}}={}", formula_text(key));
        let query = [
            ("filterByFormula", formula.as_str()),
            ("returnFieldsByFieldId", "true"),
        ];
        let request = self.request(Method::GET, &[self.base_id(), table_id]);
        let answer: Records = self
            .call(Access::ReadRecords, request.query(&query))
            .await?;
        Ok(answer.cells())
    }

    /// How many records a table has; a request for each hundred.
    pub async fn count(&self, table: &Table) -> Result<u64, Error> {
        let (mut count, mut offset) = (0, None::<String>);
        loop {
            let mut query = vec![("pageSize", "100"), ("fields[]", table.primary.as_str())];
            query.retain(|(_, value)| !value.is_empty());
            query.extend(offset.as_deref().map(|offset| ("offset", offset)));
            let request = self.request(Method::GET, &[self.base_id(), &table.id]);
            let page: Records = self
                .call(Access::ReadRecords, request.query(&query))
                .await?;
            count += page.records.len() as u64;
            let next = page.offset.filter(|next| Some(next) != offset.as_ref());
            match next {
                Some(next) => offset = Some(next),
                None => return Ok(count),
            }
        }
    }

    /// Deletes at most 10 records: only the ones created by a probe.
    pub async fn delete(&self, table_id: &str, record_ids: &[String]) -> Result<(), Error> {
        if record_ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<(&str, &String)> = record_ids.iter().map(|id| ("records[]", id)).collect();
        let request = self
            .request(Method::DELETE, &[self.base_id(), table_id])
            .query(&ids);
        self.call::<Value>(Access::WriteRecords, request)
            .await
            .map(|_| ())
    }
}

/// A string in a formula, in double quotes.
fn formula_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
