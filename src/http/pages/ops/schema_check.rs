//! How the pages ask the base for its columns: they do not know Airtable.

use futures_util::future::BoxFuture;

use crate::domain::ComparedTable;

/// Asks the base for its columns: what `bootstrap --check` prints, or why it cannot, for people. It takes requests, so it is
/// done only when somebody asks.
pub type SchemaCheck =
    Box<dyn Fn() -> BoxFuture<'static, Result<ComparedTable, String>> + Send + Sync>;
