//! The sinks: where what happens to a call is delivered.

use std::{fmt, str::FromStr};

use super::name::{UnknownName, by_name};

/// Whom a call's changes are delivered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sink {
    /// LiveKit, which is asked to start and stop recordings.
    Egress,
    /// The bucket, which is asked whether a recording is there.
    Storage,
    /// The row in Airtable.
    Airtable,
    /// EGRESS_WEBHOOK_URL.
    Mirror,
}

impl Sink {
    /// Every sink.
    pub const ALL: [Sink; 4] = [Sink::Egress, Sink::Storage, Sink::Airtable, Sink::Mirror];

    /// The name in the database, in metrics, in the API and on the command line; also that of the sink's job.
    pub fn as_str(self) -> &'static str {
        match self {
            Sink::Egress => "egress",
            Sink::Storage => "storage",
            Sink::Airtable => "airtable",
            Sink::Mirror => "mirror",
        }
    }
}

impl Sink {
    /// Whether one process at a time delivers to it: a base's budget of requests cannot be divided. Deliveries to others
    /// are claimed one by one, by any process.
    pub fn has_owner(self) -> bool {
        self == Sink::Airtable
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
