//! What is compared with LiveKit.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    domain::{Call, CallId},
    livekit::client::Client,
    pipeline::Wake,
    store::Store,
};

/// Unfinished calls by ID.
pub(super) type Unfinished<'a> = BTreeMap<&'a CallId, &'a Call>;

/// Asks LiveKit for what no webhook reported.
pub struct Reconcile {
    pub client: Client,
    pub store: Store,
    pub wake: Arc<Wake>,
    /// RECONCILE_INTERVAL
    pub interval: Duration,
    /// EGRESS_LOST_AFTER
    pub lost_after: Duration,
}
