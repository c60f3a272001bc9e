//! What is in an attachment column. Airtable fetches what it is sent later, and drops in silence what it could not
//! fetch: the only way to know is to read the cell.

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
    /// Bytes; none until Airtable has fetched it.
    pub size: Option<u64>,
    /// As `audio/mpeg`; none until Airtable has fetched it.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

impl Attachment {
    /// The attachments of a cell; an empty cell is left out of Airtable's answers.
    pub fn of_cell(cell: Option<&Value>) -> Vec<Attachment> {
        let read = |cell: &Value| serde_json::from_value(cell.clone()).ok();
        cell.and_then(read).unwrap_or_default()
    }
}

impl Client {
    /// The attachments in one column of at most 10 records, by record id. A record that is not there is left out.
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
