//! What agents report of a session, and the conversation that people read.

mod bounded;
mod report;
mod reports;
mod text;

mod time;

mod label;
mod words;

mod cue;
mod tag;

mod markup;
mod plain;

mod parts;

mod line;
mod named;
mod timed;
mod unread;

mod turn;

mod exchange;

mod roles;

mod conversation;
mod heard;

mod events;
mod place;

mod read;

mod join;

pub use join::{is_complete, join, position};
pub use label::by_identity;
pub use parts::UnreadableReport;
pub use read::{Outline, outline, read};
pub use report::{Report, Speaker, Transcript, Turn};
pub use reports::Reports;
pub use text::cut;
