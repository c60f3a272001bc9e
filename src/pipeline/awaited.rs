//! Requests that wait until intake has processed a message of theirs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::store::Processed;

/// The messages that requests of this process wait for.
#[derive(Default)]
pub struct Awaited(Mutex<HashMap<String, Arc<Notify>>>);

/// Somebody waits for a message as long as this exists.
pub struct AwaitedMessage<'a> {
    awaited: &'a Awaited,
    id: String,
    notify: Arc<Notify>,
}

impl Awaited {
    /// Notes that somebody waits for the message of this id. To be called before it is stored.
    pub fn message(&self, id: &str) -> AwaitedMessage<'_> {
        let notify = Arc::new(Notify::new());
        self.lock().insert(id.to_owned(), notify.clone());
        AwaitedMessage {
            awaited: self,
            id: id.to_owned(),
            notify,
        }
    }

    /// Wakes those who wait for one of these messages.
    pub(super) fn wake(&self, processed: &[Processed]) {
        let awaited = self.lock();
        if awaited.is_empty() {
            return;
        }
        for message in processed {
            if let Some(notify) = awaited.get(&message.id) {
                notify.notify_one();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AwaitedMessage<'_> {
    /// The message's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns once this process's intake has processed it.
    pub async fn processed(&self) {
        self.notify.notified().await;
    }
}

impl Drop for AwaitedMessage<'_> {
    fn drop(&mut self) {
        self.awaited.lock().remove(&self.id);
    }
}
