//! The Airtable sink: one row per call, ten rows a request, changed columns only.
//!
//! [`Airtable`] (`sink`) is what it works with. A [`batch::WriteBatch`] writes the rows of a batch of calls. `row` is the
//! row of a call, `state` what is remembered of it, `changed_cells` which of its cells Airtable does not have yet,
//! `written` what an attempt did, and `notes` what its Error says beside the call's own faults. `table_cache` knows what the table is like, `missing_figures`
//! which columns for figures it lacks. `links` and
//! `transcript_upload` make the row's links, `attachment` and `attachment_upload` the copy of its recording. `refusal`
//! handles rows that Airtable refuses, with `blame` for the column at fault, `creates` (with `create_gate` and `key_row`) for new rows that
//! are refused while others are updated, `intermediary` (and `refused_writes`) for rows that a proxy or firewall refuses, and `outcome` for errors
//! of an entire request.

mod attachment;
mod attachment_upload;
mod batch;
mod blame;
mod changed_cells;
mod compared;
mod create_gate;
mod creates;
mod deliverer;
mod intermediary;
mod key_row;
mod links;
mod missing_figures;
mod notes;
mod outcome;
mod refusal;
mod refused_writes;
mod row;
mod sink;
mod state;
mod table;
mod table_cache;
mod transcript_upload;
mod written;

pub use changed_cells::changed_columns;
pub use compared::{RowPlace, compared_cells};
pub use create_gate::CreateGate;
pub use refused_writes::RefusedWrites;
pub use sink::Airtable;
