//! What a supervisor like systemd has put into the environment (sd_notify(3)). It is no setting of people.

use std::time::Duration;

use super::Source;

/// Where the supervisor waits for the state of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupervisorSettings {
    /// NOTIFY_SOCKET
    pub address: String,
    /// WATCHDOG_USEC, unless it is meant for another process. A supervisor that hears nothing for so long ends this one.
    pub limit: Option<Duration>,
}

/// `None`: nobody waits for it.
pub(super) fn supervisor(source: &Source) -> Option<SupervisorSettings> {
    let number = |name| source.environment(name)?.trim().parse::<u64>().ok();
    let is_ours = || number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    let limit = number("WATCHDOG_USEC").filter(|limit| *limit > 0 && is_ours());
    let address = source.environment("NOTIFY_SOCKET")?;
    (!address.is_empty()).then(|| SupervisorSettings {
        address: address.to_owned(),
        limit: limit.map(Duration::from_micros),
    })
}
