//! The table “Calls” as the demo prints it.

use serde_json::{Map, Value};

use livekit_airtable_sim::airtable::Airtable;

use crate::cli::console::output::print_line;

/// Prints the table, a block a row.
pub(super) fn print_table(airtable: &Airtable) -> anyhow::Result<()> {
    print_line("\nThe table “Calls” now:")?;
    let columns = [
        "Status",
        "Started",
        "Duration",
        "Caller",
        "Agent",
        "Recording size",
        "Error",
        "Transcript",
        "Recording URL",
    ];
    for row in airtable.rows("Calls") {
        print_line(&format!("\n  {}", cell(&row, "Room")))?;
        for column in columns {
            let text = cell(&row, column);
            if !text.is_empty() {
                let text = text.replace('\n', &format!("\n{:20}", ""));
                print_line(&format!("    {column:<15} {text}"))?;
            }
        }
    }
    Ok(())
}

/// The text of a cell; empty when the row has none.
pub(super) fn cell(row: &Map<String, Value>, column: &str) -> String {
    match row.get(column) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(value) => value.to_string(),
    }
}
