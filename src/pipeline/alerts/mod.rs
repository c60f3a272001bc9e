//! What a person must know of: conditions are checked every few seconds, and an alert fires when one begins and is
//! resolved when it ends, in the log and at ALERT_WEBHOOK_URL, once for all calls that it affects; again only after an
//! hour in which their number doubled.
//!
//! `checks` and `health` read the store, the leases and the jobs and yield `Condition`s, `ActiveAlerts` compares those
//! with what was alerted before and yields `Notification`s, and the job [`Alerts`] sends them in order.

mod condition;
mod thresholds;

mod checks;
mod health;

mod firing;
mod notification;
mod outbox;

mod job;
mod text;

pub use job::Alerts;
pub use thresholds::Thresholds;
