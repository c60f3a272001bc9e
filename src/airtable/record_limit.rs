//! Recognizes refusals because the base or its plan has no room for more records. Airtable documents no error type for that,
//! so the words of its message decide.

use super::refusal_type::RefusalType;

const LIMIT: [&str; 7] = [
    "limit", "maximum", "quota", "exceed", "capacity", "is full", "too many",
];
const PLAN: [&str; 5] = ["upgrade", "plan", "billing", "workspace", "pricing"];
const ROOM: [&str; 5] = ["record", "row", "base is", "base has", "this base"];

/// `message`: Airtable's, which names no column and no record.
pub(super) fn is_named(kind: &RefusalType, message: &str) -> bool {
    let type_says = match kind {
        // The monthly limit on requests, which also blocks updates of existing rows, unless the message is about records.
        RefusalType::OverPlan(kind) if kind.contains("BILLING") => return is_of_records(message),
        RefusalType::Other(kind) if kind.contains("RATE_LIMIT") => return false,
        RefusalType::OverPlan(_) => return true,
        RefusalType::Other(kind) => ["LIMIT", "QUOTA", "FULL"]
            .iter()
            .any(|word| kind.contains(word)),
        RefusalType::Absent
        | RefusalType::RowDoesNotExist
        | RefusalType::UnknownFieldName
        | RefusalType::InvalidChoice
        | RefusalType::Attachment(_) => return false,
    };
    let text = format!("{} {message}", kind.as_str().replace('_', " ")).to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let (limit, plan, room) = (has(&LIMIT), has(&PLAN), has(&ROOM));
    type_says || (limit && (plan || room)) || (plan && room)
}

fn is_of_records(message: &str) -> bool {
    let message = message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    has(&LIMIT) && has(&["record", "rows"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_base_is_distinguished_from_other_refusals() {
        let full = [
            ("RECORD_LIMIT_EXCEEDED", ""),
            ("LIMIT_CHECK_FAILED", "Limit check failed"),
            (
                "INVALID_REQUEST_UNKNOWN",
                "This base has reached its record limit. Upgrade your plan to add more records.",
            ),
            (
                "INVALID_PERMISSIONS",
                "You must upgrade to create more records",
            ),
            ("CANNOT_CREATE", "The maximum number of rows is reached"),
            ("BASE_OVER_CAPACITY", "This base is full"),
            ("TABLE_FULL", ""),
            ("MAX_ROWS_EXCEEDED", ""),
            (
                "BILLING_LIMIT",
                "Your workspace exceeds the limit of 1,000 records per base on the Free plan",
            ),
        ];
        let others = [
            (
                "PUBLIC_API_BILLING_LIMIT_EXCEEDED",
                "The API billing plan limit has been exceeded.",
            ),
            (
                "RATE_LIMIT_REACHED",
                "Rate limit exceeded. Please try again later",
            ),
            (
                "INVALID_REQUEST_UNKNOWN",
                "Invalid request: parameter validation failed. Check your request data.",
            ),
            (
                "INVALID_PERMISSIONS",
                "You are not permitted to perform this operation",
            ),
            (
                "INVALID_ATTACHMENT_OBJECT",
                "The attachment exceeds the size limit of your plan",
            ),
            ("", "This base has reached its record limit"),
        ];
        for (kind, message) in full {
            assert!(
                is_named(&RefusalType::parse(kind), message),
                "{kind}: {message}"
            );
        }
        for (kind, message) in others {
            assert!(
                !is_named(&RefusalType::parse(kind), message),
                "{kind}: {message}"
            );
        }
    }
}
