//! Waits until the jobs have done what a request asked for.

use std::time::Duration;

use super::App;
use crate::store;

/// The longest between two looks, for changes that another process made.
const POLL: Duration = Duration::from_millis(250);

/// Asks the store until it has an answer, each time calls have changed; `None` after `timeout`. The request is stored
/// already, so a store that cannot be read for a while is only asked again.
pub(super) async fn wait_for<T, F>(app: &App, timeout: Duration, ask: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = Result<Option<T>, store::Error>>,
{
    let deadline = tokio::time::Instant::now() + timeout;
    loop {
        let folded = app.wake.folded.notified();
        match ask().await {
            Ok(Some(answer)) => return Some(answer),
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "asking the store again"),
        }
        if tokio::time::Instant::now() >= deadline {
            return None;
        }
        tokio::select! {
            () = folded => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}
