//! What the Airtable sink works with.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::{create_gate::CreateGate, refused_writes::RefusedWrites, table::TableCache};
use crate::{
    airtable::{Client, Schema},
    domain::{RowWrites, link::LinkRules},
    pipeline::{Wake, budget::Budget, sinks::Unpriced},
    storage,
    store::Store,
};

/// The sink that writes one row per call.
pub struct Airtable {
    /// Sends and paces the requests.
    pub client: Client,
    /// AIRTABLE_SCHEMA: the columns, and what fills them.
    pub schema: Schema,
    /// For observations, the mapping and the columns that are disabled.
    pub store: Store,
    /// For presigned links and long transcripts.
    pub storage: storage::Client,
    /// PUBLIC_URL, and how long presigned links live.
    pub links: LinkRules,
    /// Wakes intake after an observation.
    pub wake: Arc<Wake>,
    /// RECORDING_PATH, for the transcript of a call without a recording.
    pub path: String,
    /// The table as it was last read; empty at the start.
    pub table: Mutex<TableCache>,
    /// AIRTABLE_MONTHLY_REQUESTS.
    pub budget: Budget,
    /// AIRTABLE_WRITES
    pub writes: RowWrites,
    /// Whether Airtable creates rows.
    pub creates: CreateGate,
    /// The writes that a proxy or firewall has refused lately.
    pub writes_refused: RefusedWrites,
    /// Models without a price that were logged.
    pub unpriced: Unpriced,
}
