//! Requests to one base, each waiting for its turn.

use std::{collections::BTreeMap, time::Duration};

use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::book::{Book, Denied};
use super::error::{Access, Error, LOCKOUT, Refusal};
use super::pace::{Pace, Turn};
use super::wire::{Answer, Base, Field, Record, Records, Table, Tables, Written, written};

/// Where the base is and how fast it may be asked.
pub struct Config {
    /// `https://api.airtable.com`, without `/v0`.
    pub api_url: String,
    pub token: SecretString,
    /// `app…`
    pub base_id: String,
    /// Name or `tbl…`
    pub table: String,
    pub requests_per_second: f64,
}

/// The owner of a base's request budget: every call waits for its place (even spacing, never more than the rate in a
/// sliding second), sends one request and gives up after 30 s. It tries nothing twice.
pub struct Client {
    http: reqwest::Client,
    config: Config,
    pace: Pace,
}

const TIMEOUT: Duration = Duration::from_secs(30);

impl Client {
    pub fn new(http: reqwest::Client, config: Config) -> Client {
        let pace = Pace::new(config.requests_per_second);
        Client { http, config, pace }
    }

    /// Has every request written into a book that other processes use too.
    pub fn counted(self, book: Book) -> Client {
        let pace = self.pace.counted(book);
        Client { pace, ..self }
    }

    /// Holds the first request back for `delay`: what another process sent before this one started counts too.
    pub fn not_before(&self, delay: Duration) {
        self.pace.not_before(delay);
    }

    /// Waits until a request would go at once. Until what it gives is dropped nobody else is told so: whoever holds it
    /// chooses what to send, and drops it just before sending.
    pub async fn ready(&self) -> Option<OwnedSemaphorePermit> {
        self.pace.ready().await
    }

    /// The rest of the pause after a 429; calls made now wait it out.
    pub fn paused(&self) -> Option<Duration> {
        self.pace.paused()
    }

    /// Requests per second as of now: each 429 halves it, down to 1, and it climbs back in ten minutes.
    pub fn requests_per_second(&self) -> f64 {
        self.pace.rate()
    }

    /// Requests sent since the start, failed ones too: all of them count in a plan's month.
    pub fn sent(&self) -> u64 {
        self.pace.sent()
    }

    /// AIRTABLE_BASE_ID: `app…`.
    pub fn base_id(&self) -> &str {
        &self.config.base_id
    }

    /// AIRTABLE_TABLE: name or `tbl…`.
    pub fn table(&self) -> &str {
        &self.config.table
    }

    /// What a [`super::Mapping`] is remembered under: its ids mean nothing in another base or for another table.
    pub fn mapping_key(&self) -> String {
        format!("{}/{}", self.config.base_id, self.config.table)
    }

    /// Creates or updates at most 10 rows (field id to cell), found again by their key cell. Answers in the order of
    /// `rows`. More than one record with a key, or one bad cell, refuses them all.
    pub async fn upsert(
        &self,
        table_id: &str,
        key_field_id: &str,
        rows: &[Map<String, Value>],
    ) -> Result<Vec<Written>, Error> {
        let rows: Vec<_> = rows.iter().map(|cells| (None, cells.clone())).collect();
        self.write(table_id, key_field_id, &rows).await
    }

