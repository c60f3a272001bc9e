//! The book that all processes write a base's requests into, as the client sees it.

use std::{error, fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

/// What the client tells the book.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Entry {
    /// One request is about to go, `spacing` after the last one, or more when another process sent that.
    Turn { spacing: Duration },
    /// Airtable refused with 429: nothing goes for `pause`, and then at `rate` requests per second.
    Lockout { pause: Duration, rate: f64 },
}

/// What the book answers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Leave {
    /// So long after the answer the request may go.
    pub wait: Duration,
    /// The rate after the last lockout of any process, requests per second, and how long ago that was.
    pub lowered: Option<(f64, Duration)>,
}

/// Why a request may not go.
#[derive(Debug)]
pub enum Denied {
    /// AIRTABLE_MONTHLY_REQUESTS are used up for so long.
    Spent { limit: u64, rest: Duration },
    /// What is not counted is not sent.
    Uncounted(Box<dyn error::Error + Send + Sync>),
}

type Write = dyn Fn(Entry) -> BoxFuture<'static, Result<Leave, Denied>> + Send + Sync;

/// Writes an entry, on disk before it answers. The adapter knows no database: whoever makes the client brings one.
#[derive(Clone)]
pub struct Book(Arc<Write>);

impl Book {
    pub fn new(
        write: impl Fn(Entry) -> BoxFuture<'static, Result<Leave, Denied>> + Send + Sync + 'static,
    ) -> Book {
        Book(Arc::new(write))
    }

    pub(super) async fn write(&self, entry: Entry) -> Result<Leave, Denied> {
        (self.0)(entry).await
    }
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Book")
    }
}
