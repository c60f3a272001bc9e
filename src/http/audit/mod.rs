//! The audit trail of requests: `layer` makes an entry of a request and its answer, `trail` stores it, `refusals` counts
//! what was refused, and `get` shows all of it. `client` finds out where a request came from.

mod client;
mod get;
mod layer;
mod refusals;
mod trail;

pub(super) use get::{__path_get, get};
pub(super) use layer::{Audited, WordsShown, layer};
pub use trail::{AuditTrail, AuditWriter};
