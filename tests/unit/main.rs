//! Parts of the service alone. No test here needs a server that it does not start itself.

#![expect(clippy::disallowed_methods, reason = "a test's tasks end with it")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy takes what tests share for code that is no test"
)]

mod adapters;
mod airtable_client;
mod airtable_plan;
mod airtable_sim;
mod docs;
mod domain;
mod fuzzed;
mod generated_docs;
mod image;
mod panics;
mod participant_kind;
mod stored_call;
