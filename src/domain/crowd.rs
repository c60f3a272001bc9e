//! Participants who are only counted, in a space that does not grow with their number.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::participant::earliest;

/// How many participants are counted exactly; the number of more is estimated, to about 2 %.
const EXACT: usize = 4096;

/// The crowd of a call: the participants whom the call does not keep. Any order of events, with repeats, gives the same.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Crowd {
    /// The smallest hashes of their sids. If there are more than these, their density tells how many.
    #[serde(rename = "sids")]
    hashes: Hashes,
    /// One of them published audio.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spoke: bool,
    /// When one of them first did, where an event says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spoke_at: Option<Timestamp>,
}

/// Stored as base64 of eight bytes each.
#[derive(Debug, Clone, PartialEq, Default)]
struct Hashes(BTreeSet<u64>);

impl Crowd {
    /// Whether nobody is in it.
    pub fn is_empty(&self) -> bool {
        self.hashes.0.is_empty()
    }

    /// Counts a participant, once.
    pub fn add(&mut self, sid: &str) {
        let hashes = &mut self.hashes.0;
        hashes.insert(hash(sid));
        if hashes.len() > EXACT {
            hashes.pop_last();
        }
    }

    /// Notes that one of them published audio, and when, if that is known.
    pub fn speak(&mut self, at: Option<Timestamp>) {
        self.spoke = true;
        self.spoke_at = earliest(self.spoke_at, at);
    }

    /// Whether the participant is known to be in it; of more than are counted exactly, that is not known of all.
    pub fn may_have(&self, sid: &str) -> bool {
        let hashes = &self.hashes.0;
        let hash = hash(sid);
        let is_full = hashes.len() >= EXACT;
        hashes.contains(&hash) || is_full && hashes.last() < Some(&hash)
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        let hashes = &self.hashes.0;
        match hashes.last() {
            Some(largest) if hashes.len() >= EXACT => {
                let share = (*largest as f64 + 1.0) / (u64::MAX as f64 + 1.0);
                ((EXACT - 1) as f64 / share).round().max(EXACT as f64) as usize
            }
            _ => hashes.len(),
        }
    }
}

fn hash(sid: &str) -> u64 {
    let digest = Sha256::digest(sid.as_bytes());
    let (first, _) = digest.as_slice().split_at(8);
    first
        .iter()
        .fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

impl Serialize for Hashes {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|hash| hash.to_be_bytes()).collect();
        out.serialize_str(&BASE64_STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Hashes, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = BASE64_STANDARD.decode(text);
        let bytes = bytes.map_err(serde::de::Error::custom)?;
        let hashes = bytes.chunks_exact(8);
        let hashes = hashes.map(|eight| {
            eight
                .iter()
                .fold(0, |hash, byte| hash << 8 | u64::from(*byte))
        });
        Ok(Hashes(hashes.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sids: impl Iterator<Item = usize>) -> Crowd {
        let mut crowd = Crowd::default();
        sids.for_each(|n| crowd.add(&format!("PA_{n}")));
        crowd
    }

    #[test]
    fn it_is_counted_exactly_and_then_closely_and_stored_in_bounded_space() {
        for count in [0, 1, 800, EXACT - 1] {
            assert_eq!(of(0..count).count(), count);
        }
        let many = of(0..100_000);
        assert!(
            (90_000..110_000).contains(&many.count()),
            "{}",
            many.count()
        );
        assert_eq!(many, of((0..100_000).rev().chain(0..500)));
        let json = serde_json::to_string(&many).unwrap();
        assert!(json.len() < 50_000, "{}", json.len());
        assert_eq!(serde_json::from_str::<Crowd>(&json).unwrap(), many);
        assert!(many.may_have("PA_7") && !of(0..10).may_have("PA_10"));
    }
}
