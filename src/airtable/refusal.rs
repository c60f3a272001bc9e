//! Airtable's errors and what they mean for the row, the base or the configuration.

use std::fmt;
use std::time::Duration;

use super::class::{Access, Class};
use super::permission::{self, Permission};
use super::refusal_type::RefusalType;
use super::{body, message, record_limit};

/// Who wrote the body of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The body is Airtable's JSON, perhaps cut short.
    Airtable,
    /// The body is not Airtable's: a proxy or firewall answered.
    Intermediary,
}

/// A response that is not successful, in Airtable's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What was asked for.
    pub access: Access,
    /// HTTP's.
    pub status: u16,
    /// Whether Airtable or an intermediary refused.
    pub answered_by: AnsweredBy,
    /// Airtable's type, as far as it is known.
    pub kind: RefusalType,
    /// Airtable's message, word for word; for a body that is not Airtable's, a description of it.
    pub message: String,
    /// The record that the message names (`rec…`).
    pub record_id: Option<String>,
    /// The column that the message names, by id or name.
    pub column: Option<String>,
    /// The choice that a select column lacks.
    pub choice: Option<String>,
    /// The permission in Airtable that caused it.
    pub permission: Option<Permission>,
    /// `Retry-After`; after a 429, the client's wait including jitter.
    pub after: Option<Duration>,
}

/// How long a base is locked after a 429 (documented).
pub(super) const LOCKOUT: Duration = Duration::from_secs(30);

impl Refusal {
    /// Reads the body of an answer that is not a success.
    pub(super) fn new(
        access: Access,
        status: u16,
        body: &[u8],
        after: Option<Duration>,
    ) -> Refusal {
        let (kind, message) = body::refusal(body);
        let answered_by = match body::is_airtables(body, &kind) {
            true => AnsweredBy::Airtable,
            false => AnsweredBy::Intermediary,
        };
        let message = match (access, answered_by) {
            // A firewall may repeat the private text that it rejected.
            (Access::WriteRecords, AnsweredBy::Intermediary) if body.starts_with(b"{") => {
                "JSON that is not Airtable's".into()
            }
            _ => message,
        };
        let kind = RefusalType::parse(&kind);
        let is_permission = status == 403 || kind.as_str().contains("PERMISSION");
        let in_other_words = || permission::of_columns(&message).filter(|_| is_permission);
        let permission = permission::named(&message).or_else(in_other_words);
        let names_choice = kind == RefusalType::InvalidChoice;
        Refusal {
            access,
            status,
            answered_by,
            permission,
            record_id: message::record_id(&message),
            column: message::column(&message),
            choice: message::choice(&message).filter(|_| names_choice),
            kind,
            message,
            after,
        }
    }

    /// What to do about it.
    pub fn class(&self) -> Class {
        if let (400..500, Some(Permission::Columns(columns))) = (self.status, &self.permission) {
            return Class::ColumnPermission {
                columns: columns.clone(),
            };
        }
        if self.is_record_limit() {
            return Class::Quota;
        }
        match (self.status, &self.kind) {
            (_, RefusalType::OverPlan(_)) | (402, _) => Class::Quota,
            (400..500, RefusalType::RowDoesNotExist) => Class::RowGone,
            (400..500, _) if self.permission.is_some() => Class::Configuration,
            (403 | 404, _) if self.record_id.is_some() => Class::RowGone,
            (400..500, RefusalType::UnknownFieldName) => Class::UnknownField,
            // A redirect, which is not followed: the address is not Airtable's API.
            (300..=399 | 401 | 403 | 404, _) => Class::Configuration,
            (413, _) => Class::TooLarge,
            (429, _) => Class::Locked {
                after: self.after.unwrap_or(LOCKOUT),
            },
            // A 400 without one of Airtable's types comes from a proxy in between and says nothing about the row.
            (400, RefusalType::Absent) => Class::Retry { after: self.after },
            (400 | 422, _) => match &self.choice {
                Some(choice) => Class::Choice {
                    choice: choice.clone(),
                },
                None => Class::Row {
                    column: self.column.clone(),
                },
            },
            _ => Class::Retry { after: self.after },
        }
    }

    /// Whether Airtable cannot use an attachment: that is about one file, not about the column.
    pub fn is_about_an_attachment(&self) -> bool {
        matches!(self.kind, RefusalType::Attachment(_))
    }

    /// Whether a proxy or firewall refused a write. If reads work, it objects to the contents.
    pub fn is_of_an_intermediary(&self) -> bool {
        // A redirect to a login page is one, too, and so is a page where a success has JSON.
        let is_refusal = matches!(self.status, 200..=499) && !matches!(self.status, 408 | 429);
        let is_write = self.access == Access::WriteRecords;
        is_write && is_refusal && self.answered_by == AnsweredBy::Intermediary
    }

