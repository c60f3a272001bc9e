//! Waits until the jobs have done what a request asked for.

use std::time::Duration;

use super::App;
use crate::{
    pipeline::AwaitedMessage,
    store::{self, Processed},
};

/// The longest between two looks, for changes that another process made.
const POLL: Duration = Duration::from_millis(250);

/// Asks the store until it has an answer, each time calls have changed; `None` after `timeout`.
pub(super) async fn wait_for<T, F>(app: &App, timeout: Duration, ask: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = Result<Option<T>, store::Error>>,
{
    ask_again(timeout, || app.wake.folded.notified(), ask).await
}

/// What became of a message, once intake has processed it; `None` after `timeout`. Not asked for each time calls have changed:
/// many may wait while many messages are folded.
pub(super) async fn wait_for_message(
    app: &App,
    timeout: Duration,
    message: &AwaitedMessage<'_>,
) -> Option<Processed> {
    let ask = || app.store.processed(message.id());
    ask_again(timeout, || message.processed(), ask).await
}

/// Asks the store each time it is woken, and now and then. The request is stored already, so a store that cannot be read for a
/// while is only asked again.
async fn ask_again<T, W, F>(
    timeout: Duration,
    wake: impl Fn() -> W,
    ask: impl Fn() -> F,
) -> Option<T>
where
    W: Future<Output = ()>,
    F: Future<Output = Result<Option<T>, store::Error>>,
{
    let deadline = tokio::time::Instant::now() + timeout;
    loop {
        let woken = wake();
        match ask().await {
            Ok(Some(answer)) => return Some(answer),
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "asking the store again"),
        }
        if tokio::time::Instant::now() >= deadline {
            return None;
        }
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}
