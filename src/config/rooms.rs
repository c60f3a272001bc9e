//! RECORD_ROOMS: globs of room names. A value in another notation would match no room, and nothing would be recorded.

use globset::Glob;

use super::{Reader, list};

const NAME: &str = "RECORD_ROOMS";
const EXPECTED: &str = "comma-separated globs of room names";

/// Words that stand for all rooms elsewhere.
const ALL: [&str; 8] = [
    "all",
    "any",
    "every",
    "everything",
    "true",
    "yes",
    "on",
    "*.*",
];
/// Words that stand for no room elsewhere.
const NONE: [&str; 10] = [
    "none",
    "nothing",
    "no",
    "false",
    "off",
    "never",
    "null",
    "nil",
    "undefined",
    "~",
];
/// Separators and wildcards of other notations, and what to write instead.
const FOREIGN: [(&[char], &str); 4] = [
    (&[';', '|', '，', '；', '、'], "separate globs with commas"),
    (&['＊', '∗', '…'], "* stands for any characters"),
    (&['"', '“', '”', '`'], "remove the quotation marks"),
    (&['<', '>'], "* stands for any characters"),
];
/// Parts of regular expressions.
const REGEX: [&str; 8] = [".+", "]+", ")+", "(?", "\\d", "\\w", "\\s", "\\b"];

/// The globs; `*` without the variable.
pub(super) fn read(r: &mut Reader<'_>) -> Vec<String> {
    let all = || vec!["*".to_owned()];
    let Some(text) = r.text(NAME, EXPECTED) else {
        return all();
    };
    parse(&text).unwrap_or_else(|why| {
        r.refuse(NAME, why);
        all()
    })
}

fn parse(text: &str) -> Result<Vec<String>, String> {
    let globs = list::items(text).into_iter().map(glob);
    let globs = globs.collect::<Result<Vec<String>, String>>()?;
    if globs.is_empty() {
        return Err(format!("expected {EXPECTED}, got {}", shown(text)));
    }
    match globs.iter().find(|glob| is_all_excluded(glob, &globs)) {
        Some(glob) => Err(format!(
            "includes nothing, because {} excludes it: RECORD_ON=manual records no room by itself",
            shown(glob)
        )),
        None => Ok(globs),
    }
}

/// Whether this excludes every room, or exactly what another glob includes.
fn is_all_excluded(glob: &str, globs: &[String]) -> bool {
    let Some(excluded) = glob.strip_prefix('!') else {
        return false;
    };
    matches!(excluded, "*" | "**") || globs.iter().any(|other| other == excluded)
}

/// One glob, with its `!` if it excludes.
fn glob(item: &str) -> Result<String, String> {
    let (not, glob) = match item.strip_prefix('!') {
        Some(glob) => ("!", glob.trim_start()),
        None => ("", item),
    };
    if let Some(why) = mistake(glob) {
        return Err(format!("{} {why}", shown(glob)));
    }
    match Glob::new(glob) {
        Ok(_) => Ok(format!("{not}{glob}")),
        Err(_) => Err(format!("expected {EXPECTED}, got {}", shown(glob))),
    }
}

/// Why this is not what a person means by it, and what to write instead.
fn mistake(glob: &str) -> Option<String> {
    let word = glob.to_lowercase();
    if glob.is_empty() {
        return Some("is no glob: write ! before the rooms to exclude".into());
    }
    if ALL.contains(&word.as_str()) {
        return Some(only_one(
            "is the name of one room, and * stands for all rooms",
            glob,
        ));
    }
    if NONE.contains(&word.as_str()) {
        let why = "is the name of one room, and RECORD_ON=manual records no room by itself";
        return Some(only_one(why, glob));
    }
    if glob.starts_with('#') || glob.split_whitespace().skip(1).any(|w| w.starts_with('#')) {
        return Some(in_class("has a #, but comments are not possible here", '#'));
    }
    if glob.len() > 1 && glob.starts_with('\'') && glob.ends_with('\'') {
        return Some("has quotation marks: remove them".into());
    }
    foreign(glob)
        .or_else(|| other_notation(glob))
        .or_else(|| blanks(glob))
}

fn foreign(glob: &str) -> Option<String> {
    FOREIGN.iter().find_map(|(characters, advice)| {
        let found = glob.find(*characters)?;
        let character = glob[found..].chars().next()?;
        if glob.contains(&format!("[{character}]")) {
            return None;
        }
        Some(in_class(&format!("has a {character}: {advice}"), character))
    })
}

