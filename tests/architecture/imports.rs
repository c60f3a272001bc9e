//! Paths that a file names, and the files that define what they name, read from the text.

use std::collections::{BTreeMap, BTreeSet};

/// The crate's files by module: `http::calls` for `src/http/calls.rs`, `http` for `src/http/mod.rs`, `` for `src/lib.rs`.
pub(crate) struct Crate {
    files: BTreeMap<String, File>,
}

struct File {
    /// `src/http/calls.rs`
    path: String,
    code: String,
    /// What a `use` gives a name to: the name, and the path from the root.
    names: BTreeMap<String, String>,
}

impl Crate {
    /// `sources`: paths from the package's folder, with their texts. `src/main.rs` is another crate and is left out.
    pub(crate) fn read(sources: &[(String, String)]) -> Crate {
        let modules = sources.iter().filter(|(path, _)| path != "src/main.rs");
        let mut files: BTreeMap<String, File> = modules
            .map(|(path, text)| (module_of(path), File::new(path, text)))
            .collect();
        let known: BTreeSet<String> = files.keys().cloned().collect();
        for (module, file) in &mut files {
            file.read_uses(module, &known);
        }
        Crate { files }
    }

    /// For every file the files that define what it names.
    pub(crate) fn imports(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let known = self.files.keys().cloned().collect();
        let of_file = |module: &String, file: &File| {
            let mut found = BTreeSet::new();
            for path in file.paths(module, &known) {
                let defining = self.resolve(&path, 0);
                found.extend(defining.filter(|defining| *defining != file.path));
            }
            found
        };
        let files = self.files.iter();
        files
            .map(|(module, file)| (file.path.as_str(), of_file(module, file)))
            .collect()
    }

    /// The file that defines what a path from the root names. `None` for what is a folder's map and for what is unknown.
    fn resolve(&self, path: &str, depth: usize) -> Option<&str> {
        let mut module = String::new();
        for (at, name) in path.split("::").enumerate() {
            let below = join(&module, name);
            if self.files.contains_key(&below) {
                module = below;
                continue;
            }
            let file = self.files.get(&module)?;
            let rest = path.splitn(at + 2, "::").nth(at + 1);
            let target = file.names.get(name).map(|target| match rest {
                Some(rest) => format!("{target}::{rest}"),
                None => target.clone(),
            });
            return match target {
                // A name that a map hands on; twenty maps behind each other are a circle of names.
                Some(target) if depth < 20 && target != path => self.resolve(&target, depth + 1),
                _ if file.is_map() => None,
                _ => Some(&file.path),
            };
        }
        let file = self.files.get(&module)?;
        (!file.is_map()).then_some(&file.path)
    }
}

impl File {
    fn new(path: &str, text: &str) -> File {
        let code = without_comments(text);
        // Tests stand at the end; what they need besides is no part of the crate's shape.
        let code = code.split("#[cfg(test)]\nmod tests {").next();
        File {
            path: path.to_owned(),
            code: code.unwrap_or_default().to_owned(),
            names: BTreeMap::new(),
        }
    }

    fn is_map(&self) -> bool {
        self.path.ends_with("/mod.rs") || self.path == "src/lib.rs"
    }

    fn read_uses(&mut self, module: &str, known: &BTreeSet<String>) {
        for (tree, _) in uses(&self.code) {
            for (path, alias) in spelt_out(tree) {
                let Some(path) = absolute(module, &path, known) else {
                    continue;
                };
                let name = path.rsplit("::").next().unwrap_or_default();
                let name = alias.unwrap_or_else(|| name.to_owned());
                self.names.insert(name, path);
            }
        }
    }

    /// Every path into the crate that the file names, from the root.
    fn paths(&self, module: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
        let mut code = self.code.clone();
        for (_, whole) in uses(&self.code) {
            code = code.replacen(whole, "", 1);
        }
        let mut found: BTreeSet<String> = self.names.values().cloned().collect();
        for word in words(&code) {
            let Some((first, rest)) = word.split_once("::") else {
                continue;
            };
            match self.names.get(first) {
                Some(path) => found.insert(format!("{path}::{rest}")),
                None => absolute(module, word, known).is_some_and(|path| found.insert(path)),
            };
        }
        found
    }
}

/// `src/http/calls.rs` is `http::calls`.
fn module_of(path: &str) -> String {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs");
    let inside = inside.trim_end_matches("mod").trim_end_matches('/');
    match inside {
        "lib" => String::new(),
        inside => inside.replace('/', "::"),
    }
}

fn join(module: &str, name: &str) -> String {
    match module {
        "" => name.to_owned(),
        module => format!("{module}::{name}"),
    }
}

/// A path from the root, where it leads into this crate; `known`: modules, for paths that begin with a child's name.
fn absolute(module: &str, path: &str, known: &BTreeSet<String>) -> Option<String> {
    let (first, rest) = path.split_once("::").unwrap_or((path, ""));
    match first {
        "crate" => Some(rest.to_owned()),
        "self" => Some(join(module, rest)),
        "super" => {
            let above = module.rsplit_once("::").map_or("", |(above, _)| above);
            match rest.starts_with("super") {
                true => absolute(above, rest, known),
                false => Some(join(above, rest)),
            }
        }
        child => known
            .contains(&join(module, child))
            .then(|| join(module, path)),
    }
}

/// The trees of a text's `use` declarations, and the declarations themselves.
fn uses(code: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let begins = code[..at].rfind('\n').map_or(0, |line| line + 1);
        let before = code[begins..at].trim();
        let is_use = ["", "pub", "pub(crate)", "pub(super)"].contains(&before);
        if let Some(length) = code[at..].find(';').filter(|_| is_use) {
            found.push((&code[at + 4..at + length], &code[at..=at + length]));
        }
    }
    found
}

/// Each path of a `use` tree, and what it is called when that is not its last name.
pub(crate) fn spelt_out(tree: &str) -> Vec<(String, Option<String>)> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let (path, alias) = match tree.split_once(" as ") {
            Some((path, alias)) => (path.trim(), Some(alias.trim().to_owned())),
            None => (tree, None),
        };
        let path = path.strip_suffix("::self").unwrap_or(path);
        return vec![(path.to_owned(), alias)];
    };
    let (prefix, inside) = (
        &tree[..open],
        &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())],
    );
    let branches = branches(inside).into_iter();
    branches
        .flat_map(|branch| spelt_out(&format!("{prefix}{branch}")))
        .collect()
}

/// Splits `a, b::{c, d}` at the commas outside of braces.
fn branches(inside: &str) -> Vec<&str> {
    let (mut depth, mut from, mut found) = (0, 0, Vec::new());
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(inside[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(inside[from..].trim());
    found.retain(|branch| !branch.is_empty());
    found
}

/// Paths and names of a text, `a::b::c` as one.
fn words(code: &str) -> impl Iterator<Item = &str> {
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    words
        .map(|word| word.trim_matches(':'))
        .filter(|word| !word.is_empty())
}

/// The text without what stands behind `//`; addresses in strings stay.
pub(crate) fn without_comments(text: &str) -> String {
    let code = |line: &str| match line.find("//") {
        Some(at) if !line[..at].ends_with(':') => line[..at].to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}
