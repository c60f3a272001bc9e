//! Whether an event may change a call: a key acts on calls of its project only.

use super::state::Call;
use crate::domain::{event::EventSource, project::Claim};

/// Whether an event may change a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is folded into the call, or begins one.
    Folded,
    /// The call was begun by another project about a room of ours: it begins again with this event.
    Begun,
    /// It is another project's than the call.
    Refused,
}

impl Admission {
    /// Of an event for this call; `None`: there is none yet.
    pub fn of(call: Option<&Call>, source: &EventSource) -> Admission {
        let (Some(call), Some(claim)) = (call, source.claim()) else {
            return match source.claim() {
                Some(_) => Admission::Folded,
                None => Admission::Refused,
            };
        };
        match claim {
            claim if claim.admits(&call.project) => Admission::Folded,
            Claim::Ours => Admission::Begun,
            Claim::Any | Claim::Other(_) => Admission::Refused,
        }
    }
}
