//! Alerts for people: conditions are checked every few seconds. An alert fires when a condition begins and is resolved when
//! it ends, in the log and at ALERT_WEBHOOK_URL, once for all calls that it affects. It fires again when their number has
//! doubled, at most once an hour, or daily.
//!
//! `checks` and `health` read the store, the leases and the jobs and yield `Condition`s, `ActiveAlerts` compares those
//! with what was alerted before and yields `Notification`s, and the job [`Alerts`] sends them in order.

mod alert_text;
mod condition;
mod thresholds;

mod checks;
mod health;
mod refused_creates;

mod firing;
mod notification;
mod outbox;

mod job;
mod open;
mod text;

pub use alert_text::AlertText;
pub use condition::ConditionKind;
pub use firing::OpenAlert;
pub use job::Alerts;
pub use open::open_alerts;
pub use thresholds::Thresholds;
