//! The conversation in a body: a text, a list of turns, or an object that holds such a list.

use serde_json::value::RawValue;

use super::{
    parts::{RawFields, UnreadableReport, is_list, items, part},
    report::Turn,
    turn::turn,
};

/// A conversation with more turns is refused: each takes about a hundred bytes of memory, however short it is.
const MOST_TURNS: usize = 250_000;

/// Calls `each` with every turn. The answer is the text of a conversation that is plain text.
pub(super) fn conversation(
    value: &RawValue,
    each: &mut dyn FnMut(Turn),
) -> Result<Option<String>, UnreadableReport> {
    match value.get().as_bytes().first() {
        Some(b'"') => part(value).map(Some),
        Some(b'[') => turns(value, each).map(|()| None),
        Some(b'{') => {
            let inner: RawFields<'_> = part(value)?;
            let nested = ["items", "turns", "messages"];
            let nested = nested.iter().find_map(|name| inner.get(*name));
            match nested {
                Some(nested) if is_list(nested) => turns(nested, each).map(|()| None),
                _ => Err(UnreadableReport(
                    "the conversation is an object without an `items` or `turns` list".into(),
                )),
            }
        }
        _ => Err(UnreadableReport(
            "the conversation is neither a list of turns nor text".into(),
        )),
    }
}

fn turns(list: &RawValue, each: &mut dyn FnMut(Turn)) -> Result<(), UnreadableReport> {
    let mut count = 0;
    items(list, |item| {
        if let Some(turn) = turn(item) {
            count += 1;
            if count <= MOST_TURNS {
                each(turn);
            }
        }
    })?;
    match count <= MOST_TURNS {
        true => Ok(()),
        false => Err(UnreadableReport(format!(
            "the conversation has {count} turns; at most {MOST_TURNS} are accepted"
        ))),
    }
}
