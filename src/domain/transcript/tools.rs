//! The tools that an agent called, with what it gave them and got: for a page, when somebody asks. They are in no row.

use std::collections::BTreeMap;

use serde_json::Value;

use super::stored::StoredReport;

/// Calls of one report that are shown.
const MOST: usize = 200;
/// How deep a report's items are looked for.
const DEEPEST: usize = 8;

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The tool's name.
    pub name: String,
    /// As JSON, or whatever the agent wrote.
    pub arguments: String,
    /// What it got; `None`: the report has no output.
    pub output: Option<String>,
    /// The output is an error.
    pub is_error: bool,
}

/// The calls in the report of an inbox message, in its order; a report that cannot be read has none.
pub fn tool_calls(message: &str) -> Vec<ToolCall> {
    let stored = serde_json::from_str::<StoredReport<'_>>(message).ok();
    let body = stored.and_then(|stored| serde_json::from_str::<Value>(stored.body.get()).ok());
    let mut found = Found::default();
    if let Some(body) = &body {
        found.look(body, DEEPEST);
    }
    let outputs = found.outputs;
    let with_output = |(id, call): (String, ToolCall)| match outputs.get(&id) {
        Some((output, is_error)) => ToolCall {
            output: Some(output.clone()),
            is_error: *is_error,
            ..call
        },
        None => call,
    };
    found.calls.into_iter().map(with_output).collect()
}

#[derive(Default)]
struct Found {
    /// With the ID that their outputs name.
    calls: Vec<(String, ToolCall)>,
    outputs: BTreeMap<String, (String, bool)>,
}

impl Found {
    fn look(&mut self, value: &Value, depth: usize) {
        if depth == 0 {
            return;
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.look(item, depth - 1)),
            Value::Object(fields) => match fields.get("type").and_then(Value::as_str) {
                Some("function_call") => self.add_call(value),
                Some("function_call_output") => self.add_output(value),
                _ => fields.values().for_each(|item| self.look(item, depth - 1)),
            },
            _ => {}
        }
    }

    fn add_call(&mut self, item: &Value) {
        let id = text(item, &["call_id", "callId"]);
        let is_known = |(known, _): &(String, ToolCall)| !id.is_empty() && *known == id;
        if self.calls.len() >= MOST || self.calls.iter().any(is_known) {
            return;
        }
        let call = ToolCall {
            name: text(item, &["name"]),
            arguments: text(item, &["arguments", "args"]),
            output: None,
            is_error: false,
        };
        self.calls.push((id, call));
    }

    fn add_output(&mut self, item: &Value) {
        let is_error = ["is_error", "isError"]
            .iter()
            .any(|name| item[*name] == Value::Bool(true));
        let output = (text(item, &["output"]), is_error);
        self.outputs
            .insert(text(item, &["call_id", "callId"]), output);
    }
}

/// The first of these fields; what is no text as JSON.
fn text(item: &Value, names: &[&str]) -> String {
    let mut values = names.iter().map(|name| &item[*name]);
    match values.find(|value| !value.is_null()) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn calls_have_their_outputs() {
        let items = json!([
            {"type": "message", "role": "user", "content": ["Book it."]},
            {"type": "function_call", "call_id": "1", "name": "book", "arguments": "{\"day\":\"Monday\"}"},
            {"type": "function_call", "callId": "2", "name": "look", "args": {"at": 1}},
            {"type": "function_call_output", "call_id": "1", "output": "booked", "is_error": false},
            {"type": "function_call_output", "callId": "2", "output": "no", "isError": true},
            {"type": "function_call", "call_id": "1", "name": "book", "arguments": "again"},
            {"type": "function_call", "name": "other"},
        ]);
        let body = json!({"chat_history": {"items": items}});
        let message = json!({"room": {"sid": "RM_1", "name": "desk"}, "body": body}).to_string();
        let calls = tool_calls(&message);
        let shown: Vec<_> = calls
            .iter()
            .map(|it| {
                (
                    it.name.as_str(),
                    it.arguments.as_str(),
                    it.output.as_deref(),
                    it.is_error,
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("book", "{\"day\":\"Monday\"}", Some("booked"), false),
                ("look", "{\"at\":1}", Some("no"), true),
                ("other", "", None, false),
            ]
        );
        assert_eq!(tool_calls("no report"), []);
    }
}
