//! The rooms that `doctor` makes to test a project, which are nobody's calls.
//!
//! Such a room is known by its id, which `doctor` stores in the database before it creates the room. Where it has no
//! database, the room's metadata holds the id, signed with LIVEKIT_API_SECRET. LiveKit lists an egress for a day, without that
//! metadata: the name of its file is signed, too. The name of a room alone decides nothing: others may be called `doctor-…`.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::hex::hex;

/// Where `doctor` puts objects in the bucket.
const FOLDER: &str = ".livekit-airtable";
const PREFIX: &str = "doctor-";
/// Hex digits after the prefix.
const DIGITS: usize = 32;

/// The id of what one run of `doctor` creates, from 128 random bits: `doctor-` and 32 hex digits.
pub fn doctor_id(random: u128) -> String {
    format!("{PREFIX}{random:032x}")
}

/// Whether a text has the form of such an id. Whether it is one, only the database or a signature says.
pub fn may_be_doctor_id(text: &str) -> bool {
    let is_digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let digits = text.strip_prefix(PREFIX);
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.chars().all(is_digit))
}

/// LIVEKIT_API_SECRET, for the signature of a room's metadata.
#[derive(Debug, Clone)]
pub struct DoctorKey(SecretString);

/// The metadata of a room of `doctor`'s.
#[derive(Serialize, Deserialize)]
struct Metadata {
    doctor: String,
    signature: String,
}

impl DoctorKey {
    /// `secret`: LIVEKIT_API_SECRET.
    pub fn new(secret: SecretString) -> DoctorKey {
        DoctorKey(secret)
    }

    /// The metadata of the room with this id.
    pub fn metadata(&self, id: &str) -> String {
        let metadata = Metadata {
            doctor: id.to_owned(),
            signature: self.signature(id),
        };
        // Two texts: it cannot fail.
        serde_json::to_string(&metadata).unwrap_or_default()
    }

    /// Whether `doctor` has signed this metadata of the room with this name.
    pub fn has_signed(&self, room_name: &str, metadata: &str) -> bool {
        let Ok(metadata) = serde_json::from_str::<Metadata>(metadata) else {
            return false;
        };
        let expected = self.signature(room_name);
        let is_signed = expected.as_bytes().ct_eq(metadata.signature.as_bytes());
        metadata.doctor == room_name && bool::from(is_signed)
    }

    /// The key in the bucket for an egress of the room with this id.
    pub fn file(&self, id: &str, extension: &str) -> String {
        format!("{FOLDER}/{}.{extension}", self.file_name(id))
    }

    /// Whether `doctor` has chosen this key for an egress of the room with this name. The egress service may put a prefix
    /// before it.
    pub fn has_named(&self, room_name: &str, key: &str) -> bool {
        let name = key.rsplit('/').next().unwrap_or_default();
        let (name, _) = name.rsplit_once('.').unwrap_or((name, ""));
        let expected = self.file_name(room_name);
        may_be_doctor_id(room_name) && bool::from(expected.as_bytes().ct_eq(name.as_bytes()))
    }

    fn file_name(&self, id: &str) -> String {
        format!("{id}-{}", self.signature(id))
    }

    fn signature(&self, id: &str) -> String {
        // HMAC accepts keys of any length, so this cannot fail.
        let mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes());
        let message = format!("livekit-airtable doctor: {id}");
        let tag = mac.map(|mac| mac.chain_update(message).finalize().into_bytes());
        hex(&tag.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_known_by_its_signature_and_not_by_its_name() {
        let key = |secret: &str| DoctorKey::new(secret.to_owned().into());
        let (id, other) = (doctor_id(7), doctor_id(8));
        assert!(may_be_doctor_id(&id) && !may_be_doctor_id("doctor-smith"));
        let metadata = key("secret").metadata(&id);
        assert!(key("secret").has_signed(&id, &metadata));
        assert!(!key("secret").has_signed(&other, &metadata));
        assert!(!key("another").has_signed(&id, &metadata));
        for wrong in ["", "{}", &metadata.replace('a', "b")] {
            assert!(!key("secret").has_signed(&id, wrong), "{wrong}");
        }
        let file = key("secret").file(&id, "mp3");
        assert!(key("secret").has_named(&id, &file));
        assert!(key("secret").has_named(&id, &format!("prefix/{file}")));
        assert!(!key("secret").has_named(&other, &file));
        assert!(!key("another").has_named(&id, &file));
        assert!(!key("secret").has_named(&id, &format!(".livekit-airtable/{id}.mp3")));
    }
}
