//! What several requests of `/v1` share.

use std::time::Duration;

use super::{App, error::Problem};
use crate::store;

/// Asks the store until it has an answer, each time calls have changed; `None` after `patience`.
pub async fn wait_for<T, F>(
    app: &App,
    patience: Duration,
    ask: impl Fn() -> F,
) -> Result<Option<T>, Problem>
where
    F: Future<Output = Result<Option<T>, store::Error>>,
{
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        let folded = app.wake.folded.notified();
        if let Some(answer) = ask().await? {
            return Ok(Some(answer));
        }
        if tokio::time::Instant::now() >= deadline {
            return Ok(None);
        }
        let tick = tokio::time::sleep(Duration::from_millis(250));
        tokio::select! {
            () = folded => {}
            () = tick => {}
        }
    }
}
