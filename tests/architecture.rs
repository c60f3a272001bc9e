//! The structure of the crate, read from its source: imports between modules, file lengths, and where SQL and
//! dependencies are used.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

#[path = "architecture/imports.rs"]
mod imports;
#[path = "architecture/owners.rs"]
mod owners;
#[path = "architecture/rules.rs"]
mod rules;

use std::path::Path;

use imports::Crate;
use rules::{circles, forbidden, imported, items, module_of, sql, uncommented, unsafe_words};

/// Each module and what it may import of ours. `*`: everything.
const MAY: [(&str, &[&str]); 17] = [
    ("domain", &[]),
    (
        "store",
        &["domain", "telemetry::LogThrottle", "telemetry::Watchdog"],
    ),
    ("livekit", &["domain"]),
    ("storage", &["domain"]),
    ("spool", &["domain"]),
    ("forward", &["spool", "telemetry::LogThrottle"]),
    ("sound", &["domain"]),
    ("airtable", &["domain"]),
    ("mirror", &["domain"]),
    ("alert", &["domain"]),
    (
        "pipeline",
        &[
            "domain",
            "store",
            "livekit",
            "storage",
            "spool",
            "sound",
            "airtable",
            "mirror",
            "alert",
            "telemetry::LogThrottle",
            "telemetry::Watchdog",
        ],
    ),
    ("view", &["domain", "store"]),
    (
        "http",
        &[
            "domain",
            "store",
            "view",
            "livekit::token",
            "livekit::webhook",
            "storage",
            "spool",
            "forward",
            "pipeline::AwaitedMessage",
            "pipeline::Wake",
            "pipeline::JobStatus",
            "pipeline::JobState",
            "pipeline::requests",
            "pipeline::alerts::ConditionKind",
            "pipeline::alerts::OpenAlert",
            "pipeline::alerts::open_alerts",
            "telemetry::LogThrottle",
        ],
    ),
    (
        "service",
        &[
            "domain",
            "store",
            "livekit",
            "storage",
            "spool",
            "forward",
            "airtable",
            "mirror",
            "alert",
            "pipeline",
            "view",
            "http",
            "config",
            "telemetry",
        ],
    ),
    ("cli", &["*"]),
    ("config", &["domain"]),
    ("telemetry", &[]),
];

const MAX_LINES: usize = 350;

