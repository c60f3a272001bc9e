//! The four places that calls are delivered to.

pub mod airtable;
pub mod egress;
pub mod mirror;
pub mod storage;

use jiff::Timestamp;

use crate::{
    domain::event::Finding,
    store::{Kind, Letter},
};

/// What a sink found out, on its way to the inbox like everything else.
fn finding(call_id: &str, finding: &Finding, now: Timestamp) -> Letter {
    let body = serde_json::to_vec(finding).unwrap_or_default();
    Letter::new(Kind::Finding, body, now).of_call(call_id)
}
