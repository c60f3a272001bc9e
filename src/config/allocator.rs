//! Returns memory to the system as soon as it is done with.
//!
//! glibc keeps what was freed for later, in pieces that no later body fits into, and for each thread on its own: a few
//! transcripts of 16 MiB, or an hour of many webhooks, would make the process several times as large as it must be. What it
//! keeps is read from the environment when a process starts, so the program starts itself once more, in the same process.

/// glibc's variables, as systemd's unit sets them: from how many bytes on a block is returned at once, and how many pools of
/// memory the threads share.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const VARIABLES: [(&str, &str); 2] = [
    ("MALLOC_MMAP_THRESHOLD_", "262144"),
    ("MALLOC_ARENA_MAX", "2"),
];

/// Starts this program again with those of the variables that are not set. If that is not possible, it goes on as it is.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn return_memory() {
    use std::{env, os::unix::process::CommandExt, process::Command};
    let missing = VARIABLES.into_iter();
    let mut missing = missing.filter(|(name, _)| env::var_os(name).is_none());
    let Some(first) = missing.next() else {
        return;
    };
    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut args = env::args_os();
    let mut again = Command::new(program);
    if let Some(name) = args.next() {
        again.arg0(name);
    }
    let error = again
        .args(args)
        .envs([first].into_iter().chain(missing))
        .exec();
    // Logs are not set up yet, and nothing depends on it.
    drop(error);
}

/// Other allocators return memory by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn return_memory() {}
