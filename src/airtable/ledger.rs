//! The ledger that all processes write a base's requests into, as the client sees it.

use std::{error, fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

/// What the client writes into the ledger.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LedgerEntry {
    /// One request is about to go, `spacing` after this process' last one, or more when another process sent that.
    Request { spacing: Duration },
    /// Airtable answered 429: no requests for `pause`, then `rate` requests per second.
    Lockout { pause: Duration, rate: f64 },
}

/// The ledger's permission for one request.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Grant {
    /// How long the request still has to wait, counted from when the ledger answered.
    pub wait: Duration,
    /// The rate after the last lockout of any process, in requests per second, and how long ago that was.
    pub reduced: Option<(f64, Duration)>,
}

/// Why a request may not be sent.
#[derive(Debug)]
pub enum Denied {
    /// All `limit` requests of AIRTABLE_MONTHLY_REQUESTS are used up; the next month begins after `rest`.
    Spent { limit: u64, rest: Duration },
    /// The ledger could not be written, and a request that is not counted is not sent.
    Uncounted(Box<dyn error::Error + Send + Sync>),
}

type Write = dyn Fn(LedgerEntry) -> BoxFuture<'static, Result<Grant, Denied>> + Send + Sync;

/// Records an entry, on disk before it returns. The adapter has no access to a database: the creator of the client
/// provides one.
#[derive(Clone)]
pub struct RequestLedger(Arc<Write>);

impl RequestLedger {
    /// A ledger that `write` keeps; it resolves once the entry is committed.
    pub fn new(
        write: impl Fn(LedgerEntry) -> BoxFuture<'static, Result<Grant, Denied>> + Send + Sync + 'static,
    ) -> RequestLedger {
        RequestLedger(Arc::new(write))
    }

    /// Resolves once the entry is committed.
    ///
    /// # Errors
    /// When the request may not go.
    pub(super) async fn write(&self, entry: LedgerEntry) -> Result<Grant, Denied> {
        (self.0)(entry).await
    }
}

impl fmt::Debug for RequestLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestLedger")
    }
}
