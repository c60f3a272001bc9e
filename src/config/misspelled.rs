//! Variables that nobody reads because of a slip in their name: `RECORD_ROOM` would record every room.

use super::Source;

/// The variables of this program.
const NAMES: &str = include_str!("../../.env.example");

/// Shorter names are near to names of other programs.
const SHORTEST: usize = 6;

impl Source {
    /// The variables with a name that is nearly one of ours, and ours.
    pub fn misspelled(&self) -> Vec<(String, &'static str)> {
        let known: Vec<&str> = NAMES.lines().filter_map(variable).collect();
        let near = |name: &str| {
            let name = name.strip_suffix("_FILE").unwrap_or(name);
            let is_known = known.contains(&name) || OTHERS.contains(&name);
            let mut near = known.iter().filter(|known| is_near(name, known));
            near.next().copied().filter(|_| !is_known)
        };
        let names = self.names();
        let found = names.filter_map(|name| Some((name.to_owned(), near(name)?)));
        found.collect()
    }
}

/// Variables of ours that the example has in capital letters only.
const OTHERS: [&str; 4] = ["all_proxy", "http_proxy", "https_proxy", "no_proxy"];

/// The name in a line of the example, commented out or not.
fn variable(line: &'static str) -> Option<&'static str> {
    let (name, _) = line.trim_start_matches('#').split_once('=')?;
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.chars().all(is_name).then_some(name)
}

/// Whether the names differ in case, in punctuation, or in one letter.
fn is_near(name: &str, known: &str) -> bool {
    let letters = |text: &str| -> Vec<char> {
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|c| c.to_ascii_uppercase()).collect()
    };
    let (name, known) = (letters(name), letters(known));
    if known.len() < SHORTEST {
        return false;
    }
    let start = name.iter().zip(&known).take_while(|(a, b)| a == b).count();
    let rest = |text: &[char], skip: usize| text.get(start + skip..).unwrap_or_default().to_vec();
    let is_swapped = || {
        let pair = |text: &[char]| Some((*text.get(start)?, *text.get(start + 1)?));
        pair(&name).map(|(a, b)| (b, a)) == pair(&known)
            && pair(&name).is_some()
            && rest(&name, 2) == rest(&known, 2)
    };
    name == known
        || rest(&name, 1) == rest(&known, 1)
        || rest(&name, 1) == rest(&known, 0)
        || rest(&name, 0) == rest(&known, 1)
        || is_swapped()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found_and_other_names_are_not() {
        let near = |name: &str| {
            let source = Source::from_pairs([(name, "x")]);
            source.misspelled().first().map(|(_, known)| *known)
        };
        for (name, known) in [
            ("RECORD_ROOM", "RECORD_ROOMS"),
            ("record_rooms", "RECORD_ROOMS"),
            ("RECORD-ROOMS", "RECORD_ROOMS"),
            ("RECROD_ROOMS", "RECORD_ROOMS"),
            ("S3_REGIONS", "S3_REGION"),
            ("AIRTABLE_BASEID", "AIRTABLE_BASE_ID"),
            ("LIVEKIT_APISECRET_FILE", "LIVEKIT_API_SECRET"),
            ("EGRES_WEBHOOK_URL", "EGRESS_WEBHOOK_URL"),
        ] {
            assert_eq!(near(name), Some(known), "{name}");
        }
        for name in [
            "RECORD_ROOMS",
            "S3_SECRET_KEY",
            "S3_ACCESS_KEY_FILE",
            "LIVEKIT_AIRTABLE_URL",
            "API_TOKENS",
            "HOME",
            "SPORT",
            "http_proxy",
            "PATH",
        ] {
            assert_eq!(near(name), None, "{name}");
        }
    }
}
