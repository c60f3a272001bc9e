//! The rows of `docs/src/troubleshooting.md` that findings lead to. A test asserts that they are there.

/// The first cell of a row about `doctor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    Configuration,
    Files,
    Database,
    Disk,
    Machine,
    Service,
    Clock,
    LiveKitAddress,
    LiveKitKey,
    Egress,
    Webhook,
    Bucket,
    Objects,
    Signed,
    EgressEndpoint,
    BucketRules,
    Token,
    Table,
    Rows,
    Budget,
    PublicUrl,
    NewestLink,
    Mirror,
    Alerts,
    Agents,
    Call,
}

impl Row {
    /// As it is written in the table.
    pub(super) fn title(self) -> &'static str {
        match self {
            Row::Configuration => "Here: configuration",
            Row::Files => "Here: files and user",
            Row::Database => "Here: database",
            Row::Disk => "Here: disk",
            Row::Machine => "Here: limits",
            Row::Service => "Here: service",
            Row::Clock => "Clock",
            Row::LiveKitAddress => "LiveKit: address",
            Row::LiveKitKey => "LiveKit: key and secret",
            Row::Egress => "LiveKit: egress worker",
            Row::Webhook => "LiveKit: webhook",
            Row::Bucket => "Bucket: region and endpoint",
            Row::Objects => "Bucket: objects",
            Row::Signed => "Bucket: signed and anonymous reads",
            Row::EgressEndpoint => "Bucket: address for LiveKit",
            Row::BucketRules => "Bucket: lifecycle and versions",
            Row::Token => "Airtable: token",
            Row::Table => "Airtable: base and columns",
            Row::Rows => "Airtable: rows",
            Row::Budget => "Airtable: requests and records",
            Row::PublicUrl => "Links: PUBLIC_URL",
            Row::NewestLink => "Links: newest recording",
            Row::Mirror => "Mirror",
            Row::Alerts => "Alerts",
            Row::Agents => "Agents",
            Row::Call => "Call",
        }
    }
}
