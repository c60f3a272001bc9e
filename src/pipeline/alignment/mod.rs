//! Alignment by sound: a recording is fetched once from the bucket and listened to, to find where the words of its reports
//! are; what was heard also makes its waveform. `job` takes one call at a time, `draw` one recording that needs a waveform alone,
//! `listen` does the work on a thread of the lowest priority, `attempt` says when it is done again.

mod attempt;
mod listen;

mod draw;

mod job;

pub use job::Alignments;
