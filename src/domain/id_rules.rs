//! What an ID from outside may look like. LiveKit's are letters, digits, `_` and `-`; anything else could forge a line of
//! the log or be too long for the database's index.

use sha2::{Digest, Sha256};

use super::hex::hex;

/// The maximum length of an ID, in characters.
const LONGEST: usize = 64;

/// Whether a text can be an ID: `[A-Za-z0-9_-]{1,64}`.
pub fn is_id(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.chars().all(is_of_an_id)
}

/// The text if it can be an ID. Otherwise the same text always gives the same ID: its beginning, with `_` for what an ID
/// must not have, and a hash. An empty text stays empty.
pub fn as_id(text: String) -> String {
    if text.is_empty() || is_id(&text) {
        return text;
    }
    let hash = hex(&Sha256::digest(text.as_bytes())[..8]);
    let safe = |c: char| if is_of_an_id(c) { c } else { '_' };
    let room = LONGEST - hash.len() - 1;
    let begin: String = text.chars().take(room).map(safe).collect();
    format!("{begin}-{hash}")
}

fn is_of_an_id(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_no_other_characters_and_is_short() {
        for good in ["RM_1", "EG_a-b", &"x".repeat(64)] {
            assert!(is_id(good), "{good}");
            assert_eq!(as_id(good.to_owned()), good);
        }
        for bad in ["RM_a\nb", "RM a", "é", "a.b", "a/b", &"x".repeat(65)] {
            let made = as_id(bad.to_owned());
            assert!(!is_id(bad) && is_id(&made), "{bad}: {made}");
        }
        assert!(!is_id("") && as_id(String::new()).is_empty());
        assert_ne!(as_id("a b".into()), as_id("a\nb".into()));
    }
}
