//! Airtable's error bodies, word for word where the live API's words are known.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What every endpoint returns: a JSON body with status 200, or a refusal.
pub(super) type Outcome = Result<Value, Refusal>;

/// An answer that is not 200.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub status: u16,
    pub body: Value,
}

impl Refusal {
    /// The usual shape: `{"error":{"type","message"}}`.
    pub(super) fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        let body = json!({"error": {"type": kind, "message": message.into()}});
        Self { status, body }
    }

    /// 422 in the usual shape.
    pub(super) fn invalid(kind: &str, message: impl Into<String>) -> Self {
        Self::new(422, kind, message)
    }

    /// The string form that unknown paths get: `{"error":"NOT_FOUND"}`.
    pub(super) fn not_found() -> Self {
        Self {
            status: 404,
            body: json!({"error": "NOT_FOUND"}),
        }
    }

    /// 401: no token, or not one that is known.
    pub(super) fn unauthenticated() -> Self {
        Self::new(401, "AUTHENTICATION_REQUIRED", "Authentication required")
    }

    /// 403. Airtable answers the same for a missing base, table or record as for a missing permission.
    pub(super) fn forbidden() -> Self {
        Self::new(
            403,
            "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
            "Invalid permissions, or the requested model was not found. Check that both your user and your token \
             have the required permissions, and that the model names and/or ids are correct.",
        )
    }

    /// The plural shape, which the live API uses for its limits.
    fn plural(status: u16, kind: &str, message: &str) -> Self {
        Self {
            status,
            body: json!({"errors": [{"error": kind, "message": message}]}),
        }
    }

    /// 429 of the rate limit.
    pub(super) fn rate_limited() -> Self {
        Self::plural(
            429,
            "RATE_LIMIT_REACHED",
            "Rate limit exceeded. Please try again later",
        )
    }

    /// 429 of the monthly limit of API calls.
    pub(super) fn quota_used_up() -> Self {
        Self::plural(
            429,
            "PUBLIC_API_BILLING_LIMIT_EXCEEDED",
            "The API billing plan limit has been exceeded.",
        )
    }

    /// 422 as the live API answers a request that it rejects without a reason.
    pub(super) fn unexplained() -> Self {
        let message = "Invalid request: parameter validation failed. Check your request data.";
        Self::invalid("INVALID_REQUEST_UNKNOWN", message)
    }

    /// 422: no field has this name or id.
    pub(super) fn unknown_field(name: &str) -> Self {
        Self::invalid(
            "UNKNOWN_FIELD_NAME",
            format!("Unknown field name: \"{name}\""),
        )
    }

    /// 422: the field's type does not take the value.
    pub(super) fn bad_value(field: &str) -> Self {
        let message = format!("Field \"{field}\" cannot accept the provided value");
        Self::invalid("INVALID_VALUE_FOR_COLUMN", message)
    }

    /// 422: the select field has no such choice. The live message names the choice, not the field, in two pairs of quotes.
    pub(super) fn unknown_choice(choice: &str) -> Self {
        let message =
            format!("Insufficient permissions to create new select option \"\"{choice}\"\"");
        Self::invalid("INVALID_MULTIPLE_CHOICE_OPTIONS", message)
    }

    /// 403: the permissions of a field keep the token's user from editing it, or those of a table from creating records.
    /// `what`: "field" or "table". The words of the live API.
    pub(super) fn locked(what: &str, name: &str, id: &str) -> Self {
        let message = format!(
            "You are not permitted to perform this operation because the {what} \"{name}\" ({id}) has been configured to limit who \
             can perform this operation"
        );
        Self::new(403, "INVALID_PERMISSIONS", message)
    }

    /// 422: the plan allows no more records. Airtable documents no error for this; type and words are made up.
    pub(super) fn base_is_full() -> Self {
        let message =
            "This base has reached its record limit. Upgrade your plan to add more records.";
        Self::invalid("INVALID_REQUEST_UNKNOWN", message)
    }

    /// 422: a link to a record of another table than the field links to.
    pub(super) fn wrong_table(record: &str, table: &str, wanted: &str) -> Self {
        let message = format!(
            "Record ID {record} belongs to table {table}, but the field links to table {wanted}"
        );
        Self::invalid("ROW_TABLE_DOES_NOT_MATCH_LINKED_TABLE", message)
    }

    /// 422: no record of the table has this id.
    pub(super) fn missing_row(id: &str) -> Self {
        let message = format!("Record ID {id} does not exist in this table");
        Self::invalid("ROW_DOES_NOT_EXIST", message)
    }
}

/// The HTTP response of an outcome.
pub(super) fn respond(outcome: Outcome) -> Response {
    let (status, body) = match outcome {
        Ok(body) => (StatusCode::OK, body),
        Err(Refusal { status, body }) => (
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            body,
        ),
    };
    let kind = [(CONTENT_TYPE, "application/json; charset=utf-8")];
    (status, kind, body.to_string()).into_response()
}
