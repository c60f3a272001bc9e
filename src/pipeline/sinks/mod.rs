//! The four sinks that calls are delivered to.

pub mod airtable;
pub mod egress;
pub mod mirror;
mod mirror_state;
pub mod storage;
mod unpriced;

pub use unpriced::Unpriced;
