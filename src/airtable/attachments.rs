//! Reads attachment columns. Airtable fetches attachments later and silently drops those that it could not fetch:
//! reading the cell is the only way to find out.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::{class::Access, client::Client, error::Error, wire::Records};

/// One attachment of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Attachment {
    /// `att…`
    pub id: String,
    /// As people may have renamed it.
    #[serde(default)]
    pub filename: String,
    /// Bytes; `None` until Airtable has fetched the file.
    pub size: Option<u64>,
    /// For example `audio/mpeg`; `None` until Airtable has fetched the file.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

impl Attachment {
    /// The attachments of a cell; Airtable omits empty cells from its answers.
    pub fn of_cell(cell: Option<&Value>) -> Vec<Attachment> {
        let read = |cell: &Value| serde_json::from_value(cell.clone()).ok();
        cell.and_then(read).unwrap_or_default()
    }
}

impl Client {
    /// The attachments in one column of at most 10 records, by record ID. Missing records are omitted.
    pub async fn attachments(
        &self,
        table_id: &str,
        field_id: &str,
        record_ids: &[String],
    ) -> Result<BTreeMap<String, Vec<Attachment>>, Error> {
        let each: Vec<String> = record_ids
            .iter()
            .map(|id| format!("RECORD_ID()=\"{id}\""))
            .collect();
        let formula = format!("OR({})", each.join(","));
        let request = self
            .request(Method::GET, &[self.base_id(), table_id])
            .query(&[
                ("filterByFormula", formula.as_str()),
                ("fields[]", field_id),
                ("returnFieldsByFieldId", "true"),
            ]);
        let answer: Records = self.call(Access::ReadRecords, request).await?;
        let cells = answer.cells().into_iter();
        Ok(cells
            .map(|(id, cells)| (id, Attachment::of_cell(cells.get(field_id))))
            .collect())
    }
}