/// A regular expression, a pattern of SQL, or the exclusion of another program.
fn other_notation(glob: &str) -> Option<String> {
    let dot_star = glob.match_indices(".*").any(|(at, _)| {
        let before = glob[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric())
    });
    let is_regex = dot_star
        || glob.starts_with('^')
        || glob.ends_with('$')
        || glob.len() > 1 && glob.starts_with('/') && glob.ends_with('/')
        || REGEX.iter().any(|part| glob.contains(part));
    if is_regex {
        return Some("is a regular expression, but globs are expected: * stands for any characters, ? for one (^, $, . and + stand for themselves in brackets, like [+])".into());
    }
    if glob.starts_with('%') || glob.ends_with('%') {
        return Some(in_class("has a %, and * stands for any characters", '%'));
    }
    if glob.contains("{room") {
        return Some("has a placeholder of RECORDING_PATH: * stands for any characters".into());
    }
    (glob.starts_with('-') && glob.len() > 1)
        .then(|| in_class("begins with -, and ! excludes rooms", '-'))
}

/// Names of rooms may have blanks. A list that is separated by blanks has a wildcard or a `!` in each of its parts.
fn blanks(glob: &str) -> Option<String> {
    let mut words = glob.split_whitespace().peekable();
    let mut earlier = false;
    while let Some(word) = words.next() {
        let is_last = words.peek().is_none();
        let excludes = earlier && word.starts_with('!');
        if excludes || !is_last && word.ends_with(['*', '?', ']', '}']) {
            return Some("has blanks between globs: separate globs with commas, and write ? for a blank that is part of a room's name".into());
        }
        earlier = true;
    }
    None
}

fn only_one(why: &str, name: &str) -> String {
    let (first, rest) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
    format!("{why} (write [{first}]{rest} for that room)")
}

fn in_class(why: &str, character: char) -> String {
    format!("{why} (if room names contain {character}, write [{character}])")
}

fn shown(glob: &str) -> String {
    format!("{:?}", glob.chars().take(60).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_every_kind_are_read() {
        for (text, globs) in [
            ("call-*", &["call-*"][..]),
            (" call-* ,\t!call-test-*, ", &["call-*", "!call-test-*"]),
            ("call-*\n!call-test-*\n", &["call-*", "!call-test-*"]),
            ("call-*,\r\n  desk-*", &["call-*", "desk-*"]),
            ("! call-test-*", &["!call-test-*"]),
            ("call-{a,b}-*,[,]x", &["call-{a,b}-*", "[,]x"]),
            ("Front desk *", &["Front desk *"]),
            ("front desk", &["front desk"]),
            ("call-+1555*", &["call-+1555*"]),
            ("clinic.example.*", &["clinic.example.*"]),
            ("[#]1,[a]ll,[;]", &["[#]1", "[a]ll", "[;]"]),
            ("*,!*-human-agent", &["*", "!*-human-agent"]),
        ] {
            let expected = globs.iter().map(ToString::to_string).collect();
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_would_match_no_room_is_refused_with_the_reason() {
        for (text, reason) in [
            ("call-* support-*", "separate globs with commas"),
            ("call-* !call-test-*", "separate globs with commas"),
            ("call-*; !call-test-*", "separate globs with commas"),
            ("call-*|desk-*", "separate globs with commas"),
            ("call-*，desk-*", "separate globs with commas"),
            ("#call-*", "comments are not possible"),
            ("call-*\n# test rooms\n!test-*", "comments are not possible"),
            ("^call-.*$", "regular expression"),
            ("^call-", "regular expression"),
            ("call-[0-9]+", "regular expression"),
            ("/call-/", "regular expression"),
            (".*", "regular expression"),
            ("call-.*", "regular expression"),
            ("call-\\d", "regular expression"),
            ("call-%", "* stands for any characters"),
            ("!…-human-agent", "* stands for any characters"),
            ("<room>-*", "* stands for any characters"),
            ("call-{room_id}", "placeholder of RECORDING_PATH"),
            ("all", "* stands for all rooms (write [a]ll for that room)"),
            ("TRUE", "* stands for all rooms"),
            ("none", "RECORD_ON=manual"),
            ("[\"call-*\", \"desk-*\"]", "quotation marks"),
            ("[\"*\"]", "quotation marks"),
            ("desk,\"call-*\",x", "quotation marks"),
            ("desk,'call-*',x", "quotation marks"),
            ("-call-test-*", "! excludes"),
            ("call-*,!", "! before the rooms"),
            ("*,!*", "RECORD_ON=manual"),
            ("call-*,!call-*", "RECORD_ON=manual"),
            ("a[b", "expected comma-separated globs"),
            (",", "expected comma-separated globs"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