    /// Whether Airtable says that there is no room for more records.
    pub fn is_record_limit(&self) -> bool {
        let is_refusal = match self.status {
            401 | 413 => false,
            429 => matches!(self.kind, RefusalType::OverPlan(_)),
            status => matches!(status, 400..=499),
        };
        let names_nothing = self.column.is_none() && self.record_id.is_none();
        is_refusal && names_nothing && record_limit::is_named(&self.kind, &self.message)
    }

    /// Whether it may concern only new rows, while existing rows can be updated: no room for more records, or no permission
    /// to create them.
    pub fn may_concern_creates(&self) -> bool {
        let is_permission = match &self.permission {
            Some(Permission::Table) => true,
            Some(Permission::Columns(_)) => false,
            None => self.status == 403 && self.record_id.is_none(),
        };
        let is_airtables = self.answered_by == AnsweredBy::Airtable;
        let is_write = self.access == Access::WriteRecords;
        is_write && is_airtables && (is_permission || self.is_record_limit() || self.status == 402)
    }

    /// Status, type and message, without advice.
    pub fn answer(&self) -> String {
        match (self.kind.as_str(), self.message.as_str()) {
            ("", message) => format!("{} ({message})", self.status),
            (kind, "") => format!("{} {kind}", self.status),
            (kind, message) => format!("{} {kind}: {message}", self.status),
        }
    }

    /// What a person can check, by status: 401 the token, 403 scope and access, 404 the ids.
    fn advice(&self) -> String {
        match self.permission {
            Some(Permission::Table) => return TABLE_PERMISSION.to_owned(),
            _ if self.answered_by == AnsweredBy::Intermediary && self.status == 403 => {
                return INTERMEDIARY.to_owned();
            }
            _ => {}
        }
        let scope = self.access.scope();
        let table = match self.access {
            Access::ReadRecords | Access::WriteRecords => {
                ", and that AIRTABLE_TABLE is a table of that base"
            }
            Access::ReadUser | Access::ReadSchema | Access::WriteSchema | Access::CreateBase => "",
        };
        match self.status {
            403 | 404 if self.access == Access::CreateBase => format!(
                "check that AIRTABLE_TOKEN has the scope {scope} and access to the whole workspace, whose id (wsp…) is in its address in the browser"
            ),
            300..=399 => "check AIRTABLE_API_URL, which must begin with https: it redirects to another address, and a token must not follow"
                .to_string(),
            401 => "AIRTABLE_TOKEN is not a valid token; create one at airtable.com/create/tokens"
                .to_string(),
            403 => format!(
                "check that AIRTABLE_TOKEN has the scope {scope} and access to the base, that AIRTABLE_BASE_ID is that base{table}"
            ),
            _ => format!("check that AIRTABLE_BASE_ID is right{table}"),
        }
    }
}

const TABLE_PERMISSION: &str = "the table permission does not let AIRTABLE_TOKEN's user create or change rows; in Airtable, open the menu \
     beside the table's name, choose \"Edit table permissions\", and let that user create records";
const COLUMN_PERMISSION: &str = "the column's permissions do not let AIRTABLE_TOKEN's user edit it; in Airtable, open the column's menu, choose \
     \"Edit field permissions\", and let that user edit values";
const INTERMEDIARY: &str = "the answer is not Airtable's JSON, so a proxy or firewall on the way refused the request; check AIRTABLE_API_URL, and \
     that AIRTABLE_TOKEN, AIRTABLE_BASE_ID and AIRTABLE_TABLE are right";
const RECORD_LIMIT: &str = "the base has no room for more records; delete rows in Airtable or upgrade the workspace's plan";

const OVER_PLAN: &str = "the limit of Airtable's plan is reached (requests per month, or records); upgrade the workspace, delete rows or \
                         wait for the next month; it is retried every hour: Airtable says ";

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.class() {
            Class::Configuration if self.answered_by == AnsweredBy::Intermediary => {
                write!(f, "{}: the answer was ", self.advice())?;
            }
            _ if self.is_record_limit() => write!(f, "{RECORD_LIMIT}: Airtable says ")?,
            Class::Configuration => write!(f, "{}: Airtable says ", self.advice())?,
            Class::ColumnPermission { .. } => write!(f, "{COLUMN_PERMISSION}: Airtable says ")?,
            Class::Quota => f.write_str(OVER_PLAN)?,
            Class::Locked { after } => write!(
                f,
                "too many requests, so all rows of this base wait {} s: Airtable says ",
                after.as_secs()
            )?,
            Class::TooLarge => f.write_str("the row is too large for Airtable: ")?,
            _ => {}
        }
        f.write_str(&self.answer())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_only_where_the_type_says_that_one_is_missing() {
        let refusal = |kind: &str| {
            let body = format!(r#"{{"error":{{"type":"{kind}","message":"Field \"a\""}}}}"#);
            Refusal::new(Access::WriteRecords, 422, body.as_bytes(), None)
        };
        let value = refusal("INVALID_VALUE_FOR_COLUMN");
        assert_eq!((value.choice, value.column), (None, Some("a".into())));
        let choice = refusal("INVALID_MULTIPLE_CHOICE_OPTIONS");
        assert_eq!(choice.choice.as_deref(), Some("a"));
    }
}
