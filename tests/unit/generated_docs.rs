//! Pages that are made from the program, and committed as text. `UPDATE_DOCS=1 cargo test --test unit generated_docs`
//! writes them.

mod http_reference;
mod settings;

/// The file has this text, or gets it now.
fn is_current(path: &str, expected: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, expected).unwrap();
    }
    let same = std::fs::read_to_string(path).unwrap() == expected;
    assert!(
        same,
        "{path} is not current: UPDATE_DOCS=1 cargo test --test unit generated_docs"
    );
}

/// The file with everything between the two marks replaced.
fn between(path: &str, begin: &str, end: &str, generated: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    format!("{before}{begin}{generated}{end}{after}")
}
