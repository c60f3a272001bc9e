//! Intake gives way while messages pour in: whoever sent them waits for the same disk, and many are folded faster than few.

use std::time::Duration;

use tokio::time::Instant;

use crate::store::Store;

/// Messages that wait to be stored at once from which on intake gives way.
const MANY: usize = 8;
/// How long after the beginning of a batch the next one begins, while they do.
const INTERVAL: Duration = Duration::from_millis(50);
/// The longest rest after a batch.
const LONGEST: Duration = Duration::from_millis(100);

/// Messages that are looked through at once: in so many, several events of a call come together.
pub(super) const LISTED: i64 = 4096;
/// Messages per transaction while nobody waits: the more events of a call are folded together, the fewer times it is written, and
/// the fewer pages are written to mark messages that lie beside each other. A webhook that comes meanwhile waits for some
/// tens of milliseconds.
const BATCH: usize = 512;
/// Messages per transaction while some wait.
const BATCH_BESIDE_SOME: usize = 256;
/// Messages per transaction while many wait.
const BATCH_BESIDE_MANY: usize = 64;

/// How many messages are folded in one transaction now.
pub(super) fn batch(store: &Store) -> usize {
    match store.messages_waiting() {
        0 => BATCH,
        1..MANY => BATCH_BESIDE_SOME,
        MANY.. => BATCH_BESIDE_MANY,
    }
}

/// Rests after a batch that began at this time: as long as the batch took, and to the end of the interval. So intake uses half of
/// the time at most; it folds messages much faster than they can come in.
pub(super) async fn give_way(store: &Store, began: Instant) {
    if store.messages_waiting() >= MANY {
        let took = began.elapsed();
        let rest = took.max(INTERVAL.saturating_sub(took)).min(LONGEST);
        tokio::time::sleep(rest).await;
    }
}
