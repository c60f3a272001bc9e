//! The documentation against the program: every variable has its place, every link leads somewhere, copies are equal.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The pages of the book.
const BOOK: &str = "docs/src";
/// README is for a first reader.
const README_LINES: usize = 150;
/// Names in `src/config` that are no settings: what systemd and glibc read or set, parts of names.
const NO_SETTINGS: [&str; 10] = [
    "CREDENTIALS_DIRECTORY",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_ARENA_MAX",
    "SECRET",
    "TOKEN",
    "KEYS",
    "PASSWORD",
];

#[test]
fn every_variable_is_in_the_example_and_in_the_book() {
    let known = known();
    let example: BTreeSet<String> = example().into_iter().map(|(name, _)| name).collect();
    let documented: BTreeSet<String> = documented().into_iter().map(|(name, _)| name).collect();
    assert_eq!(example, known, ".env.example, and what src/config reads");
    assert_eq!(documented, known, "configuration.md, and src/config");
}

#[test]
fn the_book_and_the_example_have_the_same_defaults() {
    let documented = documented();
    for (name, default) in example() {
        let Some(default) = default.filter(|value| !value.is_empty()) else {
            continue;
        };
        let default = format!("`{default}`");
        let same = |(known, cell): &(String, String)| *known == name && cell.contains(&default);
        assert!(documented.iter().any(same), "{name}: not {default}");
    }
}

#[test]
fn every_row_that_doctor_names_is_there() {
    let rows = read("src/cli/doctor/row.rs");
    let titles = rows.match_indices("=> \"").filter_map(|(at, arrow)| {
        let title = &rows[at + arrow.len()..];
        title.split('"').next()
    });
    let page = read("docs/src/troubleshooting.md");
    let titles: Vec<&str> = titles.collect();
    assert!(titles.len() > 20, "{titles:?}");
    for title in titles {
        assert!(page.contains(&format!("\n| {title} | ")), "{title}");
    }
}

#[test]
fn the_book_has_the_text_of_the_changelog() {
    let is_same = read("CHANGELOG.md") == read("docs/src/changelog.md");
    assert!(is_same, "cp CHANGELOG.md docs/src/changelog.md");
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= README_LINES, "{lines} lines");
}

#[test]
fn every_picture_is_made_by_a_test_and_shown() {
    let script = read("tests/clients/pages/shared.py");
    let (_, table) = script.split_once("DOCUMENTED = {\n").unwrap();
    let (table, _) = table.split_once("\n}").unwrap();
    let mut made = BTreeSet::new();
    for line in table.lines() {
        let mut names = line.split('"').skip(1).step_by(2);
        let (check, name) = (names.next().unwrap(), names.next().unwrap());
        let check = check.trim_end_matches("-light").trim_end_matches("-dark");
        assert!(
            is_picture_of_a_check(check),
            "{check} is no picture of a check"
        );
        made.insert(format!("{name}.png"));
    }
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let images = files(&Path::new(BOOK).join("images"), "png");
    let images: BTreeSet<String> = images.iter().map(|path| name(path)).collect();
    let mut pages = files(Path::new(BOOK), "md");
    pages.push("README.md".into());
    let targets = pages.into_iter().flat_map(|page| links(&read(page)));
    let shown = targets.filter(|target| target.ends_with(".png"));
    let shown: BTreeSet<String> = shown.map(|target| name(Path::new(&target))).collect();
    assert_eq!(
        images, made,
        "UPDATE_PICTURES=1 tests/run --test it browser"
    );
    assert_eq!(images, shown, "docs/src/images, and the pages that show it");
}

/// Whether a script of `tests/clients/pages` takes a picture of this name: `play.py` adds `play-`.
fn is_picture_of_a_check(name: &str) -> bool {
    let (script, name) = match name.strip_prefix("play-") {
        Some(name) => ("play.py", name),
        None => ("ops.py", name),
    };
    let script = read(Path::new("tests/clients/pages").join(script));
    let is_taken = script.contains(&format!("picture(page, \"{name}\""));
    is_taken || script.contains(&format!("(\"{name}\", \"/ops"))
}

#[test]
fn the_summary_lists_every_page() {
    let listed: BTreeSet<String> = links(&read("docs/src/SUMMARY.md")).into_iter().collect();
    let mut pages = BTreeSet::new();
    for path in files(Path::new(BOOK), "md") {
        let name = path.strip_prefix(BOOK).unwrap().display().to_string();
        pages.insert(name);
    }
    pages.remove("SUMMARY.md");
    assert_eq!(listed, pages);
}

