//! A call: one LiveKit room session, a pure fold of its events. Any permutation, with repeats, gives the same call:
//! every field is a minimum, a maximum, a union, or the newest by a timestamp in the event.

mod state;

mod admission;
mod agent_audio;
mod alignment;
mod audio_uploads;
mod claims;
mod crowd;
mod deliveries;
mod derived;
mod ends;
mod figures;
mod fold;
mod handback;
mod linked;
mod merge;
mod parts;
mod recorders;
mod restarts;
mod simulations;
mod status;
mod timeline;
mod transcript;
mod voices;

pub use admission::Admission;
pub use agent_audio::FROM_THE_AGENT;
pub use deliveries::DueDelivery;
pub use ends::RecordingEnd;
pub use fold::{Applied, apply};
pub use recorders::ONE_RECORDER;
pub use restarts::RESTARTS;
pub use state::{Call, NameSource, RecordingRequest};
pub use timeline::{Position, Timeline};
