//! Labels of speech recognizers that tell voices apart without knowing who they are: `Speaker 1`, `SPEAKER_00`, `spk_1`,
//! `B`, `0`.

use serde_json::Value;

/// What may stand before the number or the letter.
const PREFIXES: [&str; 8] = [
    "speaker", "spk", "spkr", "channel", "ch", "voice", "guest", "sprecher",
];
/// The highest number that is a voice's and not a phone number or an ID.
const MOST: u32 = 99;

/// The voice's name for people, `Speaker 1`; `None` for other labels.
pub fn voice(label: &str) -> Option<String> {
    let lower = label.to_ascii_lowercase();
    let which = PREFIXES
        .iter()
        .filter_map(|prefix| lower.strip_prefix(prefix))
        .find_map(after_prefix)
        .or_else(|| Some(lower.as_str()).filter(|which| is_number(which) || is_letter(which)))?;
    match which.parse::<u32>() {
        Ok(number) => Some(format!("Speaker {number}")),
        Err(_) => Some(format!("Speaker {}", which.to_ascii_uppercase())),
    }
}

/// The number after a prefix, or the letter after a separator: `guests` is nobody's.
fn after_prefix(rest: &str) -> Option<&str> {
    let which = rest.trim_matches([' ', '_', '-', '#', '.']);
    let is_mark = is_number(which) || is_letter(which) && which.len() < rest.len();
    is_mark.then_some(which)
}

fn is_letter(which: &str) -> bool {
    which.len() == 1 && which.bytes().all(|b| b.is_ascii_alphabetic())
}

fn is_number(which: &str) -> bool {
    let digits = which.bytes().all(|b| b.is_ascii_digit());
    digits && which.parse::<u32>().is_ok_and(|number| number <= MOST)
}

/// The label in a field whose value is a voice's number: Deepgram's `"speaker": 0`.
pub(super) fn number(value: &Value) -> Option<String> {
    let number = value.as_u64().filter(|number| *number <= u64::from(MOST))?;
    Some(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_without_names_are_numbered_speakers() {
        let cases = [
            ("Speaker 1", "Speaker 1"),
            ("SPEAKER_00", "Speaker 0"),
            ("spk_1", "Speaker 1"),
            ("B", "Speaker B"),
            ("speaker-b", "Speaker B"),
            ("Guest-2", "Speaker 2"),
            ("7", "Speaker 7"),
        ];
        for (label, name) in cases {
            assert_eq!(voice(label).as_deref(), Some(name), "{label}");
        }
        for label in [
            "", "Ava", "speaker", "15550100", "120", "+1", "guests", "spk_",
        ] {
            assert_eq!(voice(label), None, "{label}");
        }
    }
}
