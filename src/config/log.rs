//! RUST_LOG and LOG_FORMAT.

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::{LogFormat, LogSettings, Reader};

/// The name of our log lines' targets.
const TARGET: &str = "livekit_airtable";

impl LogSettings {
    /// RUST_LOG and LOG_FORMAT.
    pub fn read(r: &mut Reader<'_>) -> Self {
        let expected =
            "a level (error, warn, info, debug, trace) or a list like info,livekit_airtable=debug";
        let filter = r.parsed("RUST_LOG", "info".to_owned(), expected, filter);
        let format = r.parsed("LOG_FORMAT", LogFormat::Text, "text or json", |v| {
            match v.to_ascii_lowercase().as_str() {
                "text" => Some(LogFormat::Text),
                "json" => Some(LogFormat::Json),
                _ => None,
            }
        });
        Self { filter, format }
    }
}

/// A filter that says which of our lines are logged. The filter's own syntax takes a word that is no level (`warning`,
/// `livekit-airtable`) for the name of another program's part, and would log nothing of ours.
fn filter(value: &str) -> Option<String> {
    let directives: Vec<&str> = value.split(',').map(str::trim).collect();
    let is_level = |directive: &&str| directive.parse::<LevelFilter>().is_ok();
    let is_ours = |directive: &&str| {
        directive.starts_with(TARGET) || directive.contains('[') || is_level(directive)
    };
    let names_a_target = |directive: &&str| {
        is_level(directive) || !directive.contains('-') && directive.contains(['=', ':', '_', '['])
    };
    let is_usable = directives.iter().any(is_ours) && directives.iter().all(names_a_target);
    let filter = directives.join(",");
    (is_usable && EnvFilter::try_new(&filter).is_ok()).then_some(filter)
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn a_filter_that_would_hide_our_lines_is_refused() {
        for value in [
            "info",
            "WARN",
            "off",
            "info,livekit_airtable=debug",
            "info, sqlx=debug",
            "livekit_airtable",
            "livekit_airtable::http=trace",
            "hyper=warn,error",
        ] {
            assert!(filter(value).is_some(), "{value}");
        }
        for value in [
            "warning",
            "verbose",
            "all",
            "true",
            "none",
            "livekit-airtable=debug",
            "info,livekit-airtable=debug",
            "sqlx=debug",
            "info,=",
            "info,verbose",
        ] {
            assert_eq!(filter(value), None, "{value}");
        }
    }
}
