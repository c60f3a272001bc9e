//! Signals that end a command.

use tokio::signal::unix::{SignalKind, signal};

/// Returns at SIGTERM or Ctrl-C.
pub(in crate::cli) async fn shutdown() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}
