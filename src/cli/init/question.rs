//! The questions, in their order, each with the place where its answer is found.

/// Whether an answer may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    /// Empty: the default.
    Optional,
    /// Only if the configuration says that it is missing.
    IfMissing,
}

/// Whether a value may be shown once it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Open,
    Secret,
}

/// A question for the value of one variable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) name: &'static str,
    /// Where the value is found.
    pub(super) path: &'static str,
    pub(super) need: Need,
    /// How its values begin that are shown while they are typed; of all others, each character is a dot.
    pub(super) starts: &'static [&'static str],
    pub(super) kind: Kind,
}

const fn asked(name: &'static str, path: &'static str, need: Need) -> Question {
    Question {
        name,
        path,
        need,
        starts: &[],
        kind: Kind::Open,
    }
}

const fn address(name: &'static str, path: &'static str, need: Need) -> Question {
    Question {
        starts: &["https://", "http://", "wss://", "ws://"],
        ..asked(name, path, need)
    }
}

const fn secret(name: &'static str, path: &'static str) -> Question {
    Question {
        kind: Kind::Secret,
        ..asked(name, path, Need::Required)
    }
}

/// LiveKit's address and key.
pub(super) const LIVEKIT: [Question; 3] = [
    address(
        "LIVEKIT_URL",
        "cloud.livekit.io → your project → Settings → Project → Project URL: wss://….livekit.cloud. Self-hosted: the address of livekit-server",
        Need::Required,
    ),
    asked(
        "LIVEKIT_API_KEY",
        "cloud.livekit.io → your project → Settings → API keys → Create key. Self-hosted: `keys` in the configuration of livekit-server",
        Need::Required,
    ),
    secret(
        "LIVEKIT_API_SECRET",
        "it was shown once, beside the key; if you do not have it, create another key",
    ),
];

/// The bucket and its key.
pub(super) const STORAGE: [Question; 5] = [
    address(
        "S3_ENDPOINT",
        "R2: dash.cloudflare.com → R2 → the bucket → Settings → S3 API, without the bucket's name: https://<account>.r2.cloudflarestorage.com. AWS: leave it empty",
        Need::Optional,
    ),
    asked(
        "S3_BUCKET",
        "R2: dash.cloudflare.com → R2 → Create bucket. AWS: S3 → Create bucket. The bucket's name; the bucket is private",
        Need::Required,
    ),
    asked(
        "S3_REGION",
        "the bucket's region, beside its name, like eu-central-1",
        Need::IfMissing,
    ),
    asked(
        "S3_ACCESS_KEY",
        "R2: dash.cloudflare.com → R2 → Manage API tokens → Create API token → Object Read & Write for this bucket → Access Key ID. AWS: IAM → Users → Security credentials → Create access key",
        Need::Required,
    ),
    secret(
        "S3_SECRET_KEY",
        "the Secret Access Key, shown once beside the access key",
    ),
];

/// The token for Airtable.
pub(super) const TOKEN: [Question; 1] = [secret(
    "AIRTABLE_TOKEN",
    "airtable.com/create/tokens → Create new token, with the scopes data.records:read, data.records:write, schema.bases:read, schema.bases:write, and Access → Add a base → your base",
)];

/// The base.
pub(super) const BASE: [Question; 1] = [Question {
    starts: &["app"],
    ..asked(
        "AIRTABLE_BASE_ID",
        "airtable.com → your base: the part of the browser's address that begins with app",
        Need::Required,
    )
}];

/// Where people and LiveKit reach this service.
pub(super) const PUBLIC: [Question; 1] = [address(
    "PUBLIC_URL",
    "the https address at which LiveKit reaches this service, like https://calls.example.com; rows then hold links that do not expire. Leave it empty if you do not know it yet",
    Need::Optional,
)];