#[test]
fn every_relative_link_leads_somewhere() {
    let outside = [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "benches/README.md",
    ];
    let mut pages: Vec<PathBuf> = outside.iter().map(PathBuf::from).collect();
    pages.extend(files(Path::new(BOOK), "md"));
    let mut wrong = Vec::new();
    for page in pages {
        for target in links(&read(&page)) {
            let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
            if let Some(why) = problem(&page, &target).filter(|_| !is_elsewhere) {
                wrong.push(format!("{}: {target}: {why}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_that_the_program_names_is_there() {
    let mut named = 0;
    for path in files(Path::new("src"), "rs") {
        let text = read(&path);
        for (at, _) in text.match_indices("docs/src/") {
            let is_part = |c: char| c.is_ascii_alphanumeric() || "/-_.#".contains(c);
            let rest = &text[at..];
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let target = rest[..end].trim_end_matches('.');
            let wrong = problem(Path::new("README.md"), target);
            assert_eq!(wrong, None, "{}: {target}", path.display());
            named += 1;
        }
    }
    assert!(named > 3, "{named}");
}

/// The variables that `src/config` reads.
fn known() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in files(Path::new("src/config"), "rs") {
        let text = read(&path);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        found.extend(literals(code).map(str::to_owned));
    }
    for other in NO_SETTINGS {
        assert!(found.remove(other), "{other} is no exception any more");
    }
    found
}

/// The names in quotation marks that can be variables.
fn literals(code: &str) -> impl Iterator<Item = &str> {
    code.match_indices('"').filter_map(move |(at, _)| {
        let rest = &code[at + 1..];
        let name = &rest[..rest.find(|c: char| !is_in_name(c))?];
        let is_literal = rest[name.len()..].starts_with('"');
        let begins = name.starts_with(|c: char| c.is_ascii_uppercase());
        (is_literal && begins && name.len() > 2).then_some(name)
    })
}

fn is_in_name(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'
}

/// The variables of the example, and the defaults of those that are commented out.
fn example() -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for line in read(".env.example").lines() {
        let Some((name, value)) = line.trim_start_matches('#').split_once('=') else {
            continue;
        };
        if name.chars().all(is_in_name) {
            let default = line.starts_with('#').then(|| value.to_owned());
            found.push((name.to_owned(), default));
        }
    }
    found
}

/// The variables of the book, each with its default.
fn documented() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for row in read("docs/src/configuration.md").lines() {
        let mut cells = row.split('|').skip(1);
        let names = cells.next().unwrap_or_default();
        let default = cells.next().unwrap_or_default();
        if names.starts_with(" `") {
            let names = names.split('`').skip(1).step_by(2);
            found.extend(names.map(|name| (name.to_owned(), default.to_owned())));
        }
    }
    found
}

/// Why a relative link of a page leads nowhere.
fn problem(page: &Path, target: &str) -> Option<&'static str> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => page.to_owned(),
        _ => page.parent()?.join(file),
    };
    let leaves_the_book = page.starts_with(BOOK) && file.starts_with("..");
    let lacks_anchor = || !anchor.is_empty() && !anchors(&read(&path)).contains(anchor);
    match () {
        () if leaves_the_book => Some("mdBook copies nothing from outside docs/src"),
        () if !path.exists() => Some("there is no such file"),
        () if lacks_anchor() => Some("there is no such heading"),
        () => None,
    }
}

/// The targets of a page's links.
fn links(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(page) {
        let rests = line.split("](").skip(1);
        let targets = rests.filter_map(|rest| rest.split_once(')'));
        found.extend(targets.map(|(target, _)| target.to_owned()));
    }
    found
}

/// The anchors of a page's headings, as code hosts and mdBook make them.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = prose(page).into_iter().filter(|line| line.starts_with('#'));
    headings.map(anchor).collect()
}

fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim();
    let heading = heading.to_lowercase().replace(' ', "-");
    let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_');
    heading.chars().filter(is_kept).collect()
}

/// The lines outside code blocks.
fn prose(page: &str) -> Vec<&str> {
    let mut in_code = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        if !in_code && !is_fence {
            lines.push(line);
        }
    }
    lines
}

/// The files below a folder, without those of tests.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_of_tests = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_of_tests {
            found.extend(files(&path, extension));
        } else if !is_of_tests && path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
