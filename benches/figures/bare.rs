//! The upper limit of disk and SQLite: the same rows in the same table with the same kind of group commit, without
//! HTTP, signatures and folding.

use std::{path::Path, str::FromStr, time::Instant};

use sha2::{Digest, Sha256};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::{mpsc, oneshot};

const DDL: &str = include_str!("../../schema/database/0001_init.sql");
const GROUP: usize = 256;

type Row = (String, oneshot::Sender<()>);

/// Rows per second with as many clients as `loads`, each of which waits for its row before it sends the next.
pub async fn inserts_per_second(folder: &Path, loads: Vec<Vec<String>>) -> anyhow::Result<f64> {
    let url = format!("sqlite:{}", folder.join("bare.db").display());
    let options = SqliteConnectOptions::from_str(&url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = options.connect().await?;
    sqlx::raw_sql(DDL).execute(&mut connection).await?;
    let rows: usize = loads.iter().map(Vec::len).sum();
    let (queue, waiting) = mpsc::channel::<Row>(4 * GROUP);
    let started = Instant::now();
    let writer = tokio::spawn(write(connection, waiting));
    for load in loads {
        let queue = queue.clone();
        tokio::spawn(async move {
            for body in load {
                let (ack, done) = oneshot::channel();
                queue.send((body, ack)).await.ok();
                done.await.ok();
            }
        });
    }
    drop(queue);
    writer.await??;
    Ok(rows as f64 / started.elapsed().as_secs_f64())
}

async fn write(
    mut connection: SqliteConnection,
    mut waiting: mpsc::Receiver<Row>,
) -> Result<(), sqlx::Error> {
    let mut group = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut group, GROUP).await > 0 {
        let (bodies, acks): (Vec<String>, Vec<_>) = group.drain(..).unzip();
        let mut transaction = connection.begin().await?;
        let mut rest = bodies.as_slice();
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(1 << rest.len().min(64).ilog2());
            insert(&mut transaction, chunk).await?;
            rest = tail;
        }
        transaction.commit().await?;
        for ack in acks {
            ack.send(()).ok();
        }
    }
    Ok(())
}

async fn insert(connection: &mut SqliteConnection, bodies: &[String]) -> Result<(), sqlx::Error> {
    let row = "(?, 'webhook', ?, NULL, 'text', ?, 0, 0)";
    let sql = format!(
        "INSERT INTO inbox (id, kind, dedupe, call_id, encoding, body, received_at, due_at) VALUES {}",
        vec![row; bodies.len()].join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for body in bodies {
        let hash = Sha256::digest(body);
        query = query
            .bind(uuid::Uuid::now_v7().to_string())
            .bind(hash.iter().map(|b| format!("{b:02x}")).collect::<String>())
            .bind(body.as_str());
    }
    query.execute(connection).await?;
    Ok(())
}
