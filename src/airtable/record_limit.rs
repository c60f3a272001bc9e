//! Whether a refusal says that the base, or its plan, has no room for more records. Airtable documents no error for that, so
//! its words decide.

use super::refusal_type::RefusalType;

const LIMIT: [&str; 7] = [
    "limit", "maximum", "quota", "exceed", "capacity", "is full", "too many",
];
const PLAN: [&str; 5] = ["upgrade", "plan", "billing", "workspace", "pricing"];
const ROOM: [&str; 5] = ["record", "row", "base is", "base has", "this base"];

/// `message`: Airtable's, which names no column and no record.
pub(super) fn is_named(kind: &RefusalType, message: &str) -> bool {
    let type_says = match kind {
        // The requests of a month, which are refused for rows that are there as well.
        RefusalType::OverPlan(kind) if kind.contains("BILLING") => return false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_base_is_told_from_other_refusals() {
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
