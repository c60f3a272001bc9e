//! Words that are in a report's events but not in its conversation, such as the last sentence before the caller hung up.

use std::collections::HashSet;

use serde_json::{Value, value::RawValue};

use super::{
    heard::Heard,
    parts::{UnreadableReport, items},
    report::{Speaker, Transcript, Turn},
    time::moment,
    timed::at,
    turn::{Item, item},
};
use crate::domain::hash::hash;

/// The words and IDs of the conversation, to compare the events with.
#[derive(Default)]
pub(super) struct InConversation {
    heard: Heard,
    /// Hashes of the IDs of its items and of the text of its turns: not every conversation has IDs.
    items: HashSet<u64>,
    /// The conversation is plain text.
    is_text: bool,
}

impl InConversation {
    /// Adds an item of the conversation.
    pub(super) fn add(&mut self, value: &Value, item: &Item) {
        if let Some(id) = value.get("id").and_then(Value::as_str) {
            self.items.insert(hash(&id));
        }
        if let Item::Turn(turn) = item {
            self.items.insert(hash(&turn.text));
        }
        if let Item::Turn(turn) = item
            && (turn.speaker == Speaker::Caller || turn.label.is_some())
        {
            self.heard.add(&turn.text);
        }
    }

    /// Adds a conversation in plain text, of which only the words are known.
    pub(super) fn add_text(&mut self, text: &str) {
        self.is_text = true;
        text.lines().for_each(|line| self.heard.add(line));
    }

    /// Calls `each` with every turn that only the events have, in the order of the events.
    pub(super) fn lost(
        mut self,
        events: &RawValue,
        each: &mut dyn FnMut(Turn),
    ) -> Result<(), UnreadableReport> {
        let (mut heard, mut interim) = (Vec::new(), None);
        let mut of_history = Vec::new();
        items(events, |_, event| {
            if let Some((value, Item::Turn(turn))) = added(event)
                && let Some(id) = value.get("id").and_then(Value::as_str)
                && !self.items.contains(&hash(&id))
                && !self.items.contains(&hash(&turn.text))
            {
                match self.is_text {
                    true => of_history.push(turn),
                    false => {
                        self.add(value, &Item::Turn(turn.clone()));
                        each(turn);
                    }
                }
            }
            match recognised(event) {
                Some((turn, Recognition::Interim)) => interim = Some(turn),
                Some((turn, Recognition::Final)) => {
                    interim = None;
                    heard.push(turn);
                }
                None => {}
            }
        })?;
        let sentences = of_history.iter().map(|turn: &Turn| turn.text.as_str());
        let lost = self.heard.lost(sentences, None);
        for turn in chosen(of_history, &lost.sentences) {
            self.heard.add(&turn.text);
            each(turn);
        }
        let last = interim.as_ref().map(|turn: &Turn| turn.text.as_str());
        let sentences = heard.iter().map(|turn| turn.text.as_str());
        let lost = self.heard.lost(sentences, last);
        chosen(heard, &lost.sentences).for_each(&mut *each);
        // The sentence that the caller was speaking when the session ended.
        interim.filter(|_| lost.interim).into_iter().for_each(each);
        Ok(())
    }
}

/// Whether a list has events of an agent's session.
pub(super) fn are_of_session(events: &RawValue) -> bool {
    let mut any = false;
    let read = items(events, |_, event| {
        any |= added(event).is_some() || recognised(event).is_some();
    });
    read.is_ok() && any
}

/// The turns with these indexes, which are in order.
fn chosen(turns: Vec<Turn>, indexes: &[usize]) -> impl Iterator<Item = Turn> {
    let mut indexes = indexes.iter().copied().peekable();
    let turns = turns.into_iter().enumerate();
    turns.filter_map(move |(n, turn)| indexes.next_if_eq(&n).map(|_| turn))
}

fn added(event: &Value) -> Option<(&Value, Item)> {
    let kind = event.get("type").and_then(Value::as_str);
    let value = event
        .get("item")
        .filter(|_| kind == Some("conversation_item_added"))?;
    Some((value, item(value)))
}

enum Recognition {
    Interim,
    Final,
}

/// The words of an event `user_input_transcribed`.
fn recognised(event: &Value) -> Option<(Turn, Recognition)> {
    let first = |names: [&str; 2]| names.into_iter().find_map(|name| event.get(name));
    if event.get("type").and_then(Value::as_str) != Some("user_input_transcribed") {
        return None;
    }
    let text = event.get("transcript").and_then(Value::as_str)?.trim();
    let state = match first(["is_final", "isFinal"]) {
        Some(Value::Bool(false)) => Recognition::Interim,
        _ => Recognition::Final,
    };
    let time = first(["created_at", "createdAt"]).and_then(moment);
    let turn = Turn {
        at_creation: true,
        ..Turn::new(Speaker::Caller, text)
    };
    let turn = at(turn, time);
    (!text.is_empty()).then_some((turn, state))
}

/// The text with the lost turns as its last lines, by time.
pub(super) fn appended(text: String, lost: Vec<Turn>) -> String {
    let lost = inserted(Vec::new(), lost);
    let texts = [text, Transcript::Turns(lost).text()].into_iter();
    let texts: Vec<String> = texts.filter(|text| !text.trim().is_empty()).collect();
    texts.join("\n")
}

/// The turns with the lost ones inserted by time. Lost turns without a time come last.
pub(super) fn inserted(turns: Vec<Turn>, mut lost: Vec<Turn>) -> Vec<Turn> {
    let time = |turn: &Turn| (turn.at.is_none(), turn.at);
    lost.sort_by_key(time);
    let mut lost = lost.into_iter().peekable();
    let mut all = Vec::with_capacity(turns.len() + lost.len());
    for turn in turns {
        let later = |lost: &Turn| lost.at.is_some() && turn.at > lost.at;
        while let Some(earlier) = lost.next_if(later) {
            all.push(earlier);
        }
        all.push(turn);
    }
    all.extend(lost);
    all
}
