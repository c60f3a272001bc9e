//! Alignment by sound: a recording is fetched once from the bucket and listened to, to find where the words of its reports
//! are. `job` takes one call at a time, `listen` does the work on a thread of the lowest priority.

mod listen;

mod job;

pub use job::Alignments;
