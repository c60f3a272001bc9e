//! Arguments that are times: `--since T`.

use jiff::Timestamp;

use crate::{domain::duration::since, telemetry};

/// Parses a time (RFC 3339), a date (its midnight, UTC), or a duration before now: `7d`.
pub(in crate::cli) fn parse(text: &str) -> Result<Timestamp, String> {
    since(text, telemetry::now()).ok_or_else(|| {
        "expected a time like 2026-01-31T12:00:00Z, a date like 2026-01-31, or an age like 12h or 7d"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn times_dates_and_durations() {
        let text = |text| parse(text).unwrap().to_string();
        assert_eq!(text("2026-01-31T12:00:00+02:00"), "2026-01-31T10:00:00Z");
        assert_eq!(text("2026-01-31"), "2026-01-31T00:00:00Z");
        assert!(parse("7d").unwrap() < parse("6d").unwrap());
        for wrong in ["", "yesterday", "7", "2026-13-01"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