    /// [`Client::upsert`] for rows some of whose record ids (`rec…`) are known: those are updated by id in the same
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
            .request(Method::PATCH, &[&self.config.base_id, table_id])
            .json(&json!({
                "performUpsert": { "fieldsToMergeOn": [key_field_id] },
                "returnFieldsByFieldId": true,
                "records": records,
            }));
        let answer: Records = self.call(Access::WriteRecords, request).await?;
        answer.tell_attachments();
        written(&answer, key_field_id, rows)
    }

    /// Updates at most 10 records by id; their cells by record and field id. Always the batch form: there a missing
    /// record is [`super::Class::RowGone`], while the single form answers it like a lost permission.
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
            .request(Method::PATCH, &[&self.config.base_id, table_id])
            .json(&json!({
                "returnFieldsByFieldId": true,
                "records": records,
            }));
        let answer: Records = self.call(Access::WriteRecords, request).await?;
        answer.tell_attachments();
        let cells = answer.cells();
        match rows.iter().all(|(id, _)| cells.contains_key(id)) {
            true => Ok(cells),
            false => Err(Error::Incomplete),
        }
    }

    /// Ids of the records whose key cell is `key`, at most 100.
    pub async fn find(
        &self,
        table_id: &str,
        key_field_id: &str,
        key: &str,
    ) -> Result<Vec<String>, Error> {
        let formula = format!("{{{key_field_id}}}={}", formula_text(key));
        let request = self
            .request(Method::GET, &[&self.config.base_id, table_id])
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

    /// Deletes at most 10 records: only those a probe has made itself.
    pub async fn delete(&self, table_id: &str, record_ids: &[String]) -> Result<(), Error> {
        if record_ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<(&str, &String)> = record_ids.iter().map(|id| ("records[]", id)).collect();
        let request = self
            .request(Method::DELETE, &[&self.config.base_id, table_id])
            .query(&ids);
        self.call::<Value>(Access::WriteRecords, request)
            .await
            .map(|_| ())
    }

    /// The base's tables and their fields. Answers even while the monthly quota is used up, so it proves no write.
    pub async fn tables(&self) -> Result<Vec<Table>, Error> {
        let request = self.request(
            Method::GET,
            &["meta", "bases", &self.config.base_id, "tables"],
        );
        let answer: Tables = self.call(Access::ReadSchema, request).await?;
        Ok(answer.tables)
    }

    /// `table` as the metadata API takes it: `{name, description, fields}`; the first field becomes the primary one.
    pub async fn create_table(&self, table: &Value) -> Result<Table, Error> {
        let path = ["meta", "bases", &self.config.base_id, "tables"];
        self.call(
            Access::WriteSchema,
            self.request(Method::POST, &path).json(table),
        )
        .await
    }

    /// `field` as the metadata API takes it: `{name, type, description, options}`.
    pub async fn create_field(&self, table_id: &str, field: &Value) -> Result<Field, Error> {
        let path = [
            "meta",
            "bases",
            &self.config.base_id,
            "tables",
            table_id,
            "fields",
        ];
        self.call(
            Access::WriteSchema,
            self.request(Method::POST, &path).json(field),
        )
        .await
    }

    /// A new base in a workspace (`wsp…`) with these tables.
    pub async fn create_base(
        &self,
        workspace_id: &str,
        name: &str,
        tables: &[Value],
    ) -> Result<Base, Error> {
        let body = json!({ "name": name, "workspaceId": workspace_id, "tables": tables });
        let request = self.request(Method::POST, &["meta", "bases"]).json(&body);
        self.call(Access::CreateBase, request).await
    }

    pub(super) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = format!("{}/v0", self.config.api_url.trim_end_matches('/'));
        for segment in path {
            url.push('/');
            // A table's name may hold slashes and spaces.
            let encoded: String =
                url::form_urlencoded::byte_serialize(segment.as_bytes()).collect();
            url.push_str(&encoded.replace('+', "%20"));
        }
        self.http
            .request(method, url)
            .bearer_auth(self.config.token.expose_secret())
            .timeout(TIMEOUT)
    }

    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        access: Access,
        request: RequestBuilder,
    ) -> Result<T, Error> {
        let turn = self.pace.turn().await.map_err(|denied| match denied {
            Denied::Spent { limit, rest } => Error::Spent { limit, rest },
            Denied::Uncounted(why) => Error::Uncounted(why),
        })?;
        let answer = Answer::of(request).await;
        let outcome = self.outcome(access, answer, &turn).await;
        // Not before a lockout is known: who waits must not go now.
        drop(turn);
        outcome
    }

    async fn outcome<T: DeserializeOwned>(
        &self,
        access: Access,
        answer: Result<Answer, reqwest::Error>,
        turn: &Turn<'_>,
    ) -> Result<T, Error> {
        // The address holds the formula, and with it the key.
        let answer = answer.map_err(|error| match error.is_builder() {
            true => Error::Unsendable(error.without_url()),
            false => Error::Unreachable(error.without_url()),
        })?;
        if answer.status.is_success() {
            self.pace.answered(turn);
            return serde_json::from_slice(&answer.body).map_err(Error::Unreadable);
        }
        let mut refusal = Refusal::new(
            access,
            answer.status.as_u16(),
            &answer.body,
            answer.retry_after,
        );
        if let super::Class::Locked { .. } = refusal.class() {
            let after = answer.retry_after.unwrap_or(LOCKOUT);
            refusal.after = Some(self.pace.lock_out(after).await);
        } else {
            self.pace.answered(turn);
        }
        Err(Error::Refused(refusal))
    }
}

/// A text of a formula, in double quotes.
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
