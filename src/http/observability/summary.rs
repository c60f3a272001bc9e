//! An upload as a report in the form of `POST /v1/transcripts`: the session's summary with its conversation.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use super::header::Header;
use crate::{
    domain::transcript::PLACES,
    http::{repair, report_message::enclosed},
};

/// A session without a conversation.
const NOTHING: &str = r#"{"items":[]}"#;

/// The report. `chat` is the part `chat_history`, JSON; there is no second copy of it.
pub(super) fn report(header: &Header, chat: Option<String>) -> String {
    let chat = chat.unwrap_or_else(|| NOTHING.to_owned());
    let mut before = String::from("{");
    let summary = repair::json(&header.session_summary).unwrap_or_default();
    for (name, value) in fields(&summary, header) {
        before.push_str(&Value::from(name).to_string());
        before.push(':');
        before.push_str(value.get());
        before.push(',');
    }
    before.push_str("\"chat_history\":");
    enclosed(&before, chat)
}

/// The summary's fields with those of the header, but no conversation: that comes in a part of its own. A summary that is not
/// JSON is left out: the conversation counts more. Values stay text: parsed, they can take a hundred times the memory.
fn fields<'a>(summary: &'a str, header: &Header) -> BTreeMap<String, Cow<'a, RawValue>> {
    let summary = serde_json::from_str::<BTreeMap<String, &'a RawValue>>(summary);
    let fields = summary.unwrap_or_default().into_iter();
    let mut fields: BTreeMap<_, _> = fields
        .filter(|(name, _)| !PLACES.contains(&name.as_str()) && name != "events")
        .map(|(name, value)| (name, Cow::Borrowed(value)))
        .collect();
    for (name, value) in [("room_id", &header.room_id), ("job_id", &header.job_id)] {
        let value = Some(value).filter(|value| !value.is_empty());
        if let Some(Ok(value)) = value.map(to_raw_value) {
            fields.insert(name.to_owned(), Cow::Owned(value));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(summary: &str) -> Header {
        Header {
            room_id: "RM_1".into(),
            job_id: "AJ_1".into(),
            session_summary: summary.into(),
            ..Header::default()
        }
    }

    #[test]
    fn a_summary_and_a_conversation_make_a_report() {
        let chat = r#"{"items":[{"role":"user","content":["}"]}]}"#.to_owned();
        let summary = r#"{"job_id":"other","usage":[{"n":{}}],"items":[1],"events":[2]}"#;
        let report: Value = serde_json::from_str(&report(&header(summary), Some(chat))).unwrap();
        let expected = serde_json::json!({
            "job_id": "AJ_1", "room_id": "RM_1", "usage": [{"n": {}}],
            "chat_history": {"items": [{"role": "user", "content": ["}"]}]},
        });
        assert_eq!(report, expected);
    }

    #[test]
    fn values_of_the_summary_stay_as_they_came() {
        let summary = r#"{"b": [ {"":0} ] ,"a":2,"a":1E2}"#;
        let report = report(&header(summary), None);
        assert!(
            report.starts_with(r#"{"a":1E2,"b":[ {"":0} ],"job_id":"#),
            "{report}"
        );
    }

    #[test]
    fn what_nobody_could_read_of_a_summary_is_repaired() {
        let summary = r#"{"tags":["\ud83d"],"usage":[1e400]}"#;
        let report: Value = serde_json::from_str(&report(&header(summary), None)).unwrap();
        assert_eq!(report["tags"], serde_json::json!(["\u{fffd}"]));
        assert_eq!(report["usage"], serde_json::json!([null]));
    }

    #[test]
    fn without_either_it_is_still_a_report() {
        for summary in ["", "no JSON", "[1]", r#"{"nested":{}}"#] {
            let report: Value = serde_json::from_str(&report(&header(summary), None)).unwrap();
            assert_eq!(report["room_id"], "RM_1", "{summary}");
            assert_eq!(report["chat_history"], serde_json::json!({"items": []}));
        }
    }
}
