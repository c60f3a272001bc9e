//! Durable webhooks per second, and what memory they leave behind.

use std::time::{Duration, Instant};

use crate::{
    Figure, bare,
    load::{self, CONNECTIONS, UNRECORDED},
    ms, percentile,
    service::Service,
};

const FIRST: usize = 20_000;
const ALL: usize = 100_000;

pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    // The best that this disk gives is measured first, while nothing else runs.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let bare = bare::inserts_per_second(folder.path(), rounds("bare", FIRST)).await?;
    let service = Service::start("manual").await?;
    let ready = service.ready_after;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = service.resident()?;
    let (first, _) = send(&service, "a", FIRST).await?;
    wait_for_intake(&service).await?;
    let after_first = service.resident()?;
    let (rest, mut waits) = send(&service, "b", ALL - FIRST).await?;
    let drained = Instant::now();
    wait_for_intake(&service).await?;
    let drained = drained.elapsed().as_secs_f64();
    let after_all = service.resident()?;
    let rate = (ALL - FIRST) as f64 / rest.as_secs_f64();
    let first_rate = FIRST as f64 / first.as_secs_f64();
    let (p50, p99) = (
        ms(percentile(&mut waits, 0.5)),
        ms(percentile(&mut waits, 0.99)),
    );
    Ok(vec![
        Figure::new(
            "durable webhooks, 64 connections",
            format!("{rate:.0}/s"),
            "≥ 5,000/s",
            rate >= 5000.0,
        ),
        Figure::without_goal("… the first 20,000", format!("{first_rate:.0}/s")),
        Figure::without_goal("… median", format!("{p50:.1} ms")),
        Figure::new("… p99", format!("{p99:.1} ms"), "< 25 ms", p99 < 25.0),
        Figure::without_goal("… processed after the last one", format!("{drained:.1} s")),
        Figure::without_goal("bare group-committed inserts", format!("{bare:.0}/s")),
        Figure::without_goal("… ratio to those", format!("{:.2}", rate / bare)),
        Figure::new(
            "ready after start",
            format!("{:.2} s", ready.as_secs_f64()),
            "< 0.3 s",
            ready.as_secs_f64() < 0.3,
        ),
        memory("memory, idle", idle, "< 25 MiB", 25.0),
        memory(
            "memory, after 20,000 webhooks",
            after_first,
            "< 40 MiB",
            40.0,
        ),
        memory("memory, after 100,000", after_all, "< 40 MiB", 40.0),
    ])
}

fn memory(what: &str, mib: f64, goal: &'static str, most: f64) -> Figure {
    Figure::new(what, format!("{mib:.1} MiB"), goal, mib < most)
}

fn rounds(round: &str, count: usize) -> Vec<Vec<String>> {
    (0..CONNECTIONS)
        .map(|connection| {
            let count = count / CONNECTIONS;
            let calls = count.div_ceil(UNRECORDED.events.len());
            let bodies = load::bodies(connection, round, &UNRECORDED, calls);
            bodies.into_iter().take(count).collect()
        })
        .collect()
}

/// Sends so many webhooks over all connections.
pub(crate) async fn send(
    service: &Service,
    round: &str,
    count: usize,
) -> anyhow::Result<(Duration, Vec<Duration>)> {
    let mut loads = Vec::new();
    for bodies in rounds(round, count) {
        let requests = bodies
            .iter()
            .map(|body| load::request(&service.address, body));
        loads.push(requests.collect::<anyhow::Result<Vec<_>>>()?);
    }
    load::send(&service.address, loads).await
}

/// Waits until every webhook has been folded into its call, and what the storage said of its recordings.
pub(crate) async fn wait_for_intake(service: &Service) -> anyhow::Result<()> {
    while service.unfinished().await? > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
