//! An upload as a report in the form of `POST /v1/transcripts`: the session's summary with its conversation.

use serde_json::{Map, Value};

use super::header::Header;
use crate::{domain::transcript::PLACES, http::report_message::enclosed};

/// A session without a conversation.
const NOTHING: &str = r#"{"items":[]}"#;

/// The report. `chat` is the part `chat_history`, JSON; there is no second copy of it.
pub(super) fn report(header: &Header, chat: Option<String>) -> String {
    let chat = chat.unwrap_or_else(|| NOTHING.to_owned());
    let fields = Value::Object(fields(header)).to_string();
    // It has the room's sid at least, so that a comma follows its last field.
    let open = fields.strip_suffix('}').unwrap_or_default();
    enclosed(&format!("{open},\"chat_history\":"), chat)
}

/// The summary's fields with those of the header, but no conversation: that comes in a part of its own. A summary that is not
/// JSON is left out: the conversation counts more.
fn fields(header: &Header) -> Map<String, Value> {
    let summary = serde_json::from_str(&header.session_summary).unwrap_or_default();
    let mut fields = match summary {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    fields.retain(|name, _| !PLACES.contains(&name.as_str()) && name != "events");
    for (name, value) in [("room_id", &header.room_id), ("job_id", &header.job_id)] {
        if !value.is_empty() {
            fields.insert(name.to_owned(), Value::from(value.as_str()));
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
    fn without_either_it_is_still_a_report() {
        for summary in ["", "no JSON", "[1]", r#"{"nested":{}}"#] {
            let report: Value = serde_json::from_str(&report(&header(summary), None)).unwrap();
            assert_eq!(report["room_id"], "RM_1", "{summary}");
            assert_eq!(report["chat_history"], serde_json::json!({"items": []}));
        }
    }
}
