//! A stand-in for livekit-server and its egress: the Twirp methods that recordings need, signed webhooks with LiveKit's retries
//! and losses, and an egress that uploads a real MP3. Its messages follow bodies captured from the real servers.
//!
//! There is no WebRTC: tests and the demo let people join, speak and leave through [`LiveKit`], and other programs through the
//! requests of `control`. With [`start_beside`], rooms and people are those of a real livekit-server.

mod beside;
mod clock;
mod control;
mod egress;
mod json;
mod messages;
mod redact;
mod request;
mod request_fields;
mod rooms;
mod routes;
mod simulator;
mod target;
mod token;
mod twirp;
mod upload;
mod webhooks;
mod world;

pub use simulator::{LiveKit, Options, start, start_beside};
pub use world::{Kind, Person, StartFault};
