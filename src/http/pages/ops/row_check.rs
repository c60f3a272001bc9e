//! How the pages ask the base for the row of a call: they do not know Airtable.

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::domain::{Call, ComparedCell};

/// What is known of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum ComparedRow {
    /// None was written.
    Unwritten,
    /// Airtable has none any more.
    Deleted,
    /// Its cells, in the order of the schema.
    Cells(Vec<ComparedCell>),
}

/// Asks the base for the row of a call, whose reports were loaded, and compares it with what this service writes; or why that
/// is not possible, for people. The value is the state that the call's delivery keeps. It takes a request, so it is done only
/// when somebody asks.
pub type RowCheck =
    Box<dyn Fn(Call, Value) -> BoxFuture<'static, Result<ComparedRow, String>> + Send + Sync>;
