//! Rows into a base that, like Airtable, locks out clients that send more than 5 requests per second: rows per second,
//! requests per row, beside another program, and their cost.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use livekit_airtable::{
    domain::{Call, DueDelivery, Sink, transcript},
    store::{CallUpdate, Fold, Store},
    telemetry,
};
use livekit_airtable_sim::airtable::Airtable;
use serde_json::{json, value::to_raw_value};
use tokio_util::sync::CancellationToken;

use crate::{
    Figure,
    service::{Service, Setup},
};

const ROWS: usize = 1000;
const WAITING: usize = 100_000;

pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let mut figures = alone().await?;
    figures.extend(beside_another().await?);
    figures.push(waiting().await?);
    Ok(figures)
}

async fn alone() -> anyhow::Result<Vec<Figure>> {
    let service = Service::with(Setup::outstanding(ROWS, ended)).await?;
    let before = service.airtable.requests();
    let cpu = service.cpu()?;
    let took = until_written(&service.airtable, ROWS).await?;
    let cpu = service.cpu()? - cpu;
    let requests = (service.airtable.requests() - before) as f64 / ROWS as f64;
    let lockouts = service.airtable.breaches();
    // The first request's rows came at its beginning.
    let rate = (ROWS - 10) as f64 / took.as_secs_f64();
    Ok(vec![
        Figure::new(
            "rows, 5 requests per second",
            format!("{rate:.1}/s"),
            "≥ 47.5/s",
            rate >= 47.5,
        ),
        Figure::new(
            "… requests per row",
            format!("{requests:.3}"),
            "≤ 0.11",
            requests <= 0.11,
        ),
        Figure::new("… lockouts", lockouts.to_string(), "0", lockouts == 0),
        Figure::without_goal(
            "… CPU per row",
            format!("{:.2} ms", cpu.as_secs_f64() * 1000.0 / ROWS as f64),
        ),
    ])
}

async fn beside_another() -> anyhow::Result<Vec<Figure>> {
    let service = Service::with(Setup::outstanding(ROWS, ended)).await?;
    let stop = CancellationToken::new();
    let airtable = &service.airtable;
    let url = format!("{}/v0/{}/Calls", airtable.url(), airtable.base_id());
    let program = another(telemetry::http_client()?, url);
    let other = tokio::spawn(stop.clone().run_until_cancelled_owned(program));
    let took = until_written(&service.airtable, ROWS).await?;
    stop.cancel();
    other.await?;
    let rate = (ROWS - 10) as f64 / took.as_secs_f64();
    let rows = service.airtable.rows("Calls");
    let calls: BTreeSet<String> = rows.iter().map(|row| row["Call ID"].to_string()).collect();
    Ok(vec![
        Figure::without_goal(
            "rows beside a program that uses 2 of the 5 requests, lockouts included",
            format!("{rate:.1}/s"),
        ),
        Figure::new(
            "… rows, and calls in them",
            format!("{}, {}", rows.len(), calls.len()),
            "1000, 1000",
            (rows.len(), calls.len()) == (ROWS, ROWS),
        ),
    ])
}

/// Sends two requests per second and ignores errors.
async fn another(http: reqwest::Client, url: String) {
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    loop {
        ticks.tick().await;
        let asked = http.get(&url).query(&[("maxRecords", "1")]);
        asked.bearer_auth("patOther").send().await.ok();
    }
}

async fn waiting() -> anyhow::Result<Figure> {
    let service = Service::with(Setup::outstanding(WAITING, ended)).await?;
    until_written(&service.airtable, 500).await?;
    let mib = service.resident()?;
    Ok(Figure::new(
        "memory, 100,000 rows waiting",
        format!("{mib:.1} MiB"),
        "< 60 MB",
        mib * 1.048_576 < 60.0,
    ))
}

/// From the first row to this many.
async fn until_written(airtable: &Airtable, count: usize) -> anyhow::Result<Duration> {
    let asked = Instant::now();
    let mut first = None;
    loop {
        let rows = airtable.rows("Calls").len();
        if rows > 0 {
            first.get_or_insert_with(Instant::now);
        }
        if let Some(first) = first
            && rows >= count
        {
            return Ok(first.elapsed());
        }
        ensure!(
            asked.elapsed() < Duration::from_secs(600),
            "{rows} of {count} rows were written in ten minutes"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Writes calls with a pending Airtable delivery into a database that no process uses yet.
pub(crate) async fn owe(
    database: &Path,
    count: usize,
    call: impl Fn(usize) -> anyhow::Result<Call>,
) -> anyhow::Result<()> {
    let path = database.to_str().context("the path is UTF-8")?;
    let store = Store::open(&format!("sqlite:{path}"), telemetry::now()).await?;
    let now = telemetry::now();
    for chunk in (0..count).collect::<Vec<_>>().chunks(1000) {
        let calls = chunk.iter().map(|n| Ok(folded(call(*n)?)));
        let folded = calls.collect::<anyhow::Result<Vec<_>>>()?;
        let sinks = [Sink::Airtable];
        store
            .commit_fold(Fold::of_calls(&folded), &sinks, now)
            .await?;
    }
    store.close().await;
    Ok(())
}

fn folded(call: Call) -> CallUpdate {
    let item = String::new();
    let due_deliveries = vec![DueDelivery {
        sink: Sink::Airtable,
        item,
    }];
    CallUpdate {
        call,
        read_revision: 0,
        listing: None,
        renamed: true,
        recordings_changed: true,
        due_deliveries,
    }
}

/// A call with a transcript of some 1,000 characters.
pub(crate) fn ended(n: usize) -> anyhow::Result<Call> {
    let now = telemetry::now();
    let turn = |at: usize| {
        let speaker = ["agent", "user"][at % 2];
        json!({"speaker": speaker, "text": "Which day would suit you for the appointment with the doctor?"})
    };
    let turns: Vec<_> = (0..14).map(turn).collect();
    let (_, report) = transcript::read(&to_raw_value(&json!({ "turns": turns }))?)?;
    let mut call = Call {
        id: format!("RM_{n:012}").into(),
        room_name: format!("call-{n}").into(),
        created_at: Some(now - Duration::from_secs(90)),
        alive_at: Some(now),
        finished_at: Some(now),
        ..Call::default()
    };
    call.reports.add(&Arc::new(report), now);
    Ok(call)
}
