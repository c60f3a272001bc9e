//! The services we use: LiveKit and Airtable. Their variables with defaults and rules.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::domain::{KeyEntry, RowWrites, SigningKey, TranscriptTimes};

use super::{AirtableSettings, LiveKitSettings, Reader, address, list, network};

impl LiveKitSettings {
    /// LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, LIVEKIT_WEBHOOK_KEYS.
    pub fn read(r: &mut Reader<'_>) -> Self {
        let expected = "wss://your-project.livekit.cloud, or ws://, https://, http://";
        r.required("LIVEKIT_URL", expected);
        let url = r
            .address("LIVEKIT_URL", expected, address::livekit_url)
            .unwrap_or_default();
        let api_key = r.required("LIVEKIT_API_KEY", "the project's API key");
        if !is_api_key(&api_key) {
            r.refuse(
                "LIVEKIT_API_KEY",
                "has other characters than letters, digits, - and _, expected one API key, without its secret",
            );
        }
        let api_secret = r.required_secret("LIVEKIT_API_SECRET", "the API key's secret");
        if is_public_key(&api_key, &api_secret, &url) {
            r.refuse("LIVEKIT_API_KEY", PUBLIC_KEY);
        }
        let mut webhook_keys = vec![SigningKey {
            name: api_key.clone(),
            secret: api_secret.clone(),
            entry: KeyEntry::Main,
        }];
        webhook_keys.extend(more_webhook_keys(r, &url));
        Self {
            url,
            api_key,
            api_secret,
            webhook_keys,
        }
    }
}

/// LIVEKIT_WEBHOOK_KEYS, those for webhooks alone first: what is listed as such opens nothing. A pair in another notation
/// would be a key that signs nothing.
fn more_webhook_keys(r: &mut Reader<'_>, url: &str) -> Vec<SigningKey> {
    let name = "LIVEKIT_WEBHOOK_KEYS";
    let expected = "comma-separated key:secret pairs, or key:secret:webhooks";
    let list = r.secret(name, expected).unwrap_or_default();
    let mut keys: Vec<SigningKey> = Vec::new();
    for (i, pair) in list::items(list.expose_secret()).into_iter().enumerate() {
        match key_and_secret(pair) {
            Ok(key) if is_public_key(&key.name, &key.secret, url) => {
                r.refuse(name, format!("pair {} {PUBLIC_KEY}", i + 1));
            }
            Ok(key) => keys.push(key),
            Err(why) => r.refuse(name, format!("pair {} {why}, expected {expected}", i + 1)),
        }
    }
    let closed = |key: &SigningKey| key.entry == KeyEntry::Webhooks;
    let (mut all, listed): (Vec<_>, Vec<_>) = keys.into_iter().partition(closed);
    for key in listed {
        let same = |it: &&SigningKey| it.secret.expose_secret() == key.secret.expose_secret();
        if !all
            .iter()
            .filter(same)
            .any(|it| closed(it) && it.name == key.name)
        {
            all.push(key);
        }
    }
    all
}

fn key_and_secret(pair: &str) -> Result<SigningKey, &'static str> {
    let pair = pair.split_once(':').map(|(k, s)| (k.trim(), s.trim()));
    let Some((key, secret)) = pair.filter(|(k, s)| !k.is_empty() && !s.is_empty()) else {
        return Err("is not key:secret");
    };
    let (secret, entry) = match secret.rsplit_once(':') {
        Some((secret, used)) if used.trim() == "webhooks" => (secret.trim(), KeyEntry::Webhooks),
        _ => (secret, KeyEntry::Listed),
    };
    if secret.is_empty() {
        return Err("is not key:secret");
    }
    match is_api_key(key) {
        true if secret.contains(char::is_whitespace) => Err("has a blank in its secret"),
        true if secret.contains([':', ';', '|', '"', '\'']) => {
            Err("has a second colon (but for :webhooks), a semicolon or quotes in its secret")
        }
        true => Ok(SigningKey {
            name: key.to_owned(),
            secret: secret.into(),
            entry,
        }),
        false => Err("has a key with other characters than letters, digits, - and _"),
    }
}

const PUBLIC_KEY: &str = "is the key of `livekit-server --dev`, which everybody knows, but LIVEKIT_URL is not on a private network: give the server a key of its own, which `livekit-server generate-keys` makes";

/// Whether this is LiveKit's key for development, although everybody can reach the server.
fn is_public_key(key: &str, secret: &SecretString, url: &str) -> bool {
    let is_known = key == "devkey" || secret.expose_secret() == "secret";
    is_known && Url::parse(url).is_ok_and(|url| network::is_public(&url))
}

fn is_api_key(key: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    key.chars().all(is_part)
}

impl AirtableSettings {
    /// AIRTABLE_….
    pub fn read(r: &mut Reader<'_>) -> Self {
        Self::of_base(r, base_id)
    }