#[test]
fn modules_import_what_the_table_allows() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let module = module_of(&path);
        if matches!(module.as_str(), "main" | "lib") {
            continue;
        }
        let row = MAY.iter().find(|(name, _)| *name == module);
        let (_, may) = row.unwrap_or_else(|| panic!("{path}: `{module}` is not in the table"));
        for import in forbidden(&module, may, &text) {
            wrong.push(format!("{path} imports crate::{import}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let main = std::fs::read_to_string("src/main.rs").unwrap();
    let main = main.replace("livekit_airtable::", "crate::");
    let may = ["cli", "install_crypto"];
    assert_eq!(forbidden("main", &may, &main), [""; 0], "src/main.rs");
}

#[test]
fn jobs_run_where_the_table_says() {
    let sources: Vec<_> = sources().into_iter().collect();
    let wrong = owners::misplaced(&sources);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = sources();
    let all = Crate::read(&sources);
    let wrong: Vec<_> = circles(&all.imports())
        .into_iter()
        .map(|circle| circle.join(" -> "))
        .collect();
    assert!(wrong.is_empty(), "circles:\n{}", wrong.join("\n"));
}

#[test]
fn mod_files_are_maps() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if path.ends_with("/mod.rs") {
            let items = items(&text).into_iter();
            wrong.extend(items.map(|item| format!("{path}: {item}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let mut all = sources();
    all.extend(texts(Path::new("tests")));
    all.extend(texts(Path::new("benches")));
    all.extend(texts(Path::new("crates/sim/tests")));
    let long: Vec<_> = all
        .iter()
        .filter(|(path, text)| text.lines().count() > limit(path))
        .map(|(path, _)| path)
        .collect();
    assert!(long.is_empty(), "over {MAX_LINES} lines: {long:?}");
}

/// Tests and benches may be somewhat longer.
fn limit(path: &str) -> usize {
    match path.starts_with("src/") {
        true => MAX_LINES,
        false => MAX_LINES + 50,
    }
}

#[test]
fn every_dependency_says_what_for() {
    for path in ["Cargo.toml", "crates/sim/Cargo.toml"] {
        let manifest = std::fs::read_to_string(path).unwrap();
        assert_eq!(uncommented(&manifest), [""; 0], "{path}");
    }
}

/// Stand-ins that shared code with the service would share its mistakes.
#[test]
fn the_stand_ins_depend_on_nothing_of_ours() {
    let manifest = std::fs::read_to_string("crates/sim/Cargo.toml").unwrap();
    let ours = |line: &&str| line.contains("path =") || line.starts_with("livekit-airtable");
    assert_eq!(manifest.lines().find(ours), None);
    for (path, text) in texts(Path::new("crates/sim")) {
        assert!(!text.contains("livekit_airtable::"), "{path}");
    }
}

#[test]
fn the_stand_ins_have_the_same_shape() {
    let mut sources = texts(Path::new("crates/sim/src"));
    assert!(sources.len() > 40, "where are the stand-ins?");
    for (path, _) in &mut sources {
        *path = path.replacen("crates/sim/", "", 1);
    }
    for (path, text) in &sources {
        assert!(text.lines().count() <= MAX_LINES, "{path} is too long");
        let is_map = !path.ends_with("/mod.rs") || items(text).is_empty();
        assert!(is_map, "{path}: {:?}", items(text));
    }
    let all = Crate::read(&sources);
    let imports = all.imports();
    let found = circles(&imports);
    assert!(found.is_empty(), "circles: {found:?}");
}

#[test]
fn sql_is_in_the_store_alone() {
    let outside = sources()
        .into_iter()
        .filter(|(path, _)| module_of(path) != "store");
    for (path, text) in outside {
        assert_eq!(sql(&text), [""; 0], "{path}");
    }
}

#[test]
fn nothing_is_unsafe() {
    let manifest = std::fs::read_to_string("Cargo.toml").unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    for (path, text) in sources() {
        assert_eq!(unsafe_words(&text), 0, "{path}");
    }
}

fn sources() -> Vec<(String, String)> {
    let sources = texts(Path::new("src"));
    assert!(sources.len() > 50, "where are the sources?");
    sources
}

/// The Rust files below a folder with their paths; none without the folder.
fn texts(folder: &Path) -> Vec<(String, String)> {
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
            found.push((path.to_str().unwrap().to_owned(), text));
        }
    }
    found
}

mod can_fail {
    use super::*;

    #[test]
    fn the_import_table() {
        let text = "use crate::{\n    domain::{Call, Event},\n    store::Store, // not for adapters\n};\nuse crate::livekit::webhook;\n\
                    fn f(call: crate::pipeline::Wake) { let _ = super::super::config::x(); }\n// use crate::http::App;";
        let all = [
            "domain::Call",
            "domain::Event",
            "livekit::webhook",
            "pipeline::Wake",
            "store::Store",
        ];
        let found: Vec<String> = imported("airtable", text).into_iter().collect();
        assert_eq!(found, all);
        let may = |module: &str| MAY.iter().find(|(name, _)| *name == module).unwrap().1;
        let forbidden = |module: &str, text: &str| forbidden(module, may(module), text);
        assert_eq!(forbidden("airtable", text), all[2..]);
        assert_eq!(forbidden("telemetry", text), all);
        assert_eq!(forbidden("http", text), [""; 0]);
        let intake = "pipeline::intake::Intake";
        assert_eq!(
            forbidden("http", &format!("use crate::{intake};")),
            [intake]
        );
        let grouped = "use crate::livekit::{egress, webhook};";
        assert_eq!(forbidden("http", grouped), ["livekit::egress"]);
        assert_eq!(forbidden("service", "use crate::cli::main;"), ["cli::main"]);
        assert_eq!(forbidden("store", "use crate::*;"), ["*"]);
        assert_eq!(forbidden("cli", text), [""; 0]);
    }

    fn source(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(path, text): &(&str, &str)| (format!("src/{path}"), (*text).to_owned());
        files.iter().map(owned).collect()
    }

    #[test]
    fn circles_through_maps_renames_and_paths_in_code() {
        let sources = source(&[
            ("lib.rs", "pub mod a; pub mod b;"),
            (
                "a/mod.rs",
                "mod one;\nmod two;\npub use one::{One as Uno};\npub use two::Two;",
            ),
            ("a/one.rs", "use super::Two;\npub struct One;"),
            (
                "a/two.rs",
                "use crate::b;\npub struct Two(b::three::Three);",
            ),
            ("b/mod.rs", "pub mod three;\npub mod four;"),
            (
                "b/three.rs",
                "pub struct Three(crate::a::Uno); // crate::b::four::Four",
            ),
            (
                "b/four.rs",
                "use super::three::Three;\n#[cfg(test)]\nmod tests {\n    use super::five::Five;\n}",
            ),
        ]);
        let all = Crate::read(&sources);
        let circle = ["src/a/one.rs", "src/a/two.rs", "src/b/three.rs"];
        assert_eq!(circles(&all.imports()), [circle]);
    }

    #[test]
    fn a_child_that_imports_from_the_file_above_it() {
        let sources = source(&[
            ("lib.rs", "mod a;"),
            (
                "a.rs",
                "mod child;\nuse child::Child;\npub(super) struct Above(Child);",
            ),
            (
                "a/child.rs",
                "use super::Above;\npub(super) struct Child(Option<Box<Above>>);",
            ),
        ]);
        let all = Crate::read(&sources);
        assert_eq!(circles(&all.imports()), [["src/a.rs", "src/a/child.rs"]]);
    }

    #[test]
    fn the_other_rules() {
        let map = "//! Docs.\nmod a;\n#[cfg(test)]\npub(crate) mod b;\n\npub use a::{\n    A, // why\n    B,\n};\n";
        assert_eq!(items(map), [""; 0]);
        let more = items(&format!(
            "{map}const X: u8 = 1;\npub struct S;\nfn f() {{}}\n"
        ));
        assert_eq!(more, ["const X: u8 = 1", "pub struct S", "fn f() {}"]);
        assert_eq!(sql("let q = \"SELECT 1\";"), ["SELECT "]);
        assert_eq!(sql("// SELECT is not here\nlet updated = 1;"), [""; 0]);
        assert_eq!(unsafe_words("unsafe { x }"), 1);
        let manifest = "[dependencies]\na = \"1\"\nb = \"1\" # why\n[features]\nc = []\n";
        assert_eq!(uncommented(manifest), ["a"]);
    }
}
