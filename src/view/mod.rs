//! The JSON of the API and of `--json`, as types of its own: a rename in the domain or the database changes nothing here.
//!
//! Times are RFC 3339 in UTC, durations are seconds, sizes are bytes; what is unknown is null.

mod audit;
mod call;
mod captions;
mod cues;
mod delivery;
mod figures;
mod link;
mod names;
mod participant;
mod player;
mod recording;
mod speech;
mod subrip;
mod time;
mod transcript;
mod waits;

pub use audit::{AuditLineView, AuditPageView};
pub use call::{CallDetailView, CallPageView, CallView};
pub use captions::captions;
pub use delivery::{AttemptView, DeliveryView, OutstandingView};
pub use figures::FiguresView;
pub use link::{LinkView, UnlinkView};
pub use names::{call_status, outstanding_state};
pub use participant::{ParticipantKindView, ParticipantView};
pub use player::{LineView, PartView, PlayerView};
pub use recording::{
    ObjectErrorView, ObjectSizeView, ObjectView, RecordingView, RequestedRecordingView,
};
pub use speech::Interval;
pub use subrip::subrip;
pub use time::{clock_length, clock_position, utc_seconds};
pub use transcript::{CallTranscriptView, TurnView};
pub use waits::{BaseLimit, Waits};
