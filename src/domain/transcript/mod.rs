//! What agents report of a session, and the conversation that people read.

mod bounded;
mod close_reason;
mod entry;
mod facts;
mod measures;
mod origin;
mod report;
mod reports;
mod speaker;
mod text;

mod time;

mod diarized;
mod field_name;
mod label;
mod words;

mod kind;

mod cue;
mod tag;

mod markup;
mod plain;

mod parts;

mod named;
mod timed;
mod unread;

mod stamp;

mod line;

mod captions;

mod turn;

mod measuring;

mod exchange;

mod roles;

mod conversation;
mod heard;

mod events;
mod place;

mod read;
mod stored;
mod tools;

mod join;
mod spoken;

pub use close_reason::CloseReason;
pub use diarized::voice;
pub use entry::{ReportEntry, shown, superseded};
pub use facts::ReportFacts;
pub use join::{is_complete, join};
pub use label::by_identity;
pub use measures::{Delay, Measures, Span, stages};
pub use origin::ReportOrigin;
pub use parts::UnreadableReport;
pub use place::PLACES;
pub use read::{Outline, outline, read};
pub use report::{Report, Speaker, Transcript, Turn};
pub use reports::Reports;
pub use spoken::{Spoken, spoken};
pub use stored::{StoredReport, read_stored};
pub use text::{TimedLines, cut};
pub use tools::{ToolCall, tool_calls};
