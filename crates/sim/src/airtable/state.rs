//! What changes while a stand-in runs.

use std::collections::HashMap;

use super::attachments::Content;
use super::base::Base;
use super::faults::Faults;
use super::limits::Limits;
use super::options::Options;
use super::refusal::Refusal;

/// Bases, limits, faults and counters.
pub(super) struct State {
    /// The id of the base it started with.
    pub first_base: String,
    pub bases: Vec<Base>,
    pub limits: Limits,
    pub faults: Faults,
    /// Attachment id to bytes.
    pub contents: HashMap<String, Content>,
    /// How many of the next attachments will not be fetched.
    pub failing_fetches: usize,
    /// Texts that no write may contain.
    pub refused_texts: Vec<String>,
    /// Texts that a firewall lets pass in no write.
    pub stopped_texts: Vec<String>,
    /// Attachments that are being fetched now.
    pub fetching: usize,
    /// API requests, refused ones included.
    pub requests: u64,
    /// Requests that a rate limit refused.
    pub breaches: u64,
}

impl State {
    /// The state of a new stand-in with this base.
    pub(super) fn new(base: Base, options: &Options) -> Self {
        Self {
            first_base: base.id.clone(),
            bases: vec![base],
            limits: Limits::new(options),
            faults: Faults::default(),
            contents: HashMap::new(),
            failing_fetches: 0,
            refused_texts: Vec::new(),
            stopped_texts: Vec::new(),
            fetching: 0,
            requests: 0,
            breaches: 0,
        }
    }

    /// Finds a base by id. An unknown base is refused like a missing permission.
    pub(super) fn base(&mut self, id: &str) -> Result<&mut Base, Refusal> {
        let found = self.bases.iter_mut().find(|base| base.id == id);
        found.ok_or_else(Refusal::forbidden)
    }
}
