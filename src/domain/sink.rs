//! The four places that calls are delivered to.

use std::str::FromStr;

/// A place that calls are delivered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sink {
    /// LiveKit's egress: starts and stops recordings.
    Egress,
    /// The bucket, asked for recordings that LiveKit uploaded.
    Storage,
    /// The row in Airtable.
    Airtable,
    /// EGRESS_WEBHOOK_URL.
    Mirror,
}

impl Sink {
    /// Every sink, in the order of a call's life.
    pub const ALL: [Sink; 4] = [Sink::Egress, Sink::Storage, Sink::Airtable, Sink::Mirror];

    /// The name in the database, the API, the CLI and the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Sink::Egress => "egress",
            Sink::Storage => "storage",
            Sink::Airtable => "airtable",
            Sink::Mirror => "mirror",
        }
    }
}

/// The text is no sink's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not one of egress, storage, airtable, mirror")]
pub struct UnknownSink(pub String);

impl FromStr for Sink {
    type Err = UnknownSink;

    fn from_str(name: &str) -> Result<Sink, UnknownSink> {
        let named = Sink::ALL.into_iter().find(|sink| sink.as_str() == name);
        named.ok_or_else(|| UnknownSink(name.to_owned()))
    }
}
