//! Reads for all open pages what has changed: one reader, however many pages there are, and none when there is no page.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{
    counts::{Counts, StatusCounts},
    live::{Live, LiveEvent},
    row::{Row, Selection},
    state::OpsPages,
};
use crate::{
    domain::Status,
    pipeline::Wake,
    store::{self, CallRow, CallSelection, DeliveryState, Outstanding, StateSelection, Store},
};

/// The least time between two looks.
const PAUSE: Duration = Duration::from_millis(400);
/// And so many times as long as the look took: while thousands of webhooks come in each second, pages take little of the time.
const SHARE: u32 = 20;
/// But no more than this.
const SLOWEST: Duration = Duration::from_secs(2);
/// The longest, for changes that another process makes.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Messages that arrived earlier are not looked at again.
const ARRIVED: SignedDuration = SignedDuration::from_secs(5);
/// Messages that were processed shortly before the last look may have been committed after it.
const OVERLAP: SignedDuration = SignedDuration::from_secs(1);
/// Calls of one event; of more, pages learn only that there were many.
const ROWS: usize = 20;
/// Calls that are looked for.
const TOUCHED: i64 = 64;
/// Calls whose deliveries are still looked at after they changed.
const RECENT: usize = 64;

/// Tells open pages what has changed.
pub struct LiveReader {
    live: Arc<Live>,
    counts: Arc<Counts>,
    store: Store,
    wake: Arc<Wake>,
    clock: fn() -> Timestamp,
    looked_at: Timestamp,
    /// What was last sent of each call that changed lately.
    known: BTreeMap<String, String>,
    last_counts: StatusCounts,
}

/// What the script gets of the list.
#[derive(Serialize)]
struct Calls {
    counts: BTreeMap<&'static str, i64>,
    /// Their rows.
    rows: Vec<ChangedRow>,
    /// There were more than these.
    many: bool,
}

#[derive(Serialize)]
struct ChangedRow {
    id: String,
    status: &'static str,
    started: Option<Timestamp>,
    html: String,
}

impl LiveReader {
    /// Reads for the pages of `pages`.
    pub fn new(
        pages: &OpsPages,
        store: Store,
        wake: Arc<Wake>,
        clock: fn() -> Timestamp,
    ) -> LiveReader {
        LiveReader {
            live: pages.live.clone(),
            counts: pages.counts.clone(),
            store,
            wake,
            clock,
            looked_at: clock(),
            known: BTreeMap::new(),
            last_counts: StatusCounts::default(),
        }
    }

    /// Until the service stops.
    pub async fn run(mut self) {
        let (live, counts, store) = (self.live.clone(), self.counts.clone(), self.store.clone());
        let work = async { tokio::join!(counts.refresh(&store), self.read()) };
        live.stop.run_until_cancelled(work).await;
    }

    async fn read(&mut self) {
        let wake = self.wake.clone();
        loop {
            while !self.live.is_watched() {
                self.known.clear();
                self.live.opened.notified().await;
                self.looked_at = (self.clock)();
            }
            let mut folded = pin!(wake.folded.notified());
            folded.as_mut().enable();
            let began = Instant::now();
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "open pages wait for the database");
            }
            sleep((began.elapsed() * SHARE).clamp(PAUSE, SLOWEST)).await;
            tokio::select! {
                () = folded => {}
                () = sleep(LONGEST_PAUSE) => {}
            }
        }
    }

    async fn look(&mut self) -> Result<(), store::Error> {
        let now = (self.clock)();
        let since = self.looked_at - OVERLAP;
        let touched = self
            .store
            .touched_calls(now - ARRIVED, since, TOUCHED)
            .await?;
        self.looked_at = now;
        let watched = self.live.watched();
        let ids: BTreeSet<&String> = touched
            .iter()
            .chain(&watched)
            .chain(self.known.keys())
            .collect();
        let ids: Vec<&str> = ids
            .into_iter()
            .map(String::as_str)
            .take(2 * RECENT)
            .collect();
        let changed = self.changed(&ids).await?;
        for (id, _) in &changed {
            if watched.contains(id) {
                self.live.send(LiveEvent::Call(id.as_str().into()));
            }
        }
        // Those that come with a change have it in them.
        let counts = match changed.is_empty() {
            true => self.counts.now(&self.store).await?,
            false => self.counts.recounted(&self.store).await?,
        };
        if !changed.is_empty() || counts != self.last_counts {
            let event = self.event(&changed, &counts).await?;
            self.live.send(LiveEvent::Calls(event));
        }
        self.last_counts = counts;
        self.remember(changed);
        Ok(())
    }

    /// The calls whose revision or deliveries are not those that were sent, and what marks them.
    async fn changed(&self, ids: &[&str]) -> Result<Vec<(String, String)>, store::Error> {
        let revisions = self.store.revisions(ids).await?;
        let marks = self.store.delivery_marks(ids).await?;
        let marks: BTreeMap<String, String> = marks.into_iter().collect();
        let marked = revisions.into_iter().map(|(id, revision)| {
            let deliveries = marks.get(&id).map_or("", String::as_str);
            let mark = format!("{revision}\n{deliveries}");
            (id, mark)
        });
        let is_new = |(id, mark): &(String, String)| self.known.get(id) != Some(mark);
        Ok(marked.filter(is_new).collect())
    }

    fn remember(&mut self, changed: Vec<(String, String)>) {
        if self.known.len() + changed.len() > RECENT {
            self.known.clear();
        }
        self.known.extend(changed);
    }

    async fn event(
        &self,
        changed: &[(String, String)],
        counts: &StatusCounts,
    ) -> Result<Arc<str>, store::Error> {
        let ids: Vec<&str> = changed
            .iter()
            .map(|(id, _)| id.as_str())
            .take(ROWS)
            .collect();
        let calls = self.store.calls(&ids).await?;
        let selection = store::Selection {
            sink: None,
            states: StateSelection::Only(&DeliveryState::OUTSTANDING),
            calls: CallSelection::Only(ids.iter().map(|id| (*id).to_owned()).collect()),
        };
        let outstanding = self.store.outstanding(&selection).await?;
        let by_status = Status::ALL.map(|status| (status.as_str(), counts.of(Some(status))));
        let all = [("all", counts.of(None))];
        let event = Calls {
            counts: by_status.into_iter().chain(all).collect(),
            rows: calls
                .iter()
                .map(|row| changed_row(row, &outstanding))
                .collect(),
            many: changed.len() > ROWS,
        };
        Ok(serde_json::to_string(&event).unwrap_or_default().into())
    }
}

fn changed_row(row: &CallRow, outstanding: &[Outstanding]) -> ChangedRow {
    let call = &row.call;
    let own = outstanding.iter().filter(|one| one.key.call_id == *call.id);
    let own: Vec<Outstanding> = own.cloned().collect();
    let markup = Row {
        call,
        outstanding: &own,
        selection: Selection::None,
    };
    ChangedRow {
        id: call.id.to_string(),
        status: call.status().as_str(),
        started: call.started_at(),
        html: markup.markup("./").into_string(),
    }
}
