//! The types of Airtable's columns: airtable.com/developers/web/api/field-model.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A type that Airtable's API can create and that we can write. Its JSON is Airtable's name of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FieldType {
    SingleLineText,
    MultilineText,
    RichText,
    Email,
    Url,
    PhoneNumber,
    MultipleAttachments,
    Number,
    Percent,
    Currency,
    Duration,
    Rating,
    Checkbox,
    SingleSelect,
    MultipleSelects,
    Date,
    DateTime,
}

impl FieldType {
    /// In the order in which messages list them.
    pub const ALL: [FieldType; 17] = [
        FieldType::SingleLineText,
        FieldType::MultilineText,
        FieldType::RichText,
        FieldType::Email,
        FieldType::Url,
        FieldType::PhoneNumber,
        FieldType::MultipleAttachments,
        FieldType::Number,
        FieldType::Percent,
        FieldType::Currency,
        FieldType::Duration,
        FieldType::Rating,
        FieldType::Checkbox,
        FieldType::SingleSelect,
        FieldType::MultipleSelects,
        FieldType::Date,
        FieldType::DateTime,
    ];

    /// As Airtable's API spells it: `singleLineText`.
    pub fn as_str(self) -> &'static str {
        match self {
            FieldType::SingleLineText => "singleLineText",
            FieldType::MultilineText => "multilineText",
            FieldType::RichText => "richText",
            FieldType::Email => "email",
            FieldType::Url => "url",
            FieldType::PhoneNumber => "phoneNumber",
            FieldType::MultipleAttachments => "multipleAttachments",
            FieldType::Number => "number",
            FieldType::Percent => "percent",
            FieldType::Currency => "currency",
            FieldType::Duration => "duration",
            FieldType::Rating => "rating",
            FieldType::Checkbox => "checkbox",
            FieldType::SingleSelect => "singleSelect",
            FieldType::MultipleSelects => "multipleSelects",
            FieldType::Date => "date",
            FieldType::DateTime => "dateTime",
        }
    }

    /// As the menu of a column in Airtable's own pages calls it.
    pub fn menu_label(self) -> &'static str {
        match self {
            FieldType::SingleLineText => "Single line text",
            FieldType::MultilineText => "Long text",
            FieldType::RichText => "Long text, with rich text formatting",
            FieldType::Email => "Email",
            FieldType::Url => "URL",
            FieldType::PhoneNumber => "Phone number",
            FieldType::MultipleAttachments => "Attachment",
            FieldType::Number => "Number",
            FieldType::Percent => "Percent",
            FieldType::Currency => "Currency",
            FieldType::Duration => "Duration",
            FieldType::Rating => "Rating",
            FieldType::Checkbox => "Checkbox",
            FieldType::SingleSelect => "Single select",
            FieldType::MultipleSelects => "Multiple select",
            FieldType::Date => "Date",
            FieldType::DateTime => "Date, with the time field",
        }
    }

    /// Whether it takes any text as it is.
    pub fn is_text(self) -> bool {
        matches!(
            self,
            FieldType::SingleLineText
                | FieldType::MultilineText
                | FieldType::RichText
                | FieldType::Email
                | FieldType::Url
                | FieldType::PhoneNumber
        )
    }

    /// Whether its cells are one or several of the column's choices.
    pub fn is_select(self) -> bool {
        matches!(self, FieldType::SingleSelect | FieldType::MultipleSelects)
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text names no type that we can create and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownType;

impl FromStr for FieldType {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<FieldType, UnknownType> {
        let mut all = FieldType::ALL.into_iter();
        all.find(|known| known.as_str() == text).ok_or(UnknownType)
    }
}

/// The type of a column that is in a base. Airtable has more types than we write, and will have more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FoundType {
    Known(FieldType),
    Other(String),
}

impl FoundType {
    /// As Airtable's API spells it.
    pub fn as_str(&self) -> &str {
        match self {
            FoundType::Known(kind) => kind.as_str(),
            FoundType::Other(kind) => kind,
        }
    }
}

impl PartialEq<FieldType> for FoundType {
    fn eq(&self, kind: &FieldType) -> bool {
        matches!(self, FoundType::Known(known) if known == kind)
    }
}

impl fmt::Display for FoundType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_type_has_one_spelling_and_unknown_ones_keep_theirs() {
        for kind in FieldType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(json!(kind), json!(kind.as_str()));
            let found: FoundType = serde_json::from_value(json!(kind)).unwrap();
            assert!(found == kind);
        }
        let found: FoundType = serde_json::from_value(json!("aiText")).unwrap();
        assert_eq!(found, FoundType::Other("aiText".into()));
        assert_eq!(json!(found), json!("aiText"));
        assert_eq!("aiText".parse::<FieldType>(), Err(UnknownType));
    }
}
