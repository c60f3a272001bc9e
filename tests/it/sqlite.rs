//! The SQLite database, as another program sees it.

use std::path::Path;

use sqlx::{AnyConnection, Connection};

/// A connection to the database in this file.
pub(crate) async fn connection(file: &Path) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite:{}", file.display());
    AnyConnection::connect(&url).await.unwrap()
}
