//! Agents' audio on its way from the spool to the bucket. Every process does it for the files of its own folder: another one does not
//! have them.

mod error;
mod keys;
mod progress;

mod upload;

mod job;

pub use job::{AgentAudioConfig, AgentAudioJob};
