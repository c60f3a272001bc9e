//! What we ask of LiveKit: rooms, participants, recordings.

mod error;

mod answer;
mod twirp;

mod request_form;

mod info;
mod output;

mod connection;

mod egress;
mod rooms;

pub use connection::{Client, Config};
pub use egress::{Egresses, Stopped};
pub use error::{Error, ErrorKind, WrongPart};
pub use output::{Output, Upload};
pub use rooms::OpenRoom;
