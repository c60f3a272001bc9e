//! Returns the memory of large bodies to the system as soon as they are done with.
//!
//! glibc keeps what was freed for later, in pieces that no later body fits into: a few transcripts of 16 MiB would make the
//! process several times as large as it must be. Its threshold for blocks that are returned is read from the environment
//! when a process starts, so the program starts itself once more, in the same process.

/// glibc's variable.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const THRESHOLD: &str = "MALLOC_MMAP_THRESHOLD_";
/// Bytes; what systemd's unit sets.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const BYTES: &str = "262144";

/// Starts this program again with the threshold, if it has none. If that is not possible, it goes on as it is.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn return_memory() {
    use std::{env, os::unix::process::CommandExt, process::Command};
    if env::var_os(THRESHOLD).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut args = env::args_os();
    let mut again = Command::new(program);
    if let Some(name) = args.next() {
        again.arg0(name);
    }
    let error = again.args(args).env(THRESHOLD, BYTES).exec();
    // Logs are not set up yet, and nothing depends on it.
    drop(error);
}

/// Other allocators return memory by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn return_memory() {}
