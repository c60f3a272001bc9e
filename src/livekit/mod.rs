//! LiveKit on the wire: what it sends, what it signs for us, and what we ask of it.

pub mod body;
pub mod client;
pub mod token;
mod token_error;
pub mod trial_webhook;
pub mod webhook;
