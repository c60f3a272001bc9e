//! Figures of a call, computed without a model from what its agents reported: who ended it and why, how long both sides
//! spoke, how fast the agent answered. `figure` names them, `end_reason` says how a call ended, `speech` and `delays`
//! reduce times, `usage` and `consumption` read what models used, `prices` says what that cost. Pure; [`Call::figures`](crate::domain::Call::figures) puts them together.

mod consumption;
mod delays;
mod end_reason;
mod figure;
mod gathered;
mod outcome;
mod price_unit;
mod prices;
mod speech;
mod usage;
mod usage_entry;
mod value;

pub use end_reason::{EndReason, EndedBy, Evidence};
pub use figure::{Figure, FigureKind};
pub use gathered::{Figures, Gathered};
pub use outcome::Outcome;
pub use price_unit::PriceUnit;
pub use prices::{Price, Prices};
pub use value::FigureValue;
