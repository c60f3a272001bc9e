//! The sections of the configuration, as their consumers get them.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;

use crate::domain::{
    Addressing, ApiToken, Channels, FileType, KeyLookup, MirrorFigures, MirrorTranscript, PlayPage,
    RowWrites, SigningKey, TranscriptTimes,
    agent_audio::AgentAudio,
    audit::TrustedProxies,
    policy::{RecordOn, Simulations},
};

/// LIVEKIT_*: the project whose calls are recorded.
pub struct LiveKitSettings {
    /// `http://host[:port]` or `https://host[:port]`: ws and wss are rewritten, a path is dropped.
    pub url: String,
    /// LIVEKIT_API_KEY
    pub api_key: String,
    /// LIVEKIT_API_SECRET
    pub api_secret: SecretString,
    /// Keys that may sign webhooks: the main key first, then LIVEKIT_WEBHOOK_KEYS.
    pub webhook_keys: Vec<SigningKey>,
}

/// S3_*: the bucket.
pub struct StorageSettings {
    /// S3_ACCESS_KEY, S3_SECRET_KEY and S3_SESSION_TOKEN; their files are read again for each use.
    pub key: KeyLookup,
    /// The key that LiveKit uploads with: S3_EGRESS_ACCESS_KEY and S3_EGRESS_SECRET_KEY, else `key`.
    pub egress_key: KeyLookup,
    /// S3_BUCKET
    pub bucket: String,
    /// `None`: AWS itself.
    pub endpoint: Option<String>,
    /// S3_REGION, or the one that the endpoint implies.
    pub region: String,
    /// S3_ADDRESSING
    pub addressing: Addressing,
    /// Where LiveKit's egress uploads to, if different from `endpoint`.
    pub egress_endpoint: Option<String>,
}

/// AIRTABLE_*: the base and its limits.
#[derive(Clone)]
pub struct AirtableSettings {
    /// `pat…`
    pub token: SecretString,
    /// `app…`
    pub base_id: String,
    /// Name or `tbl…`.
    pub table: String,
    /// AIRTABLE_SCHEMA; `None`: the built-in one.
    pub schema: Option<PathBuf>,
    /// Per base.
    pub requests_per_second: f64,
    /// Per calendar month (UTC); `None`: unlimited.
    pub monthly_requests: Option<u64>,
    /// AIRTABLE_WRITES
    pub writes: RowWrites,
    /// TRANSCRIPT_TIMES
    pub transcript_times: TranscriptTimes,
    /// PRICES_FILE
    pub prices: Option<PathBuf>,
    /// `scheme://host[:port]`, without `/v0`.
    pub api_url: String,
    /// Where attachments are uploaded, in the same form.
    pub content_url: String,
}

/// RECORD_* and RECORDING_*: what is recorded, and how.
#[derive(Debug, Clone)]
pub struct RecordingSettings {
    /// RECORD_ON
    pub on: RecordOn,
    /// Globs of room names; `!` in front excludes.
    pub rooms: Vec<String>,
    /// RECORD_SIMULATIONS
    pub simulations: Simulations,
    /// The object key with `{room_id}`, `{room_name}`, `{date}`, `{time}`; ends in the file type's extension.
    pub path: String,
    /// RECORDING_FILE_TYPE
    pub file_type: FileType,
    /// RECORDING_CHANNELS
    pub channels: Channels,
    /// The life of a presigned URL.
    pub url_ttl: Duration,
    /// How old a row may be whose presigned URL is renewed.
    pub url_refresh: Duration,
}

/// PUBLIC_URL, LINK_SECRET, LINK_… and PLAY_PAGE: permanent links.
pub struct LinksSettings {
    /// Without a slash at its end.
    pub public_url: Option<String>,
    /// LINK_SECRET; `None`: the one that the first start made.
    pub secret: Option<SecretString>,
    /// LINK_SECRETS_BEFORE
    pub secrets_before: Vec<SecretString>,
    /// LINK_LIFE; `None`: for ever.
    pub life: Option<Duration>,
    /// PLAY_PAGE
    pub play_page: PlayPage,
}

/// EGRESS_WEBHOOK_*: the mirror.
pub struct MirrorSettings {
    /// EGRESS_WEBHOOK_URL, which may hold a secret.
    pub url: String,
    /// EGRESS_WEBHOOK_SECRET
    pub secret: Option<SecretString>,
    /// EGRESS_WEBHOOK_TRANSCRIPT
    pub transcript: MirrorTranscript,
    /// EGRESS_WEBHOOK_FIGURES
    pub figures: MirrorFigures,
}

/// RECONCILE_INTERVAL, EGRESS_LOST_AFTER, KEEP and AUDIT_KEEP.
#[derive(Debug, Clone)]
pub struct TimesSettings {
    /// How often LiveKit is asked for what no webhook reported.
    pub reconcile_interval: Duration,
    /// How long after its room an egress or its object may be missing.
    pub egress_lost_after: Duration,
    /// How long transcripts and events are stored after delivery.
    pub keep: Duration,
    /// How long lines of the audit trail are stored.
    pub audit_keep: Duration,
}

/// AGENT_AUDIO…: what agents upload.
#[derive(Debug, Clone)]
pub struct UploadSettings {
    /// AGENT_AUDIO
    pub audio: AgentAudio,
    /// AGENT_AUDIO_DIR; `None`: beside the database.
    pub folder: Option<PathBuf>,
    /// AGENT_AUDIO_SIZE, in bytes.
    pub audio_bytes: u64,
    /// AGENT_AUDIO_DIR_SIZE, in bytes.
    pub total_bytes: u64,
    /// LIVEKIT_OBSERVABILITY_FORWARD: `https://host` of LIVEKIT_URL; `None`: uploads are not sent on.
    pub forward_to: Option<String>,
}

/// LISTEN_ADDR, PORT, API_TOKEN, API_TOKENS, TRUSTED_PROXIES and OPS_TRUST_HEADER.
pub struct HttpSettings {
    /// LISTEN_ADDR, or 0.0.0.0 with PORT.
    pub listen: SocketAddr,
    /// API_TOKEN and API_TOKENS
    pub api_tokens: Vec<ApiToken>,
    /// TRUSTED_PROXIES
    pub trusted_proxies: TrustedProxies,
    /// OPS_TRUST_HEADER, in lower case.
    pub ops_trust_header: Option<String>,
}

/// RUST_LOG and LOG_FORMAT.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// In the syntax of RUST_LOG.
    pub filter: String,
    /// LOG_FORMAT
    pub format: LogFormat,
}

/// LOG_FORMAT
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}
