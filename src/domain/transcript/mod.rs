//! What agents report of a session, and the conversation that people read.

mod report;
mod reports;
mod text;

mod conversation;
mod parts;
mod read;
mod turn;

pub use parts::UnreadableReport;
pub use read::{Outline, outline, read};
pub use report::{Report, Speaker, Transcript, Turn};
pub use reports::Reports;
pub use text::cut;
