//! The container image is built from what `.dockerignore` lets through.

use std::{collections::BTreeSet, path::Path};

/// The folders of the repository, outside of `src`, from which the program includes files.
fn included(folder: &Path, folders: &BTreeSet<String>, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|name| name == "tests") {
            continue;
        }
        if path.is_dir() {
            included(&path, folders, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for call in text.split("include_").skip(1) {
                let call = call.split(';').next().unwrap_or_default();
                let is_named = |folder: &&String| call.contains(&format!("/{folder}/"));
                found.extend(folders.iter().filter(is_named).cloned());
            }
        }
    }
}

#[test]
fn everything_that_the_program_is_built_from_is_sent_to_the_image() {
    let entries = std::fs::read_dir(".").unwrap();
    let folders = entries.map(|entry| entry.unwrap());
    let folders = folders.filter(|entry| entry.path().is_dir());
    let folders = folders.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let folders: BTreeSet<String> = folders.filter(|name| name != "src").collect();
    let mut needed = BTreeSet::new();
    included(Path::new("src"), &folders, &mut needed);
    assert!(
        needed.contains("schema") && needed.contains("assets"),
        "{needed:?}"
    );
    needed.extend(["src", "crates", "deploy", "vendor", ".cargo"].map(str::to_owned));
    let ignored = std::fs::read_to_string(".dockerignore").unwrap();
    let sent: BTreeSet<String> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .map(str::to_owned)
        .collect();
    let missing: Vec<&String> = needed.difference(&sent).collect();
    assert!(missing.is_empty(), ".dockerignore keeps back {missing:?}");
}
