//! The crate's shape, read from its text: who imports whom, how long files are, where SQL and dependencies stand.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Each module and what it may name of ours. `*`: everything.
const MAY: [(&str, &[&str]); 12] = [
    ("domain", &[]),
    ("store", &["domain", "telemetry::LogThrottle"]),
    ("livekit", &["domain"]),
    ("storage", &["domain"]),
    ("airtable", &["domain"]),
    ("mirror", &["domain"]),
    ("alert", &[]),
    (
        "pipeline",
        &[
            "domain",
            "store",
            "livekit",
            "storage",
            "airtable",
            "mirror",
            "alert",
            "telemetry::LogThrottle",
        ],
    ),
    (
        "http",
        &[
            "domain",
            "store",
            "livekit::token",
            "livekit::webhook",
            "storage",
            "pipeline::Wake",
            "pipeline::JobStatus",
            "pipeline::JobState",
            "pipeline::requests",
            "telemetry::LogThrottle",
        ],
    ),
    ("config", &["domain"]),
    ("telemetry", &[]),
    ("cli", &["*"]),
];
const LONGEST: usize = 400;
const SQL: [&str; 6] = [
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "sqlx::",
    "PRAGMA ",
];

#[test]
fn modules_import_what_the_table_allows() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let module = module_of(&path);
        if matches!(module.as_str(), "main" | "lib") {
            continue;
        }
        let known = MAY.iter().any(|(name, _)| *name == module);
        assert!(known, "{}: `{module}` is not in the table", path.display());
        for import in forbidden(&module, &text) {
            wrong.push(format!("{} imports crate::{import}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_can_fail() {
    let text = "use crate::{\n    domain::{Call, Event},\n    store::Store, // not for adapters\n};\nuse crate::livekit::webhook;\n\
                fn f(call: crate::pipeline::Wake) { let _ = super::super::config::x(); }\n// use crate::http::App;";
    let found: Vec<String> = imports("airtable", text).into_iter().collect();
    let all = [
        "domain::Call",
        "domain::Event",
        "livekit::webhook",
        "pipeline::Wake",
        "store::Store",
    ];
    assert_eq!(found, all);
    assert_eq!(forbidden("airtable", text), all[2..]);
    assert_eq!(forbidden("telemetry", text), all);
    assert_eq!(forbidden("http", text), [""; 0]);
    assert_eq!(
        forbidden("http", "use crate::pipeline::intake::Intake;"),
        ["pipeline::intake::Intake"]
    );
    assert_eq!(
        forbidden("http", "use crate::livekit::{egress, webhook};"),
        ["livekit::egress"]
    );
    assert_eq!(forbidden("store", "use crate::*;"), ["*"]);
    assert_eq!(forbidden("cli", text), [""; 0]);
    assert_eq!(sql("let q = \"SELECT 1\";"), ["SELECT "]);
    assert_eq!(sql("// SELECT is not here\nlet updated = 1;"), [""; 0]);
    assert_eq!(
        uncommented("[dependencies]\na = \"1\"\nb = \"1\" # why\n[features]\nc = []\n"),
        ["a"]
    );
}

#[test]
fn no_file_is_over_400_lines() {
    let mut all = sources();
    all.extend(texts(Path::new("tests")));
    all.extend(texts(Path::new("benches")));
    let long = |(_, text): &&(PathBuf, String)| text.lines().count() > LONGEST;
    let long: Vec<_> = all.iter().filter(long).map(|(path, _)| path).collect();
    assert!(long.is_empty(), "over {LONGEST} lines: {long:?}");
}

#[test]
fn every_dependency_says_what_for() {
    let manifest = std::fs::read_to_string("Cargo.toml").unwrap();
    assert_eq!(uncommented(&manifest), [""; 0]);
}

#[test]
fn sql_is_in_the_store_alone() {
    let outside = sources()
        .into_iter()
        .filter(|(path, _)| module_of(path) != "store");
    for (path, text) in outside {
        assert_eq!(sql(&text), [""; 0], "{}", path.display());
    }
}

#[test]
fn nothing_is_unsafe() {
    let manifest = std::fs::read_to_string("Cargo.toml").unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    for (path, text) in sources() {
        let code = without_comments(&text);
        let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        assert!(!words.any(|word| word == "unsafe"), "{}", path.display());
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let sources = texts(Path::new("src"));
    assert!(sources.len() > 50, "where are the sources?");
    sources
}

/// The Rust files below a folder; none without the folder.
fn texts(folder: &Path) -> Vec<(PathBuf, String)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != ".cache") {
            found.extend(texts(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix("src").unwrap();
    let first = inside.components().next().unwrap();
    let name = Path::new(first.as_os_str()).file_stem().unwrap();
    name.to_str().unwrap().to_owned()
}

/// What a module imports and may not.
fn forbidden(module: &str, text: &str) -> Vec<String> {
    let (_, may) = MAY.iter().find(|(name, _)| *name == module).unwrap();
    let allowed = |import: &String| {
        may.iter().any(|path| {
            let below = import.strip_prefix(path);
            *path == "*" || below.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    };
    let found = imports(module, text).into_iter();
    found.filter(|import| !allowed(import)).collect()
}

/// Every `crate::` path in a text, groups spelt out, without the module's own.
fn imports(module: &str, text: &str) -> BTreeSet<String> {
    let text = without_comments(text);
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let before = text[..at].chars().next_back();
        if before.is_none_or(|c| !c.is_alphanumeric() && c != '_') {
            spell_out(&text[at + "crate::".len()..], "", &mut found);
        }
    }
    let own = |path: &String| path == module || path.starts_with(&format!("{module}::"));
    found.retain(|path| !own(path));
    found
}

/// Reads `a::{b, c::d}`; what is left of the text.
fn spell_out<'a>(text: &'a str, prefix: &str, found: &mut BTreeSet<String>) -> &'a str {
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            if let Some(rest) = rest.strip_prefix('}') {
                return rest;
            }
            let left = spell_out(rest, prefix, found);
            assert!(left.len() < rest.len(), "cannot read: {rest:.60}");
            rest = left;
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && !"_*".contains(c));
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    let path = match (prefix, word) {
        (prefix, "self") => prefix.to_owned(),
        ("", word) => word.to_owned(),
        (prefix, word) => format!("{prefix}::{word}"),
    };
    match rest.strip_prefix("::") {
        Some(rest) if rest.starts_with(|c: char| c.is_alphanumeric() || "_{*".contains(c)) => {
            spell_out(rest, &path, found)
        }
        _ => {
            found.insert(path);
            // `as name` belongs to it.
            let alias = rest.strip_prefix(" as ");
            alias.map_or(rest, |rest| {
                rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
            })
        }
    }
}

/// Words of SQL in the code's strings.
fn sql(text: &str) -> Vec<&'static str> {
    let code = without_comments(text);
    SQL.into_iter().filter(|word| code.contains(word)).collect()
}

fn without_comments(text: &str) -> String {
    let code = |line: &str| match line.find("//") {
        Some(at) if !line[..at].ends_with(':') => line[..at].to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// Dependencies without a comment on their line.
fn uncommented(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim_matches(['[', ']']).ends_with("dependencies");
        } else if inside && line.contains('=') && !line.contains(" # ") {
            found.extend(line.split(' ').next().map(str::to_owned));
        }
    }
    found
}
