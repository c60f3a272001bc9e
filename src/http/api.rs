//! What several requests of `/v1` share.

use std::time::Duration;

use super::App;
use crate::store;

/// Asks the store until it has an answer, each time calls have changed; `None` after `patience`. What is waited for is
/// on disk already, so a store that cannot be read for a while is only asked again.
pub async fn wait_for<T, F>(app: &App, patience: Duration, ask: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = Result<Option<T>, store::Error>>,
{
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        let folded = app.wake.folded.notified();
        match ask().await {
            Ok(Some(answer)) => return Some(answer),
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "asked again"),
        }
        if tokio::time::Instant::now() >= deadline {
            return None;
        }
        let tick = tokio::time::sleep(Duration::from_millis(250));
        tokio::select! {
            () = folded => {}
            () = tick => {}
        }
    }
}
