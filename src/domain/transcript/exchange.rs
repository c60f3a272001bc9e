//! Items with the words of both sides: `{"user": "Hi", "assistant": "Hello"}`.

use serde_json::{Map, Value, value::RawValue};

use super::{
    label::{Label, label},
    parts::each_field,
    report::{Speaker, Turn},
    timed::timed,
    turn::{Item, is_silent, item, voiced},
    words::{words, words_in},
};

/// Fields for a question and its answer, which name the sides only together.
const PAIRS: [(&str, &str); 6] = [
    ("input", "output"),
    ("question", "answer"),
    ("prompt", "response"),
    ("prompt", "completion"),
    ("query", "response"),
    ("query", "answer"),
];

/// Calls `each` with an item, or with each side of it.
pub(super) fn each_item(json: &RawValue, value: &Value, each: &mut dyn FnMut(Item)) {
    match value.as_object().map(|fields| sides(json, fields)) {
        Some(sides) if sides.len() > 1 => sides.into_iter().for_each(each),
        _ => each(item(value)),
    }
}

/// The words of each side, in the order of the text.
fn sides(json: &RawValue, fields: &Map<String, Value>) -> Vec<Item> {
    let speakers = |name: &str| fields.get(name).and_then(|_| speaker(name, fields));
    let several = fields
        .keys()
        .filter(|name| speakers(name).is_some())
        .count()
        > 1;
    if !several || is_silent(fields) || !words(fields).is_empty() {
        return Vec::new();
    }
    let mut sides = Vec::new();
    let read = each_field(json, |name, _| {
        if let (Some(speaker), Some(value)) = (speakers(&name), fields.get(&name)) {
            let text = words_in(value);
            if !text.is_empty() {
                sides.push(voiced(timed(Turn::new(speaker, text), fields)));
            }
        }
    });
    match read {
        Ok(()) => sides,
        Err(_) => Vec::new(),
    }
}

fn speaker(name: &str, fields: &Map<String, Value>) -> Option<Speaker> {
    if let Label::Speaker(speaker) = label(name) {
        return Some(speaker);
    }
    PAIRS.iter().find_map(|(question, answer)| {
        let speaker = match name {
            name if name == *question => Speaker::Caller,
            name if name == *answer => Speaker::Agent,
            _ => return None,
        };
        (fields.contains_key(*question) && fields.contains_key(*answer)).then_some(speaker)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<(Speaker, String)> {
        let mut turns = Vec::new();
        let value = serde_json::from_str(json).unwrap();
        each_item(serde_json::from_str(json).unwrap(), &value, &mut |item| {
            if let Item::Turn(turn) = item {
                turns.push((turn.speaker, turn.text));
            }
        });
        turns
    }

    #[test]
    fn both_sides_are_taken_in_their_order() {
        let caller = (Speaker::Caller, "Hi".to_owned());
        let agent = (Speaker::Agent, "Hello".to_owned());
        let both = [caller.clone(), agent.clone()];
        assert_eq!(read(r#"{"user":"Hi","assistant":"Hello"}"#), both);
        assert_eq!(read(r#"{"input":"Hi","output":{"content":"Hello"}}"#), both);
        let reversed = [agent.clone(), caller];
        assert_eq!(read(r#"{"bot":"Hello","human":"Hi","id":1}"#), reversed);
        assert_eq!(read(r#"{"user":"ai","text":"Hello"}"#), [agent]);
    }
}
