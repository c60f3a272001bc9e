//! LiveKit writes protobuf as JSON in two ways; here they become one.

use serde_json::Value;

/// Twirp answers in snake_case with every default present, webhooks come in camelCase without defaults; one reader
/// shall do for both. Rewriting the names keeps fields and enum values that are newer than `livekit-protocol`, which
/// its types would refuse.
pub fn webhook_form(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields
                .into_iter()
                .filter(|(name, value)| !is_default(name, value));
            kept.map(|(name, value)| (camel_case(&name), webhook_form(value)))
                .collect()
        }
        Value::Array(items) => items.into_iter().map(webhook_form).collect(),
        value => value,
    }
}

/// 64-bit numbers are strings in protobuf's JSON: "0" is a default there, but a name in a text field.
fn is_default(name: &str, value: &Value) -> bool {
    let is_number = name.ends_with("_at") || matches!(name, "duration" | "size");
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || (text == "0" && is_number),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut joined, word| {
        let mut letters = word.chars();
        joined.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        joined.push_str(letters.as_str());
        joined
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::webhook_form;

    #[test]
    fn a_twirp_answer_becomes_what_a_webhook_says() {
        let answer = json!({
            "egress_id": "EG_1", "room_name": "0", "status": "EGRESS_OF_TOMORROW", "error": "", "error_code": 0,
            "ended_at": "0", "started_at": "1767268800000000000", "details": null, "image_results": [],
            "room_composite": {"audio_only": true, "video_only": false, "layout": ""},
            "file_results": [{"filename": "a_b.mp3", "size": "0", "duration": "35200000000"}],
        });
        let expected = json!({
            "egressId": "EG_1", "roomName": "0", "status": "EGRESS_OF_TOMORROW", "startedAt": "1767268800000000000",
            "roomComposite": {"audioOnly": true},
            "fileResults": [{"filename": "a_b.mp3", "duration": "35200000000"}],
        });
        assert_eq!(webhook_form(answer), expected);
    }
}
