//! What is compared with LiveKit.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    domain::{Call, CallId, EgressId, KeptAttributes},
    livekit::client::Client,
    pipeline::Wake,
    store::{InboxMessage, Store},
    telemetry::LogThrottle,
};

/// Unfinished calls by ID.
pub(super) type Unfinished<'a> = BTreeMap<&'a CallId, &'a Call>;

/// Asks LiveKit for what no webhook reported.
pub struct Reconcile {
    pub(super) client: Client,
    pub(super) store: Store,
    pub(super) wake: Arc<Wake>,
    /// RECONCILE_INTERVAL
    pub(super) interval: Duration,
    /// EGRESS_LOST_AFTER
    pub(super) lost_after: Duration,
    /// What calls keep of their participants' attributes.
    pub(super) attributes: KeptAttributes,
    /// Whether a list lacked the room of an open call, so that the next list is due soon.
    pub(super) must_confirm: AtomicBool,
    /// Egresses that the last list of their room's participants lacked, and since when.
    pub(super) absent: Mutex<BTreeMap<EgressId, Timestamp>>,
    /// Errors of the confirmation of missing rooms, each logged once an hour.
    pub(super) unconfirmed: LogThrottle,
}

impl Reconcile {
    /// `interval`: RECONCILE_INTERVAL; `lost_after`: EGRESS_LOST_AFTER.
    pub fn new(
        client: Client,
        store: Store,
        wake: Arc<Wake>,
        interval: Duration,
        lost_after: Duration,
    ) -> Reconcile {
        Reconcile {
            client,
            store,
            wake,
            interval,
            lost_after,
            attributes: KeptAttributes::default(),
            must_confirm: AtomicBool::new(false),
            absent: Mutex::default(),
            unconfirmed: LogThrottle::default(),
        }
    }

    /// `attributes`: those that intake keeps, too.
    pub fn keeping(self, attributes: KeptAttributes) -> Reconcile {
        Reconcile { attributes, ..self }
    }

    /// Stores observations in the inbox.
    pub(super) async fn put(&self, messages: Vec<InboxMessage>) -> anyhow::Result<()> {
        for message in messages {
            self.store.put(message).await?;
            self.wake.intake.notify_one();
        }
        Ok(())
    }
}
