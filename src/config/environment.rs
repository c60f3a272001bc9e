//! What the environment says of this program: `init` writes it to `.env`, so that a later `serve` has what was tried.

use super::{settings::settings, source::Source};

/// Variables that every shell, platform or container sets for the process that it starts, whichever it is.
const OF_THE_PROCESS: [&str; 3] = ["PORT", "RUST_LOG", "NO_COLOR"];
/// Also read under these names.
const LOWER_CASE: [&str; 4] = ["https_proxy", "http_proxy", "all_proxy", "no_proxy"];

impl Source {
    /// The variables of this program that have a value in the environment, as it was understood, in the order of the
    /// documentation. One that names a file (`NAME_FILE`) is among them, and not what the file holds.
    pub fn of_environment(&self) -> Vec<(String, String)> {
        let sections = settings();
        let settings = sections.iter().flat_map(|section| &section.settings);
        let known = settings.flat_map(|setting| setting.names.iter().map(String::as_str));
        let known = known.chain(LOWER_CASE);
        let known = known.filter(|name| !OF_THE_PROCESS.contains(name));
        let names = known.flat_map(|name| [name.to_owned(), format!("{name}_FILE")]);
        let value = |name: String| {
            let found = self.in_environment(&name).ok()??;
            Some((name, found.text))
        };
        names.filter_map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_this_program_count_with_the_files_that_they_name() {
        let source = Source::from_pairs([
            ("AIRTABLE_API_URL", "\"https://airtable.example.com\""),
            ("S3_SECRET_KEY_FILE", "/run/secrets/s3"),
            ("https_proxy", "http://proxy.example.com:3128"),
            ("AIRTABLE_TABLE", ""),
            ("PORT", "3000"),
            ("PATH", "/usr/bin"),
        ]);
        let found = source.of_environment();
        let expected = [
            ("S3_SECRET_KEY_FILE", "/run/secrets/s3"),
            ("AIRTABLE_API_URL", "https://airtable.example.com"),
            ("https_proxy", "http://proxy.example.com:3128"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn names_of_the_process_are_variables() {
        let sections = settings();
        let settings = sections.iter().flat_map(|section| &section.settings);
        let names: Vec<&String> = settings.flat_map(|setting| &setting.names).collect();
        for name in OF_THE_PROCESS {
            assert!(names.iter().any(|known| *known == name), "{name}");
        }
    }
}
