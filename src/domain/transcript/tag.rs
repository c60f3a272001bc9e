//! Tags of text-to-speech markup.

use std::collections::BTreeSet;

/// The agents SDK's own marker, and the tags that it strips for Cartesia, Inworld, xAI, Fish Audio and Gemini.
const SDK: [&str; 56] = [
    "expr",
    "emotion",
    "speed",
    "volume",
    "break",
    "spell",
    "expression",
    "sound",
    "emphasis",
    "happy",
    "sad",
    "angry",
    "excited",
    "calm",
    "surprised",
    "sympathetic",
    "curious",
    "sarcastic",
    "confident",
    "playful",
    "nervous",
    "whisper",
    "soft",
    "loud",
    "build-intensity",
    "decrease-intensity",
    "higher-pitch",
    "lower-pitch",
    "slow",
    "fast",
    "sing-song",
    "singing",
    "laugh-speak",
    "breath",
    "inhale",
    "exhale",
    "sigh",
    "laugh",
    "chuckle",
    "giggle",
    "cry",
    "tsk",
    "tongue-click",
    "lip-smack",
    "hum-tune",
    "pause",
    "laughter",
    "cough",
    "gasp",
    "groan",
    "yawn",
    "sniffle",
    "stress",
    "forceful",
    "argh",
    "short pause",
];
/// SSML 1.1 (<https://www.w3.org/TR/speech-synthesis11/>), and what Amazon, Google and Azure add to it.
const SSML: [&str; 9] = [
    "speak",
    "phoneme",
    "say-as",
    "prosody",
    "viseme",
    "lexicon",
    "express-as",
    "backgroundaudio",
    "ttsembedding",
];
/// Names in SSML that are words or letters otherwise: `List<voice>`. They count with attributes, or in pairs.
const SSML_WORDS: [&str; 18] = [
    "voice", "lang", "p", "s", "w", "token", "sub", "audio", "mark", "desc", "lookup", "meta",
    "metadata", "par", "seq", "media", "silence", "bookmark",
];
/// Prefixes of vendors' elements: `<amazon:effect>`, `<mstts:express-as>`.
const VENDORS: [&str; 5] = ["amazon", "aws", "mstts", "google", "ssml"];

/// The maximum length of a comment, in bytes.
const LONGEST_COMMENT: usize = 512;

/// Whether a name is one of markup.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Markup,
    /// Also a word of a language, or a letter.
    Word,
}

/// The names of the tags in a text, to tell pairs from words in angle brackets.
pub(super) struct Tags<'a> {
    opened: BTreeSet<&'a str>,
    closed: BTreeSet<&'a str>,
}

impl<'a> Tags<'a> {
    /// The tags of this text.
    pub(super) fn of(text: &'a str) -> Tags<'a> {
        let (mut opened, mut closed) = (BTreeSet::new(), BTreeSet::new());
        for (at, _) in text.match_indices('<') {
            let Some(inside) = up_to_next(&text[at..]).filter(|inside| inside.contains('>')) else {
                continue;
            };
            let (names, inside) = match inside.strip_prefix('/') {
                Some(inside) => (&mut closed, inside),
                None => (&mut opened, inside),
            };
            let name = name(inside);
            if kind(name) == Some(Kind::Word) {
                names.insert(name);
            }
        }
        Tags { opened, closed }
    }

    /// The tag at the beginning of the text, if it is text-to-speech markup: `<break time="1s"/>`, `</spell>`, `<?xml …?>`,
    /// a comment, MiniMax's `<#0.5#>`. At the beginning of a turn, when `has_words` is false, a word counts as well: its
    /// end may be missing because the agent was interrupted.
    pub(super) fn tag<'t>(&self, text: &'t str, has_words: bool) -> Option<&'t str> {
        let window = &text[..text.floor_char_boundary(LONGEST_COMMENT)];
        for (begin, end) in [("<?xml", "?>"), ("<!--", "-->"), ("<#", "#>")] {
            if text.starts_with(begin) {
                return window.find(end).map(|at| &text[..at + end.len()]);
            }
        }
        let inside = up_to_next(text)?;
        if !inside.contains('>') {
            return None;
        }
        let (is_end, inside) = match inside.strip_prefix('/') {
            Some(inside) => (true, inside),
            None => (false, inside),
        };
        let name = name(inside);
        let after = &inside[name.len()..];
        let end = close(after)?;
        let attributes = after[..end].trim();
        let counts = match kind(name)? {
            Kind::Markup => true,
            Kind::Word if is_end => self.opened.contains(name),
            Kind::Word if attributes.is_empty() => !has_words || self.closed.contains(name),
            Kind::Word => attributes.contains('=') || attributes == "/",
        };
        let length = 1 + usize::from(is_end) + name.len() + end + 1;
        counts.then(|| &text[..length])
    }
}

/// Whether the text is a tag whose end is missing because the agent was interrupted: only attributes follow its name.
pub(super) fn is_cut_off(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('<') else {
        return false;
    };
    // The first test ends at the next tag: it keeps the time linear.
    if inside.contains('<') || inside.contains('>') || inside.contains('\n') {
        return false;
    }
    let inside = inside.strip_prefix('/').unwrap_or(inside);
    let name = name(inside);
    let after = inside[name.len()..].trim();
    let one_word = !after.contains(char::is_whitespace);
    match kind(name) {
        Some(Kind::Markup) => one_word || after.contains('='),
        Some(Kind::Word) => after.contains('='),
        None => false,
    }
}

/// The text after `<`, up to the next one: what follows is not part of this tag, so a text of many beginnings takes linear
/// time.
fn up_to_next(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('<')?;
    Some(inside.split_once('<').map_or(inside, |(inside, _)| inside))
}

/// The name at the beginning of the text after `<`; empty if a name does not end there.
fn name(inside: &str) -> &str {
    const PAUSE: &str = "short pause";
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_:".contains(c);
    let length = inside.find(|c| !is_name(c)).unwrap_or(inside.len());
    let length = match inside.get(..PAUSE.len()) {
        Some(pause) if pause.eq_ignore_ascii_case(PAUSE) => PAUSE.len(),
        _ => length,
    };
    let (name, after) = inside.split_at(length);
    let ends =
        after.is_empty() || after.starts_with(['>', '/']) || after.starts_with(char::is_whitespace);
    if ends { name } else { "" }
}

fn kind(name: &str) -> Option<Kind> {
    let is_in = |list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(name));
    let vendor = name.split_once(':').map(|(vendor, _)| vendor);
    let is_vendor = |vendor: &str| VENDORS.iter().any(|one| one.eq_ignore_ascii_case(vendor));
    match () {
        () if is_in(&SDK) || is_in(&SSML) || vendor.is_some_and(is_vendor) => Some(Kind::Markup),
        () if is_in(&SSML_WORDS) => Some(Kind::Word),
        () => None,
    }
}

/// The position of the tag's `>`. Inside a quoted value, `>` is part of the value.
fn close(after: &str) -> Option<usize> {
    let (mut quote, mut before, mut first) = (None, ' ', None);
    for (at, c) in after.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at),
            (Some(_), '>') => first = first.or(Some(at)),
            (None, '"' | '\'') if before == '=' => quote = Some(c),
            (Some(open), c) if c == open => (quote, first) = (None, None),
            _ => {}
        }
        if !c.is_whitespace() {
            before = c;
        }
    }
    // An unclosed quotation mark does not quote.
    first
}
