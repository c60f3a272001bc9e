//! AUDIT: a chain of lines, each with the hash of the one before. Nothing here changes a line; `append` adds lines at the
//! end, one transaction after the other, and `keep` deletes them from the beginning. (One SQL text for both engines allows
//! no trigger that would refuse more.)

mod append;
mod keep;
mod line;
mod read;
mod refused;
mod verify;

pub use line::AuditLine;
pub use read::AuditFilter;
pub use refused::RefusedRequests;
pub use verify::AuditCheck;
