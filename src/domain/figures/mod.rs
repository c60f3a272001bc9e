//! Figures of a call, computed without a model from what its agents reported: who ended it and why, how long both sides
//! spoke, how fast the agent answered. `figure` names them, `end_reason` says how a call ended, `speech` and `delays`
//! reduce times, `usage` reads what models used. Pure; [`Call::figures`](crate::domain::Call::figures) puts them together.

mod delays;
mod end_reason;
mod figure;
mod gathered;
mod outcome;
mod speech;
mod usage;
mod value;

pub use end_reason::{EndReason, EndedBy, Evidence};
pub use figure::{Figure, FigureKind};
pub use gathered::{Figures, Gathered};
pub use outcome::Outcome;
pub use value::FigureValue;
