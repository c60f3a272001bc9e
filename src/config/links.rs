//! PUBLIC_URL, LINK_SECRET, LINK_SECRETS_BEFORE, LINK_LIFE and PLAY_PAGE: permanent links.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{LinksSettings, Reader, address, strength};
use crate::domain::{PlayPage, duration::duration};

impl LinksSettings {
    /// Reads the five variables.
    pub fn read(r: &mut Reader<'_>) -> Self {
        let expected = "the public URL of this service, like https://calls.example.com";
        let public_url = r.address("PUBLIC_URL", expected, address::public_url);
        let secret = r.own_secret("LINK_SECRET", "a secret");
        strength::check_link_secret(r, "LINK_SECRET", secret.as_ref());
        let before = r.own_secret("LINK_SECRETS_BEFORE", "secrets, comma-separated");
        let expected = "a duration like 90d, at least 1s, or nothing (for ever)";
        let life = r.parsed("LINK_LIFE", None, expected, |v| {
            duration(v).filter(|it| *it > Duration::ZERO).map(Some)
        });
        let play_page = r.parsed("PLAY_PAGE", PlayPage::Off, "on or off", |v| v.parse().ok());
        Self {
            public_url,
            secret,
            secrets_before: before.map(|text| secrets(&text)).unwrap_or_default(),
            life,
            play_page,
        }
    }
}

/// The items of a list that commas or line breaks separate. A secret may have been any text: also a line, or the value,
/// may be one with commas in it.
fn secrets(value: &SecretString) -> Vec<SecretString> {
    let value = value.expose_secret();
    let lines = value.lines().chain([value]);
    let all = value.split([',', '\n', '\r']).chain(lines).map(str::trim);
    let mut secrets: Vec<&str> = all.filter(|secret| !secret.is_empty()).collect();
    secrets.sort_unstable();
    secrets.dedup();
    secrets.into_iter().map(SecretString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Vec<String> {
        let secrets = secrets(&value.to_owned().into());
        let text = |secret: &SecretString| secret.expose_secret().to_owned();
        secrets.iter().map(text).collect()
    }

    #[test]
    fn earlier_secrets_have_any_length_and_any_characters() {
        assert_eq!(read("x"), ["x"]);
        assert_eq!(read(" one , x,"), ["one", "one , x,", "x"]);
        assert_eq!(
            read("one\r\n{a,b}\n"),
            ["b}", "one", "one\r\n{a,b}", "{a", "{a,b}"]
        );
    }
}
