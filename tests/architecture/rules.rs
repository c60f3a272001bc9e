//! What is wrong with a text, or with who imports whom.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{spelt_out, without_comments};

const SQL: [&str; 6] = [
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "sqlx::",
    "PRAGMA ",
];

/// `src/http/calls.rs` is of the module `http`.
pub(crate) fn module_of(path: &str) -> String {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs");
    inside.split('/').next().unwrap_or_default().to_owned()
}

/// What a module imports although it may only import `may`.
pub(crate) fn forbidden(module: &str, may: &[&str], text: &str) -> Vec<String> {
    let allowed = |import: &String| {
        may.iter().any(|path| {
            let below = import.strip_prefix(path);
            *path == "*" || below.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    };
    let found = imported(module, text).into_iter();
    found.filter(|import| !allowed(import)).collect()
}

/// Every `crate::` path in a text, groups spelt out, without the module's own.
pub(crate) fn imported(module: &str, text: &str) -> BTreeSet<String> {
    let text = without_comments(text);
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let before = text[..at].chars().next_back();
        if before.is_none_or(|c| !c.is_alphanumeric() && c != '_') {
            let tree = tree(&text[at + "crate::".len()..]);
            found.extend(spelt_out(tree).into_iter().map(|(path, _)| path));
        }
    }
    let own = |path: &String| path == module || path.starts_with(&format!("{module}::"));
    found.retain(|path| !own(path));
    found
}

/// The path, or tree of paths, that a text begins with.
fn tree(text: &str) -> &str {
    let mut depth = 0;
    let end = text.find(|c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        let ends = !c.is_alphanumeric() && !"_:*{}".contains(c);
        depth < 0 || (depth == 0 && ends)
    });
    text[..end.unwrap_or(text.len())].trim_end_matches(':')
}

/// The files of each circle, sorted.
pub(crate) fn circles<'a>(imports: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Vec<&'a str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = imports
        .keys()
        .map(|path| (*path, reachable(imports, path)))
        .collect();
    let mut found: Vec<Vec<&str>> = Vec::new();
    for (path, from_here) in &reached {
        if found.iter().any(|circle| circle.contains(path)) {
            continue;
        }
        let back = |other: &&&str| from_here.contains(**other) && reached[**other].contains(path);
        let circle: Vec<&str> = imports.keys().filter(back).copied().collect();
        if !circle.is_empty() {
            found.push(circle);
        }
    }
    found
}

fn reachable<'a>(imports: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(path) = open.pop() {
        for import in imports.get(path).into_iter().flatten() {
            if found.insert(*import) {
                open.push(import);
            }
        }
    }
    found
}

/// What a map holds besides docs, `mod` and `use`.
pub(crate) fn items(text: &str) -> Vec<String> {
    let code = without_comments(text);
    let lines = code.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with("#["));
    let code = lines.collect::<Vec<_>>().join(" ");
    let is_map = |statement: &str| {
        let mut words = statement.split_whitespace();
        let first = words.find(|word| !word.starts_with("pub"));
        matches!(first, None | Some("mod" | "use")) && !statement.starts_with("mod tests {")
    };
    let statements = code.split(';').map(str::trim);
    let wrong = statements.filter(|statement| !is_map(statement));
    wrong.map(str::to_owned).collect()
}

/// Words of SQL in the code's strings.
pub(crate) fn sql(text: &str) -> Vec<&'static str> {
    let code = without_comments(text);
    SQL.into_iter().filter(|word| code.contains(word)).collect()
}

/// How often `unsafe` stands in the code.
pub(crate) fn unsafe_words(text: &str) -> usize {
    let code = without_comments(text);
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| *word == "unsafe").count()
}

/// Dependencies without a comment on their line.
pub(crate) fn uncommented(manifest: &str) -> Vec<String> {
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
