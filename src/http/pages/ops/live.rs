//! Who watches the pages, and what they are sent.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

/// Connections at a time.
const CONNECTIONS: usize = 64;
/// Events that wait for a slow connection, before it misses some.
const QUEUE: usize = 16;

/// What changed.
#[derive(Debug, Clone)]
pub(super) enum LiveEvent {
    /// Calls of the list, as JSON for the script.
    Calls(Arc<str>),
    /// The call of one page.
    Call(Arc<str>),
}

/// The connections, and the way to them.
pub(super) struct Live {
    sender: broadcast::Sender<LiveEvent>,
    places: Arc<Semaphore>,
    /// The calls whose pages are open, and how many pages each has.
    watched: Mutex<BTreeMap<String, usize>>,
    /// Somebody has begun to watch.
    pub(super) opened: Notify,
    /// The service stops.
    pub(super) stop: CancellationToken,
}

/// A connection that watches.
pub(super) struct Watch {
    pub(super) events: broadcast::Receiver<LiveEvent>,
    /// The call of its page.
    pub(super) call_id: Option<String>,
    live: Arc<Live>,
    _place: OwnedSemaphorePermit,
}

impl Live {
    /// Nobody watches.
    pub(super) fn new(stop: CancellationToken) -> Live {
        Live {
            sender: broadcast::Sender::new(QUEUE),
            places: Arc::new(Semaphore::new(CONNECTIONS)),
            watched: Mutex::default(),
            opened: Notify::new(),
            stop,
        }
    }

    /// Begins to watch; `None`: too many do.
    pub(super) fn watch(self: &Arc<Live>, call_id: Option<String>) -> Option<Watch> {
        let place = self.places.clone().try_acquire_owned().ok()?;
        if let Some(id) = &call_id {
            *self.lock().entry(id.clone()).or_default() += 1;
        }
        let watch = Watch {
            events: self.sender.subscribe(),
            call_id,
            live: self.clone(),
            _place: place,
        };
        self.opened.notify_one();
        Some(watch)
    }

    /// Whether somebody watches.
    pub(super) fn is_watched(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// The calls whose pages are open.
    pub(super) fn watched(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Sends an event to everybody who watches.
    pub(super) fn send(&self, event: LiveEvent) {
        // Nobody may be left.
        self.sender.send(event).ok();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(id) = &self.call_id else {
            return;
        };
        let mut watched = self.live.lock();
        if let Some(pages) = watched.get_mut(id) {
            *pages -= 1;
            if *pages == 0 {
                watched.remove(id);
            }
        }
    }
}
