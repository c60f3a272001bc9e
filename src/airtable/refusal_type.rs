//! The types of Airtable's refusals.

/// What Airtable calls a refusal, as far as we act on it. Airtable lists only some of its types, so others are kept as
/// they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusalType {
    /// The body is not Airtable's.
    Absent,
    /// A plan's limits: the monthly requests (`PUBLIC_API_BILLING_LIMIT_EXCEEDED`) and, by whatever name, the records of
    /// a base.
    OverPlan(String),
    /// `ROW_DOES_NOT_EXIST`
    RowDoesNotExist,
    /// `UNKNOWN_FIELD_NAME`
    UnknownFieldName,
    /// `INVALID_MULTIPLE_CHOICE_OPTIONS`
    InvalidChoice,
    /// `INVALID_ATTACHMENT_OBJECT` and others: Airtable cannot use a file.
    Attachment(String),
    Other(String),
}

impl RefusalType {
    /// From the text in a refusal's body; empty when there is none.
    pub(super) fn parse(text: &str) -> RefusalType {
        let is_records = ["RECORD", "ROW_", "PLAN"]
            .iter()
            .any(|word| text.contains(word));
        match text {
            "" => RefusalType::Absent,
            "ROW_DOES_NOT_EXIST" => RefusalType::RowDoesNotExist,
            "UNKNOWN_FIELD_NAME" => RefusalType::UnknownFieldName,
            "INVALID_MULTIPLE_CHOICE_OPTIONS" => RefusalType::InvalidChoice,
            _ if text.contains("BILLING_LIMIT") => RefusalType::OverPlan(text.to_owned()),
            _ if is_records && text.contains("LIMIT") => RefusalType::OverPlan(text.to_owned()),
            _ if text.contains("ATTACHMENT") => RefusalType::Attachment(text.to_owned()),
            _ => RefusalType::Other(text.to_owned()),
        }
    }

    /// Airtable's own word; empty when the body is not Airtable's.
    pub fn as_str(&self) -> &str {
        match self {
            RefusalType::Absent => "",
            RefusalType::RowDoesNotExist => "ROW_DOES_NOT_EXIST",
            RefusalType::UnknownFieldName => "UNKNOWN_FIELD_NAME",
            RefusalType::InvalidChoice => "INVALID_MULTIPLE_CHOICE_OPTIONS",
            RefusalType::OverPlan(text)
            | RefusalType::Attachment(text)
            | RefusalType::Other(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_by_what_is_done_about_them_and_keep_their_words() {
        let over_plan = |text: &str| RefusalType::OverPlan(text.into());
        let cases = [
            ("", RefusalType::Absent),
            ("ROW_DOES_NOT_EXIST", RefusalType::RowDoesNotExist),
            (
                "PUBLIC_API_BILLING_LIMIT_EXCEEDED",
                over_plan("PUBLIC_API_BILLING_LIMIT_EXCEEDED"),
            ),
            ("RECORD_LIMIT_EXCEEDED", over_plan("RECORD_LIMIT_EXCEEDED")),
            (
                "RATE_LIMIT_REACHED",
                RefusalType::Other("RATE_LIMIT_REACHED".into()),
            ),
            (
                "INVALID_ATTACHMENT_OBJECT",
                RefusalType::Attachment("INVALID_ATTACHMENT_OBJECT".into()),
            ),
        ];
        for (text, wanted) in cases {
            let kind = RefusalType::parse(text);
            assert_eq!((kind.as_str(), &kind), (text, &wanted));
        }
    }
}
