//! Messages in the order in which intake folds them. Those of one room are next to each other: when many are waiting, a call is then
//! read and written once for several of its events.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::store::DueMessage;

/// Messages that were waiting when the inbox was last looked through, and are not folded yet.
#[derive(Default)]
pub struct Listed(Mutex<VecDeque<DueMessage>>);

impl Listed {
    /// Adds messages in the order of their arrival, and moves those of one room to the oldest of them.
    pub(super) fn add(&self, mut messages: Vec<DueMessage>) {
        let mut oldest = HashMap::new();
        for message in &messages {
            if let Some(room) = &message.room_sid {
                let oldest = oldest.entry(room.clone());
                oldest.or_insert_with(|| message.id.clone());
            }
        }
        messages.sort_by_cached_key(|message| {
            let room = message.room_sid.as_ref();
            let oldest = room.and_then(|room| oldest.get(room));
            let first = oldest.unwrap_or(&message.id);
            (first.clone(), message.id.clone())
        });
        self.lock().extend(messages);
    }

    /// Takes the next ones: at most `limit`, and no more than fit into memory.
    pub(super) fn take(&self, limit: usize) -> Vec<DueMessage> {
        let mut listed = self.lock();
        let count = DueMessage::how_many_fit(listed.iter().take(limit));
        listed.drain(..count).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<DueMessage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, room_sid: Option<&str>) -> DueMessage {
        DueMessage {
            id: id.into(),
            room_sid: room_sid.map(Into::into),
            bytes: 3 << 20,
        }
    }

    #[test]
    fn messages_of_a_room_follow_each_other_and_rooms_their_oldest_message() {
        let listed = Listed::default();
        listed.add(vec![
            message("1", Some("RM_a")),
            message("2", None),
            message("3", Some("RM_b")),
            message("4", Some("RM_a")),
            message("5", None),
        ]);
        let mut order = Vec::new();
        loop {
            let some = listed.take(3);
            if some.is_empty() {
                break;
            }
            // Three of them have more bytes than are read at once.
            assert!(some.len() <= 2);
            order.extend(some.into_iter().map(|message| message.id));
        }
        assert_eq!(order, ["1", "4", "2", "3", "5"]);
    }
}
