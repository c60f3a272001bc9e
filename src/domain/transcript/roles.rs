//! The list of a conversation's speakers that some reports have beside it, as Contact Lens's `Participants`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, value::RawValue};

use super::{
    label::Label,
    named::named,
    parts::{is_list, items},
    report::{Speaker, Turn},
    turn::{Item, voiced},
};

/// Fields with such a list.
const LISTS: [&str; 4] = ["Participants", "participants", "Speakers", "speakers"];
/// Fields with the label that the turns have.
const IDS: [&str; 8] = [
    "ParticipantId",
    "participant_id",
    "participantId",
    "speaker_id",
    "id",
    "identity",
    "label",
    "sid",
];
/// The maximum number of speakers.
const MOST: usize = 1_000;

/// The speakers by label.
#[derive(Default)]
pub(super) struct Roles(BTreeMap<String, Speaker>);

impl Roles {
    /// Of the fields beside a conversation.
    pub(super) fn of(fields: &[(String, &RawValue)]) -> Roles {
        let mut roles = Roles::default();
        let lists = fields
            .iter()
            .filter(|(name, _)| LISTS.contains(&name.as_str()));
        for (_, list) in lists.filter(|(_, list)| is_list(list)) {
            // A list that cannot be parsed names nobody.
            items(list, |_, one| roles.add(one.as_object())).unwrap_or_default();
        }
        roles
    }

    fn add(&mut self, one: Option<&Map<String, Value>>) {
        let Some((one, Some((Label::Speaker(speaker), _)))) = one.map(|one| (one, named(one)))
        else {
            return;
        };
        let ids = IDS.iter().filter_map(|name| one.get(*name)?.as_str());
        for id in ids.filter(|id| !id.is_empty()) {
            if self.0.len() < MOST {
                self.0.insert(id.to_owned(), speaker);
            }
        }
    }

    /// The item, with the speaker of its label.
    pub(super) fn resolve(&self, item: Item) -> Item {
        let Item::Turn(Turn {
            label: Some(label),
            words_at: None,
            ..
        }) = &item
        else {
            return item;
        };
        match (self.0.get(label.as_ref()).copied(), item) {
            (Some(speaker), Item::Turn(turn)) => voiced(Turn {
                speaker,
                label: None,
                ..turn
            }),
            (_, item) => item,
        }
    }
}
