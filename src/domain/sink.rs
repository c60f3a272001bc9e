//! The four places that calls are delivered to.

use std::{fmt, str::FromStr};

use super::name::{UnknownName, by_name};

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

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Sink {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Sink, UnknownName> {
        by_name(&Sink::ALL, Sink::as_str, name)
    }
}
