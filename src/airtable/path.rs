//! Paths into the data of rooms and agents: `customer.id`, `usage.0.input_tokens`, `usage.llm_usage.input_tokens`.

use serde_json::{Map, Value};

/// The value at a dotted path. A step is a key (which may itself contain dots), a list index (from 0, also written
/// `[0]`), or the `type` of one of the list's objects, as in the usage of LiveKit's agents. Strings that contain JSON
/// are parsed.
pub(super) fn at(root: &Value, path: &str) -> Option<Value> {
    either_way(path, |path| step(root, path))
}

/// The same for the fields of an object.
pub(super) fn among(fields: &Map<String, Value>, path: &str) -> Option<Value> {
    either_way(path, |path| field(fields, path))
}

/// The path as written, then with its brackets as dots.
fn either_way(path: &str, find: impl Fn(&str) -> Option<Value>) -> Option<Value> {
    find(path).or_else(|| {
        let dotted = path.replace('[', ".").replace(']', "");
        (dotted != path).then(|| find(&dotted)).flatten()
    })
}

fn field(fields: &Map<String, Value>, path: &str) -> Option<Value> {
    if let Some(found) = fields.get(path) {
        return Some(found.clone());
    }
    let mut dots = path.match_indices('.').map(|(dot, _)| path.split_at(dot));
    dots.find_map(|(key, rest)| step(fields.get(key)?, rest.get(1..)?))
}

fn step(value: &Value, path: &str) -> Option<Value> {
    match value {
        Value::Object(fields) => field(fields, path),
        Value::Array(items) => {
            let (head, rest) = match path.split_once('.') {
                Some((head, rest)) => (head, Some(rest)),
                None => (path, None),
            };
            let item = match head.parse::<usize>() {
                Ok(place) => items.get(place),
                Err(_) => items.iter().find(|item| item["type"] == head),
            };
            rest.map_or_else(|| item.cloned(), |rest| step(item?, rest))
        }
        Value::String(text) => {
            let inner: Value = serde_json::from_str(text).ok()?;
            let enters = inner.is_object() || inner.is_array();
            enters.then(|| step(&inner, path)).flatten()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_enter_objects_lists_and_json_in_texts() {
        let root = json!({
            "patient": {"id": "P-7", "full.name": "Ann"}, "a.b": 1, "none": null,
            "usage": [{"type": "tts_usage", "n": 1}, {"type": "llm_usage", "input_tokens": 7}],
            "job": "{\"dispatch\": {\"campaign\": \"spring\"}}", "plain": "5",
        });
        let cases = [
            ("patient.id", Some(json!("P-7"))),
            ("patient.full.name", Some(json!("Ann"))),
            ("a.b", Some(json!(1))),
            ("none", Some(Value::Null)),
            ("usage.1.input_tokens", Some(json!(7))),
            ("usage[1].input_tokens", Some(json!(7))),
            ("usage.llm_usage.input_tokens", Some(json!(7))),
            ("usage.0", Some(json!({"type": "tts_usage", "n": 1}))),
            ("job.dispatch.campaign", Some(json!("spring"))),
            ("usage.9", None),
            ("usage.stt_usage.n", None),
            ("plain.x", None),
            ("patient.id.x", None),
            ("nowhere", None),
        ];
        for (path, wanted) in cases {
            assert_eq!(at(&root, path), wanted, "{path}");
        }
    }
}
