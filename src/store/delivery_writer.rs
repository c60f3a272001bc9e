//! How sinks write to their deliveries: on SQLite, what waits for its one writer shares a transaction, and so an fsync.

use std::{mem, sync::Arc};

use sqlx::{AnyConnection, AnyPool};
use tokio::sync::{mpsc, oneshot};

use super::{
    delivery::DeliveryKey,
    end::{self, End},
    engine::Engine,
    error::{Error, Result},
    inbox_writer,
    message::InboxMessage,
};
use crate::telemetry::Watchdog;

/// Maximum writes per transaction.
const GROUP: usize = 64;
/// The writer's name in the watchdog.
const LOOP: &str = "delivery writer";

/// A write of a sink: all of it or nothing.
pub(super) enum DeliveryWrite {
    /// How attempts ended, and what they observed.
    Ends(Vec<End>, Vec<InboxMessage>),
    /// What the sink must know of a delivery after a kill.
    Memo {
        key: DeliveryKey,
        before: String,
        after: String,
    },
}

type Done = oneshot::Sender<Result<()>>;

/// Where sinks write. Clones share it.
#[derive(Clone)]
pub(super) struct DeliveryWriter {
    pool: AnyPool,
    process: Arc<str>,
    /// Other processes write, too.
    is_shared: bool,
    /// `None`: every write has a connection and a transaction of its own, and may wait for locks of its own.
    queue: Option<mpsc::Sender<(DeliveryWrite, Done)>>,
}

impl DeliveryWriter {
    /// The writer of a pool, for the process of this name.
    #[expect(
        clippy::disallowed_methods,
        reason = "the task ends when the last sender is dropped"
    )]
    pub(super) fn start(
        engine: Engine,
        pool: AnyPool,
        process: Arc<str>,
        watchdog: Watchdog,
    ) -> DeliveryWriter {
        let mut writer = DeliveryWriter {
            pool,
            process,
            is_shared: engine == Engine::Postgres,
            queue: None,
        };
        if !writer.is_shared {
            let (queue, waiting) = mpsc::channel(GROUP);
            tokio::spawn(writer.clone().run(waiting, watchdog));
            writer.queue = Some(queue);
        }
        writer
    }

    /// Returns once it is on disk.
    pub(super) async fn write(&self, write: DeliveryWrite) -> Result<()> {
        let Some(queue) = &self.queue else {
            return self.commit(&[&write]).await;
        };
        let (done, answer) = oneshot::channel();
        let queued = queue.send((write, done)).await;
        queued.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    async fn run(self, mut waiting: mpsc::Receiver<(DeliveryWrite, Done)>, watchdog: Watchdog) {
        let mut group = Vec::new();
        while watchdog
            .watch(LOOP, waiting.recv_many(&mut group, GROUP))
            .await
            > 0
        {
            let writes = self.write_group(mem::take(&mut group));
            watchdog.watch(LOOP, writes).await;
        }
    }

    /// One that fails costs the others nothing.
    async fn write_group(&self, group: Vec<(DeliveryWrite, Done)>) {
        let writes: Vec<&DeliveryWrite> = group.iter().map(|(write, _)| write).collect();
        let are_written = writes.len() > 1 && self.commit(&writes).await.is_ok();
        for (write, done) in group {
            let written = match are_written {
                true => Ok(()),
                false => self.commit(&[&write]).await,
            };
            // The sink may have been stopped; what it wrote is kept all the same.
            done.send(written).ok();
        }
    }

    async fn commit(&self, writes: &[&DeliveryWrite]) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        for write in writes {
            self.run_one(write, &mut transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn run_one(&self, write: &DeliveryWrite, connection: &mut AnyConnection) -> Result<()> {
        match write {
            DeliveryWrite::Ends(ends, messages) => {
                for end in ends {
                    end::write(connection, &self.process, end).await?;
                }
                inbox_writer::insert(connection, &self.process, messages.clone()).await?;
                Ok(())
            }
            DeliveryWrite::Memo { key, before, after } => {
                let claim = match (key.sink.has_owner(), self.is_shared) {
                    (true, _) => ("", ""),
                    // A file has one process, which claims nothing.
                    (false, false) => (&*self.process, &*self.process),
                    (false, true) => ("", &*self.process),
                };
                remember(connection, key, (before, after), claim).await
            }
        }
    }
}

/// Guarded by the state that was read and by the claim: who has one that nobody has, and who must have it.
async fn remember(
    connection: &mut AnyConnection,
    key: &DeliveryKey,
    (before, after): (&str, &str),
    (unclaimed, claimed): (&str, &str),
) -> Result<()> {
    let done = sqlx::query(
        "UPDATE deliveries SET memo = $1 WHERE sink = $2 AND call_id = $3 AND part = $4 AND memo = $5
           AND COALESCE(claimed_by, $6) = $7",
    )
    .bind(after)
    .bind(key.sink.as_str())
    .bind(key.call_id.as_str())
    .bind(key.item.as_str())
    .bind(before)
    .bind(unclaimed)
    .bind(claimed)
    .execute(connection)
    .await?;
    match done.rows_affected() {
        0 => Err(Error::Conflict),
        _ => Ok(()),
    }
}
