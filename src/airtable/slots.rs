//! The guard against requests that are held up on their way and pushed together with those after them.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// As many slots as requests may go in a window. A request occupies one until it is answered and for the window after
/// that, so no window at Airtable's end holds more requests than there are slots, however long each was on its way.
pub(super) struct Slots {
    count: usize,
    /// When each slot that is not occupied may be used again, the earliest first.
    free_at: Mutex<VecDeque<Instant>>,
    returned: Notify,
}

impl Slots {
    /// All of them are free at once.
    pub(super) fn new(count: usize) -> Slots {
        Slots {
            count,
            free_at: Mutex::new(vec![Instant::now(); count].into()),
            returned: Notify::new(),
        }
    }

    /// All slots, occupied ones included.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Takes the slot that is free first, and waits for one while all are occupied. One caller at a time.
    pub(super) async fn take(&self) -> Slot<'_> {
        loop {
            if let Some(free_at) = self.lock().pop_front() {
                return Slot {
                    slots: self,
                    free_at,
                    hold: None,
                };
            }
            self.returned.notified().await;
        }
    }

    fn give_back(&self, at: Instant) {
        let mut free = self.lock();
        let place = free.partition_point(|other| *other <= at);
        free.insert(place, at);
        drop(free);
        self.returned.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Instant>> {
        self.free_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request's slot; given back when dropped, also by a caller that gave up.
pub(super) struct Slot<'a> {
    slots: &'a Slots,
    free_at: Instant,
    hold: Option<Duration>,
}

impl Slot<'_> {
    /// When a request may use it.
    pub(super) fn free_at(&self) -> Instant {
        self.free_at
    }

    /// A request uses it: when dropped, that is when the request has been answered, it stays occupied for `window`.
    pub(super) fn occupy(&mut self, window: Duration) {
        self.hold = Some(window);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let used = self.hold.map(|window| Instant::now() + window);
        self.slots.give_back(used.unwrap_or(self.free_at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slot_is_free_a_window_after_its_answer_and_at_once_when_it_was_not_used() {
        let slots = Slots::new(2);
        let unused = slots.take().await;
        let at = unused.free_at();
        drop(unused);
        assert_eq!(slots.take().await.free_at(), at);
        let (mut slow, mut fast) = (slots.take().await, slots.take().await);
        slow.occupy(Duration::from_secs(60));
        fast.occupy(Duration::from_secs(1));
        let waiting = tokio::time::timeout(Duration::from_millis(20), slots.take()).await;
        assert!(waiting.is_err(), "both are occupied");
        drop(slow);
        drop(fast);
        let next = slots.take().await.free_at();
        assert!(
            next <= Instant::now() + Duration::from_secs(1),
            "the fast one's"
        );
        assert!(next > Instant::now());
    }
}
