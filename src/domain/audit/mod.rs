//! The audit trail: who did what to which call, from where, and with which answer. Nothing of what was said, and no name
//! or number of a caller.

mod action;
mod actor;
mod entry;
mod mask;
mod refused_report;
mod trusted_proxies;

pub use action::AuditAction;
pub use actor::Actor;
pub use entry::{AuditEntry, AuditSubject, Repeats};
pub use mask::{masked, shown_id};
pub use refused_report::RefusedReport;
pub use trusted_proxies::TrustedProxies;
