//! The only place where store, domain and adapters meet. Jobs take no input and have one code path: a wake carries no
//! data, and the periodic scan alone would be correct.
//!
//! In reading order: what a job is and what runs it (`job`, `wake` with `awaited`, `leases` with `lease_times` and `observed_leases`, `runner`), what enters the inbox and
//! becomes a call (`message`, `livekit_keys`, `object_proof`, `presence`, `requests`, `reconcile`, `backfill`, `intake`,
//! `rebuild`), what is heard in its recording (`alignment`), what agents
//! recorded themselves (`agent_audio`), what leaves it (`deliver`, `sinks`, `budget`), and what looks after the service itself (`clock_regression`,
//! `links`, `retention`, `audit`,
//! `alerts`).

mod awaited;
mod job;
mod lease_times;
pub mod leases;
mod observed_leases;
mod runner;
mod wake;

pub mod backfill;
mod backlog;
pub mod intake;
pub mod livekit_keys;
mod message;
mod object_proof;
mod presence;
pub mod rebuild;
pub mod reconcile;
pub mod requests;

pub mod agent_audio;
pub mod alignment;
pub mod budget;
pub mod deliver;
pub mod sinks;

pub mod alerts;
pub mod audit;
pub mod clock_regression;
pub mod links;
pub mod retention;

pub use awaited::AwaitedMessage;
pub(crate) use job::LONG_STEP_TIMEOUT;
pub use job::{Clock, Job, JobState, JobStatus, RunsIn};
pub use runner::Runner;
pub use wake::Wake;
