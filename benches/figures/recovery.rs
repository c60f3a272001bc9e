//! After a `kill -9`: how soon webhooks are accepted again, how fast a full inbox is processed, and how long it takes
//! until calls whose webhooks were all lost have their rows.

use std::time::{Duration, Instant};

use anyhow::ensure;
use livekit_airtable::{
    store::{InboxMessage, MessageKind, Store},
    telemetry,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Figure, load, ms, percentile, service::Service, webhooks::wait_for_intake};

const KILLS: usize = 21;
const MESSAGES: usize = 100_000;
const ROOMS: usize = 100;

pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let [folded, replayed] = full_inbox().await?;
    Ok(vec![
        first_accepted().await?,
        folded,
        replayed,
        lost_webhooks().await?,
    ])
}

/// From the kill to the first webhook that is on disk again; the new process is started at once.
async fn first_accepted() -> anyhow::Result<Figure> {
    let mut service = Service::start("manual").await?;
    let bodies = load::bodies(0, "kill", &load::UNRECORDED, KILLS.div_ceil(10));
    let mut gaps = Vec::new();
    for body in bodies.into_iter().take(KILLS) {
        let request = load::request(&service.address, &body)?;
        let killed = Instant::now();
        service.kill()?;
        service.run_again()?;
        while !accepted(&service.address, &request).await {
            ensure!(killed.elapsed() < Duration::from_secs(10), "not accepted");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        gaps.push(killed.elapsed());
    }
    let median = ms(percentile(&mut gaps, 0.5));
    Ok(Figure::without_goal(
        "first accepted webhook after a kill -9, median",
        format!("{median:.0} ms"),
    ))
}

async fn accepted(address: &str, request: &[u8]) -> bool {
    let answer = async {
        let mut socket = TcpStream::connect(address).await?;
        socket.write_all(request).await?;
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    answer.await.is_ok_and(|answer| answer.ends_with(b"200"))
}

/// The service starts with this many unprocessed messages; afterwards `replay` processes them again beside it.
async fn full_inbox() -> anyhow::Result<[Figure; 2]> {
    let mut service = Service::start("manual").await?;
    service.kill()?;
    let database = format!(
        "sqlite:{}",
        service.folder.path().join("calls.db").display()
    );
    let store = Store::open(&database, telemetry::now()).await?;
    let putting: Vec<_> = (0..load::CONNECTIONS)
        .map(|connection| tokio::spawn(put(store.clone(), connection)))
        .collect();
    for put in putting {
        put.await??;
    }
    store.close().await;
    let begun = Instant::now();
    service.run_again()?;
    wait_for_intake(&service).await?;
    let rate = MESSAGES as f64 / begun.elapsed().as_secs_f64();
    let folded = Figure::without_goal(
        "intake of a full inbox of 100,000 events",
        format!("{rate:.0}/s"),
    );
    let begun = Instant::now();
    let reported = service.command(&["replay", "--json"])?;
    let outcome: serde_json::Value = serde_json::from_str(&reported)?;
    // With what reconcile found out meanwhile.
    let messages = outcome["messages"].as_u64().unwrap_or_default();
    ensure!(
        messages >= MESSAGES as u64,
        "not all rebuilt: {reported:.300}"
    );
    let rate = messages as f64 / begun.elapsed().as_secs_f64();
    let replayed = Figure::without_goal("`replay` of 100,000 events", format!("{rate:.0}/s"));
    Ok([folded, replayed])
}

async fn put(store: Store, connection: usize) -> anyhow::Result<()> {
    let count =
        MESSAGES / load::CONNECTIONS + usize::from(connection < MESSAGES % load::CONNECTIONS);
    let bodies = load::bodies(connection, "full", &load::UNRECORDED, count.div_ceil(10));
    for body in bodies.into_iter().take(count) {
        store
            .put(InboxMessage::new(
                MessageKind::Webhook,
                body,
                telemetry::now(),
            ))
            .await?;
    }
    Ok(())
}

/// Rooms that open while nothing listens: from the start of the process until all are in their rows, being recorded.
async fn lost_webhooks() -> anyhow::Result<Figure> {
    let mut service = Service::start("room_started").await?;
    service.kill()?;
    service.livekit.lose_webhooks(true);
    let mut sids = Vec::new();
    for n in 0..ROOMS {
        sids.push(service.livekit.open_room(&format!("lost-{n}")));
    }
    let begun = Instant::now();
    service.run_again()?;
    loop {
        let rows = service.airtable.rows("Calls");
        let recorded = rows.iter().filter(|row| row.contains_key("Egress ID"));
        if recorded.count() == ROOMS {
            break;
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(60),
            "rows are missing"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Figure::without_goal(
        "100 rooms whose webhooks were all lost: recorded, with a row, after",
        format!("{seconds:.1} s"),
    ))
}
