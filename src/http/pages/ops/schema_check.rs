//! How the pages ask the base for its columns: they do not know Airtable.

use futures_util::future::BoxFuture;

/// Asks the base for its columns: the plan of `bootstrap`, or why there is none, for people. It takes requests, so it is
/// done only when somebody asks.
pub type SchemaCheck = Box<dyn Fn() -> BoxFuture<'static, Result<String, String>> + Send + Sync>;
