//! What each variable is for: the source of `serve --help`, `.env.example` and the book's page "Configuration".

use serde::Deserialize;

use super::plain_text;

/// The sections, in the order in which they are shown.
const TEXT: &str = include_str!("../../schema/settings.toml");
/// The width of the lines of help.
const WIDTH: usize = 100;

/// Variables that belong together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingSection {
    pub title: String,
    #[serde(rename = "setting")]
    pub settings: Vec<Setting>,
}

/// One variable, or several with one meaning.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    pub names: Vec<String>,
    /// The value that counts if the variable is not set.
    pub default: Option<String>,
    /// Without a default: what happens if it is not set, in Markdown.
    pub unset: Option<String>,
    /// In Markdown.
    pub meaning: String,
    /// A link to where the book says more.
    pub see: Option<String>,
}

#[derive(Deserialize)]
struct SettingsFile {
    section: Vec<SettingSection>,
}

/// All variables. (A test reads the file with its errors.)
pub fn settings() -> Vec<SettingSection> {
    let file: Result<SettingsFile, _> = toml::from_str(TEXT);
    file.map(|file| file.section).unwrap_or_default()
}

/// The variables as text for a terminal.
pub fn settings_help() -> String {
    let mut text = String::from("Environment variables:\n");
    for section in settings() {
        text += &format!("\n{}\n", section.title);
        for setting in &section.settings {
            text += &format!("  {}\n", setting.heading());
            for line in plain_text::wrapped(&setting.sentence(), WIDTH - 6) {
                text += &format!("      {line}\n");
            }
        }
    }
    text + "\nNAME_FILE=path reads NAME from a file. `.env` in the working directory is read, too."
}

impl Setting {
    /// The meaning for a reader without the book.
    pub fn sentence(&self) -> String {
        let text = plain_text::of(&self.meaning);
        let starts_with_value = self.meaning.starts_with('`');
        let mut letters = text.chars();
        match letters.next().filter(|_| !starts_with_value) {
            Some(first) => first.to_uppercase().chain(letters).collect(),
            None => text,
        }
    }

    /// The names and what counts without them: `KEEP [30d]`.
    fn heading(&self) -> String {
        let names = self.names.join(", ");
        let unset = self.unset.as_deref().map(plain_text::of);
        match self.default.clone().or(unset) {
            Some(without) => format!("{names} [{without}]"),
            None => names,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_and_the_help_has_its_variables() {
        let file: SettingsFile = toml::from_str(TEXT).unwrap();
        assert!(!file.section.is_empty());
        let help = settings_help();
        assert!(
            help.contains("\n  KEEP [30d]\n      How long raw events"),
            "{help}"
        );
        assert!(
            help.contains("\n  S3_ACCESS_KEY, S3_SECRET_KEY [required]\n"),
            "{help}"
        );
    }
}
