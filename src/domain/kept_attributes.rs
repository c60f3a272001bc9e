//! What a call keeps of a participant's texts: they come from the participant itself, and may be as long as it likes.

use std::collections::BTreeSet;

use super::{latest::Latest, participant::Participant};

/// The maximum length of a value, a name or an identity, in bytes.
const LONGEST: usize = 2 << 10;
/// The maximum length of all attributes together, in bytes, beside those that are read.
const MOST_BYTES: usize = 8 << 10;
/// Attributes that the source `caller` or `agent` reads.
const READ: [&str; 5] = [
    "phone",
    "phoneNumber",
    "sip.phoneNumber",
    "lk.agent.name",
    "lk.agent_name",
];
/// Prefixes of LiveKit's own attributes.
const OF_LIVEKIT: [&str; 2] = ["sip.", "lk."];

/// Which attributes of participants are kept, beside LiveKit's own and those that every service reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeptAttributes {
    /// All, as far as there is room: the columns of the table are not known.
    #[default]
    Any,
    /// Those that a column of the table reads.
    Named(BTreeSet<String>),
}

impl KeptAttributes {
    /// The participant with what is kept of its texts.
    pub fn bounded(&self, participant: Participant) -> Participant {
        let (stamp, all) = (*participant.attributes.stamp(), participant.attributes);
        let mut room = MOST_BYTES;
        let kept = all.into_value().into_iter().filter_map(|(name, value)| {
            let value = cut(value);
            if self.is_read(&name) {
                return Some((name, value));
            }
            let size = name.len() + value.len();
            let is_kept = self.takes(&name) && size <= room;
            room -= if is_kept { size } else { 0 };
            is_kept.then_some((name, value))
        });
        let attributes = Latest::new(stamp, kept.collect());
        let name_stamp = *participant.name.stamp();
        Participant {
            identity: cut(participant.identity),
            name: Latest::new(name_stamp, cut(participant.name.into_value())),
            attributes,
            ..participant
        }
    }

    /// Whether something shows it, so that it is kept in any case.
    fn is_read(&self, name: &str) -> bool {
        let in_column = match self {
            KeptAttributes::Any => false,
            KeptAttributes::Named(names) => names.contains(name),
        };
        in_column || READ.contains(&name)
    }

    fn takes(&self, name: &str) -> bool {
        *self == KeptAttributes::Any || OF_LIVEKIT.iter().any(|prefix| name.starts_with(prefix))
    }
}

/// The beginning of a text that is too long.
fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(rule: &KeptAttributes, attributes: &[(&str, usize)]) -> Vec<(String, usize)> {
        let attributes = attributes
            .iter()
            .map(|(name, length)| ((*name).to_owned(), "é".repeat(length / 2)));
        let participant = Participant {
            identity: "x".repeat(5000),
            name: Latest::new(3, "Ann".to_owned()),
            attributes: Latest::new(7, attributes.collect()),
            ..Participant::default()
        };
        let bounded = rule.bounded(participant);
        assert_eq!(
            (bounded.identity.len(), bounded.name.value().as_str()),
            (LONGEST, "Ann")
        );
        assert_eq!(rule.bounded(bounded.clone()), bounded);
        let kept = bounded.attributes.into_value().into_iter();
        kept.map(|(name, value)| (name, value.len())).collect()
    }

    #[test]
    fn what_is_read_is_kept_and_the_rest_is_not() {
        let columns = KeptAttributes::Named(["patient".to_owned()].into());
        let all = [
            ("other", 10),
            ("patient", 99_999),
            ("phone", 10),
            ("sip.callID", 10),
            ("lk.x", 10),
            ("sipx", 10),
        ];
        let short = |name: &str| (name.to_owned(), 10);
        let expected = [
            short("lk.x"),
            ("patient".to_owned(), LONGEST),
            short("phone"),
            short("sip.callID"),
        ];
        assert_eq!(kept(&columns, &all), expected);
        assert_eq!(kept(&KeptAttributes::Any, &all).len(), 6);
    }

    #[test]
    fn many_attributes_are_no_way_around_the_limit() {
        let names: Vec<String> = (0..1000).map(|n| format!("sip.{n:03}")).collect();
        let mut many: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 5000)).collect();
        many.push(("sip.phoneNumber", 12));
        let kept = kept(&KeptAttributes::Named(BTreeSet::new()), &many);
        assert_eq!(kept.len(), 4);
        assert!(kept.contains(&("sip.phoneNumber".to_owned(), 12)));
    }
}