    /// For the command that creates the base: the ID is empty.
    pub fn without_base(r: &mut Reader<'_>) -> Self {
        Self::of_base(r, |_| String::new())
    }

    fn of_base(r: &mut Reader<'_>, base_id: impl FnOnce(&mut Reader<'_>) -> String) -> Self {
        let expected = "a personal access token, pat… (airtable.com/create/tokens)";
        let token = r.required("AIRTABLE_TOKEN", expected);
        if !token.is_empty() && !token.starts_with("pat") {
            r.refuse(
                "AIRTABLE_TOKEN",
                format!("does not start with pat, expected {expected}"),
            );
        }
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            r.refuse(
                "AIRTABLE_TOKEN",
                format!("has a blank or a special character inside, expected {expected}"),
            );
        }
        let base_id = base_id(r);
        let table = table(r);
        let schema = schema(r);
        let requests_per_second = r.parsed(
            "AIRTABLE_REQUESTS_PER_SECOND",
            5.0,
            "a number between 0.01 and 1000",
            |v| v.parse().ok().filter(|n| (0.01..=1000.0).contains(n)),
        );
        let monthly_requests = monthly_requests(r);
        let writes = r.parsed("AIRTABLE_WRITES", RowWrites::Live, "live or final", |v| {
            v.parse().ok()
        });
        let transcript_times = transcript_times(r);
        let prices = prices(r);
        let expected = "scheme://host:port without /v0";
        let api_url = r.address("AIRTABLE_API_URL", expected, address::origin);
        let content_url = r.address("AIRTABLE_CONTENT_URL", expected, address::origin);
        Self {
            token: token.into(),
            base_id,
            table,
            schema,
            requests_per_second,
            monthly_requests,
            writes,
            transcript_times,
            prices,
            api_url: api_url.unwrap_or_else(|| "https://api.airtable.com".into()),
            content_url: content_url.unwrap_or_else(|| "https://content.airtable.com".into()),
        }
    }
}

/// The limit of a base's requests, for a command that sends none.
pub struct RequestLimit {
    /// AIRTABLE_BASE_ID; `None`: it is not set here.
    pub base_id: Option<String>,
    /// AIRTABLE_MONTHLY_REQUESTS
    pub monthly_requests: Option<u64>,
}

/// The limit, without anything that must be set.
pub fn request_limit(r: &mut Reader<'_>) -> RequestLimit {
    RequestLimit {
        base_id: r.text("AIRTABLE_BASE_ID", BASE_ID),
        monthly_requests: monthly_requests(r),
    }
}

fn monthly_requests(r: &mut Reader<'_>) -> Option<u64> {
    r.parsed(
        "AIRTABLE_MONTHLY_REQUESTS",
        None,
        "a whole number above 0, or nothing for unlimited",
        |v| v.parse().ok().filter(|n| *n > 0).map(Some),
    )
}

fn table(r: &mut Reader<'_>) -> String {
    let (name, expected) = ("AIRTABLE_TABLE", "a table's name, or its ID, tbl…");
    let table = r.text(name, expected).unwrap_or_else(|| "Calls".into());
    let is_id = |prefix| table.len() == 17 && table.starts_with(prefix);
    if table.contains("://") || table.starts_with("app") && table.contains("/tbl") {
        r.refuse(
            name,
            format!("is a URL or a part of one, expected {expected}"),
        );
    }
    if is_id("viw") || is_id("app") {
        r.refuse(
            name,
            format!("is the ID of a view or base, expected {expected}"),
        );
    }
    table
}

/// AIRTABLE_SCHEMA; `None` means the built-in schema.
pub fn schema(r: &mut Reader<'_>) -> Option<PathBuf> {
    r.text("AIRTABLE_SCHEMA", "the path of a schema file")
        .map(PathBuf::from)
}

/// PRICES_FILE; `None`: calls have no cost.
pub fn prices(r: &mut Reader<'_>) -> Option<PathBuf> {
    r.text("PRICES_FILE", "the path of a price list")
        .map(PathBuf::from)
}

/// TRANSCRIPT_TIMES
pub fn transcript_times(r: &mut Reader<'_>) -> TranscriptTimes {
    r.parsed("TRANSCRIPT_TIMES", TranscriptTimes::Off, "on or off", |v| {
        v.parse().ok()
    })
}

/// What AIRTABLE_BASE_ID is.
const BASE_ID: &str = "the base's ID, app… (in its URL in the browser)";

fn base_id(r: &mut Reader<'_>) -> String {
    let expected = BASE_ID;
    let base_id = r.required("AIRTABLE_BASE_ID", expected);
    let id = base_id.strip_prefix("app").unwrap_or_default();
    if !base_id.is_empty() && (id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric())) {
        r.refuse(
            "AIRTABLE_BASE_ID",
            format!("is not a base ID, expected {expected}"),
        );
    }
    base_id
}
