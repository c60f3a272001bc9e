//! Airtable's error bodies, word for word where the live API's words are known.

use serde_json::{Value, json};

/// What every endpoint gives: a JSON body with status 200, or a refusal.
pub(super) type Outcome = Result<Value, Refusal>;

/// An answer that is not 200.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: u16,
    pub body: Value,
}

impl Refusal {
    /// The usual shape: `{"error":{"type","message"}}`.
    pub fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        let body = json!({"error": {"type": kind, "message": message.into()}});
        Self { status, body }
    }

    pub fn invalid(kind: &str, message: impl Into<String>) -> Self {
        Self::new(422, kind, message)
    }

    /// The string form that unknown paths get: `{"error":"NOT_FOUND"}`.
    pub fn not_found() -> Self {
        Self {
            status: 404,
            body: json!({"error": "NOT_FOUND"}),
        }
    }

    pub fn unauthenticated() -> Self {
        Self::new(401, "AUTHENTICATION_REQUIRED", "Authentication required")
    }

    /// Airtable does not tell a missing base, table or record from a missing right.
    pub fn forbidden() -> Self {
        Self::new(
            403,
            "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
            "Invalid permissions, or the requested model was not found. Check that both your user and your token \
             have the required permissions, and that the model names and/or ids are correct.",
        )
    }

    /// The plural shape, which the live API gives for its limits.
    fn plural(status: u16, kind: &str, message: &str) -> Self {
        Self {
            status,
            body: json!({"errors": [{"error": kind, "message": message}]}),
        }
    }

    pub fn rate_limited() -> Self {
        Self::plural(
            429,
            "RATE_LIMIT_REACHED",
            "Rate limit exceeded. Please try again later",
        )
    }

    pub fn quota_used_up() -> Self {
        Self::plural(
            429,
            "PUBLIC_API_BILLING_LIMIT_EXCEEDED",
            "The API billing plan limit has been exceeded.",
        )
    }

    /// What the live API says when it does not like a request and does not say why.
    pub fn poisoned() -> Self {
        let message = "Invalid request: parameter validation failed. Check your request data.";
        Self::invalid("INVALID_REQUEST_UNKNOWN", message)
    }

    pub fn unknown_field(name: &str) -> Self {
        Self::invalid(
            "UNKNOWN_FIELD_NAME",
            format!("Unknown field name: \"{name}\""),
        )
    }

    pub fn bad_value(field: &str) -> Self {
        let message = format!("Field \"{field}\" cannot accept the provided value");
        Self::invalid("INVALID_VALUE_FOR_COLUMN", message)
    }

    /// The live message names the choice, not the field, with two pairs of quotes.
    pub fn unknown_choice(choice: &str) -> Self {
        let message =
            format!("Insufficient permissions to create new select option \"\"{choice}\"\"");
        Self::invalid("INVALID_MULTIPLE_CHOICE_OPTIONS", message)
    }

    pub fn wrong_table(record: &str, table: &str, wanted: &str) -> Self {
        let message = format!(
            "Record ID {record} belongs to table {table}, but the field links to table {wanted}"
        );
        Self::invalid("ROW_TABLE_DOES_NOT_MATCH_LINKED_TABLE", message)
    }

    pub fn missing_row(id: &str) -> Self {
        let message = format!("Record ID {id} does not exist in this table");
        Self::invalid("ROW_DOES_NOT_EXIST", message)
    }
}
