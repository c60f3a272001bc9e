//! The spool: a folder with the audio that agents have uploaded, until the bucket has it or nobody needs it. It is bounded: one
//! file, all files together, and a part of the disk that stays free.
//!
//! A file is `ID_START.ogg`: the id of the inbox message that it came with, and when the audio begins, in milliseconds since
//! 1970. While it arrives it is `ID.audio.part`. Whoever writes, uploads or deletes a file holds its lock, which the system
//! releases when that process ends in any way: so several processes may share a folder, and what a killed one left behind is
//! recognised.

mod error;
mod ogg;
mod space;

mod file;
mod folder;
mod incoming;

pub use error::Error;
pub use file::{HeldFile, SpoolFile};
pub use folder::Spool;
pub use incoming::{Content, Incoming};
pub use ogg::{HEAD_BYTES, is_opus};
pub use space::Config;
