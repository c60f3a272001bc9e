//! What is recorded, where its links lead, and how this process runs. Each variable, its default, its rules.

use std::{net::SocketAddr, time::Duration};

use secrecy::SecretString;

use crate::domain::{
    Channels, FileType, MirrorFigures, MirrorTranscript,
    audit::TrustedProxies,
    policy::{RecordOn, Simulations},
};

use super::{
    HttpSettings, MirrorSettings, Reader, RecordingSettings, TimesSettings, address, check, rooms,
    strength, tokens,
};

const SECOND: Duration = Duration::from_secs(1);
/// The maximum lifetime of a presigned URL (SigV4).
const WEEK: Duration = Duration::from_secs(7 * 86_400);

impl RecordingSettings {
    /// RECORD_… and RECORDING_….
    pub fn read(r: &mut Reader<'_>) -> Self {
        let expected = "room_started, participant_joined or manual";
        let on = r.parsed("RECORD_ON", RecordOn::RoomStarted, expected, |v| {
            v.parse().ok()
        });
        let rooms = rooms::read(r);
        let simulations = r.parsed(
            "RECORD_SIMULATIONS",
            Simulations::Ignored,
            "true or false",
            simulations_of,
        );
        let file_type = r.parsed(
            "RECORDING_FILE_TYPE",
            FileType::Mp3,
            "mp3, ogg or mp4",
            |v| v.parse().ok(),
        );
        let path = recording_path(r, file_type);
        let channels = r.parsed(
            "RECORDING_CHANNELS",
            Channels::Mixed,
            "mixed or dual",
            |v| v.parse().ok(),
        );
        let url_ttl = r.duration("RECORDING_URL_TTL", "7d", SECOND, WEEK);
        let url_refresh = r.duration(
            "RECORDING_URL_REFRESH",
            "30d",
            Duration::ZERO,
            Duration::MAX,
        );
        Self {
            on,
            rooms,
            simulations,
            path,
            file_type,
            channels,
            url_ttl,
            url_refresh,
        }
    }
}

fn simulations_of(value: &str) -> Option<Simulations> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(Simulations::Recorded),
        "false" | "no" | "off" | "0" => Some(Simulations::Ignored),
        _ => None,
    }
}

fn recording_path(r: &mut Reader<'_>, file_type: FileType) -> String {
    let extension = file_type.as_str();
    let expected = format!("a key like recordings/{{room_id}}.{extension}");
    let Some(path) = r.text("RECORDING_PATH", &expected) else {
        return format!("recordings/{{room_id}}.{extension}");
    };
    // A wrong file type has an error of its own; the path's end cannot be checked then.
    if !r.has_error("RECORDING_FILE_TYPE")
        && let Err(why) = check::recording_path(&path, extension)
    {
        r.refuse("RECORDING_PATH", format!("{why}, expected {expected}"));
    }
    path
}

impl MirrorSettings {
    /// EGRESS_WEBHOOK_URL, EGRESS_WEBHOOK_SECRET, EGRESS_WEBHOOK_TRANSCRIPT and EGRESS_WEBHOOK_FIGURES; `None` without an address.
    pub fn read(r: &mut Reader<'_>) -> Option<Self> {
        let expected = "the URL of a webhook, http:// or https://, or nothing";
        let url = r.address("EGRESS_WEBHOOK_URL", expected, address::webhook_url);
        let expected = "whsec_ followed by base64, or any plain text";
        let secret = r.own_secret("EGRESS_WEBHOOK_SECRET", expected);
        strength::check_signing_key(r, "EGRESS_WEBHOOK_SECRET", secret.as_ref());
        let expected = "on or off";
        let transcript = r.parsed(
            "EGRESS_WEBHOOK_TRANSCRIPT",
            MirrorTranscript::On,
            expected,
            |v| v.parse().ok(),
        );
        let figures = r.parsed(
            "EGRESS_WEBHOOK_FIGURES",
            MirrorFigures::Off,
            expected,
            |v| v.parse().ok(),
        );
        Some(Self {
            url: url?,
            secret,
            transcript,
            figures,
        })
    }
}

impl TimesSettings {
    /// RECONCILE_INTERVAL, EGRESS_LOST_AFTER, KEEP, AUDIT_KEEP.
    pub fn read(r: &mut Reader<'_>) -> Self {
        Self {
            reconcile_interval: r.duration("RECONCILE_INTERVAL", "1m", SECOND, Duration::MAX),
            egress_lost_after: r.duration("EGRESS_LOST_AFTER", "15m", SECOND, Duration::MAX),
            keep: r.duration("KEEP", "30d", Duration::ZERO, Duration::MAX),
            audit_keep: r.duration("AUDIT_KEEP", "6y", SECOND, Duration::MAX),
        }
    }
}

impl HttpSettings {
    /// LISTEN_ADDR, PORT, API_TOKEN, API_TOKENS and TRUSTED_PROXIES.
    pub fn read(r: &mut Reader<'_>) -> Self {
        Self {
            listen: listen_address(r),
            api_tokens: tokens::read(r),
            trusted_proxies: r.parsed(
                "TRUSTED_PROXIES",
                TrustedProxies::default(),
                "addresses or networks of your proxies like 10.0.0.0/8 (not everybody's), comma-separated, loopback, or none",
                |v| v.parse().ok(),
            ),
        }
    }
}

/// LISTEN_ADDR, or PORT on every address of the machine. Heroku, Render, Railway and Cloud Run set PORT.
pub fn listen_address(r: &mut Reader<'_>) -> SocketAddr {
    let any = |port: u16| SocketAddr::from(([0, 0, 0, 0], port));
    let expected = "IP:port, like 0.0.0.0:8080 or [::]:8080";
    let listen = r.parsed("LISTEN_ADDR", None, expected, |v| v.parse().ok().map(Some));
    if let Some(listen) = listen {
        return listen;
    }
    let expected = "a port number; LISTEN_ADDR takes IP:port";
    any(r.parsed("PORT", 8080, expected, |v| v.parse().ok()))
}

/// ALERT_WEBHOOK_URL
pub(super) fn alert_webhook_url(r: &mut Reader<'_>) -> Option<SecretString> {
    let expected = "the URL of a webhook, http:// or https://, or nothing";
    r.address("ALERT_WEBHOOK_URL", expected, address::webhook_url)
        .map(SecretString::from)
}
