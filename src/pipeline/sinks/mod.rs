//! The four sinks that calls are delivered to.

pub mod airtable;
pub mod egress;
pub mod mirror;
pub mod storage;
