//! Requests about bases, tables and columns: Airtable's metadata API.

use reqwest::Method;
use serde_json::{Value, json};

use super::class::Access;
use super::client::Client;
use super::error::Error;
use super::wire::{Base, Field, Table, Tables, User};

impl Client {
    /// Whose token it is: the user's ID. Works with any scope.
    pub async fn whoami(&self) -> Result<String, Error> {
        let request = self.request(Method::GET, &["meta", "whoami"]);
        let user: User = self.call(Access::ReadUser, request).await?;
        Ok(user.id)
    }

    /// The base's tables and their fields. Also works when the monthly quota is used up, so success does not prove that
    /// writes work.
    pub async fn tables(&self) -> Result<Vec<Table>, Error> {
        let request = self.request(Method::GET, &["meta", "bases", self.base_id(), "tables"]);
        let answer: Tables = self.call(Access::ReadSchema, request).await?;
        Ok(answer.tables)
    }

    /// `table` as in the metadata API: `{name, description, fields}`; the first field becomes the primary one.
    pub async fn create_table(&self, table: &Value) -> Result<Table, Error> {
        let path = ["meta", "bases", self.base_id(), "tables"];
        self.call(
            Access::WriteSchema,
            self.request(Method::POST, &path).json(table),
        )
        .await
    }

    /// `field` as in the metadata API: `{name, type, description, options}`.
    pub async fn create_field(&self, table_id: &str, field: &Value) -> Result<Field, Error> {
        let path = [
            "meta",
            "bases",
            self.base_id(),
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
}
