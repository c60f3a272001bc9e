//! 10,000 rows while Airtable fails in every way, with a `kill -9` in the middle: every good row once and as its call
//! is, dead exactly the poison.

mod calls;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use livekit_airtable::telemetry;
use livekit_airtable_sim::airtable::Fault;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::{
    Figure, ms,
    service::{Service, Setup},
};

const ROWS: usize = 10_000;
/// Calls with a text that Airtable does not take.
const POISON: usize = 100;
/// Ten times what Airtable takes, so that it is over in minutes.
const PER_SECOND: u32 = 50;
/// Requests whose fate is drawn; all later ones go well.
const REQUESTS: usize = 8_000;
/// The requests at which the entire base is locked for 30 s, as if another program had been too fast.
const LOCKOUTS: [usize; 3] = [800, 1200, 1600];
/// Longer than the service waits for an answer.
const NEVER: Duration = Duration::from_secs(31);
const PATIENCE: Duration = Duration::from_secs(1800);

struct Storm {
    poison: BTreeSet<usize>,
    faults: Vec<Fault>,
}

/// In any order: 5 % of 5xx, and 2 % that are done and whose answer is lost.
fn two_hundred() -> impl Strategy<Value = Vec<Fault>> {
    let body = r#"{"error":{"type":"SERVER_ERROR","message":"later"}}"#;
    let kinds = [
        (186, Fault::Slow(Duration::ZERO)),
        (5, Fault::Status(500, body.into())),
        (3, Fault::Html(502)),
        (2, Fault::Html(503)),
        (2, Fault::AfterWrite),
        (1, Fault::Truncated),
        (1, Fault::After(Box::new(Fault::Silent(NEVER)))),
    ];
    let all = kinds.into_iter();
    let all = all.flat_map(|(times, fault)| vec![fault; times]);
    Just(all.collect::<Vec<_>>()).prop_shuffle()
}

/// The same in every run.
fn storm() -> anyhow::Result<Storm> {
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let poison = prop::sample::subsequence((0..ROWS).collect::<Vec<_>>(), POISON);
    let drawn = (poison, prop::collection::vec(two_hundred(), REQUESTS / 200));
    let drawn = drawn.new_tree(&mut runner).map_err(anyhow::Error::msg)?;
    let (poison, faults) = drawn.current();
    let mut faults = faults.concat();
    for at in LOCKOUTS {
        faults[at] = Fault::Lockout;
    }
    let poison = poison.into_iter().collect();
    Ok(Storm { poison, faults })
}

pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let storm = storm()?;
    let poison = storm.poison.clone();
    let call = move |n| calls::call(n, poison.contains(&n));
    let setup = Setup::outstanding(ROWS, call).airtable_takes(PER_SECOND);
    let mut service = Service::with(setup).await?;
    service.airtable.refuse_text(calls::POISON);
    for fault in storm.faults.clone() {
        service.airtable.fail_next(1, fault);
    }
    let (begun, before) = (Instant::now(), service.airtable.requests());
    let mut database = service.database().await?;
    let first_half = until_ended(&mut database, ROWS / 2).await?;
    service.kill()?;
    service.run_again()?;
    until_ended(&mut database, ROWS).await?;
    let took = begun.elapsed().as_secs_f64();
    let requests = service.airtable.requests() - before;
    let cpu = ms(service.cpu()?) / (ROWS - first_half) as f64;
    let mut figures = verdict(&storm, &service, &mut database).await?;
    figures.extend([
        faults_sent(&storm, &service).await?,
        Figure::without_goal(
            "… requests, and requests per row",
            format!("{requests}, {:.3}", requests as f64 / ROWS as f64),
        ),
        Figure::without_goal(
            "… rejected because the base was locked",
            service.airtable.breaches().to_string(),
        ),
        Figure::without_goal(
            "… duration, and rows per second",
            format!("{took:.0} s, {:.1} rows", ROWS as f64 / took),
        ),
        Figure::without_goal("… CPU per row, after the kill", format!("{cpu:.2} ms")),
    ]);
    Ok(figures)
}

/// Waits until so many calls are in their rows or dead; how many are.
async fn until_ended(database: &mut SqliteConnection, count: usize) -> anyhow::Result<usize> {
    let asked = Instant::now();
    loop {
        let ended = "SELECT COUNT(*) FROM deliveries WHERE state IN ('done', 'dead')";
        let ended = sqlx::query_scalar::<_, i64>(ended).fetch_one(&mut *database);
        let ended = usize::try_from(ended.await?)?;
        if ended >= count {
            return Ok(ended);
        }
        ensure!(
            asked.elapsed() < PATIENCE,
            "{ended} of {count} rows were finished in {PATIENCE:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn verdict(
    storm: &Storm,
    service: &Service,
    database: &mut SqliteConnection,
) -> anyhow::Result<Vec<Figure>> {
    let mut found: BTreeMap<String, Vec<calls::Row>> = BTreeMap::new();
    for row in service.airtable.rows("Calls") {
        let id = row.get("Call ID").and_then(Value::as_str);
        let id = id.unwrap_or_default().to_owned();
        found.entry(id).or_default().push(row);
    }
    let (mut missing, mut doubled, mut other) = (0, 0, Vec::new());
    let bucket = format!("{}/recordings/", service.storage.url());
    for n in (0..ROWS).filter(|n| !storm.poison.contains(n)) {
        let rows = found.remove(&calls::id(n)).unwrap_or_default();
        match rows.as_slice() {
            [] => missing += 1,
            [row] => other.extend(calls::differing(n, row, &bucket)),
            _ => doubled += 1,
        }
    }
    let dead = "SELECT call_id FROM deliveries WHERE state = 'dead'";
    let dead: BTreeSet<String> = sqlx::query_scalar(dead)
        .fetch_all(database)
        .await?
        .into_iter()
        .collect();
    let poison: BTreeSet<String> = storm.poison.iter().map(|n| calls::id(*n)).collect();
    let strangers = dead.difference(&poison).count();
    let none = |what: &str, count: usize| Figure::new(what, count.to_string(), "0", count == 0);
    let mut figures = vec![
        none("10,000 rows in a storm: good calls without a row", missing),
        none("… with more than one row", doubled),
        none("… whose row differs in a column", other.len()),
        none("… rows of other calls", found.len()),
        Figure::new(
            "… dead letters: of the poison calls, of others",
            format!("{}, {strangers}", dead.len() - strangers),
            "100, 0",
            dead == poison,
        ),
    ];
    let examples = other.iter().take(3);
    figures.extend(examples.map(|line| Figure::without_goal("… which", line.clone())));
    Ok(figures)
}

/// How much of the storm came.
async fn faults_sent(storm: &Storm, service: &Service) -> anyhow::Result<Figure> {
    let asked = telemetry::http_client()?.get(format!("{}/sim", service.airtable.url()));
    let state: Value = asked.send().await?.json().await?;
    let left = state["faults_left"].as_u64().context("no faults_left")?;
    let came = &storm.faults[..REQUESTS - usize::try_from(left)?];
    let count = |kind: fn(&Fault) -> bool| came.iter().filter(|fault| kind(fault)).count();
    let errors = count(|fault| matches!(fault, Fault::Status(..) | Fault::Html(_)));
    let lost = count(|fault| {
        matches!(
            fault,
            Fault::AfterWrite | Fault::Truncated | Fault::After(_)
        )
    });
    let never = count(|fault| matches!(fault, Fault::After(_)));
    let lockouts = count(|fault| *fault == Fault::Lockout);
    Ok(Figure::new(
        "… injected 5xx, responses lost after the write (of these, no response at all), lockouts",
        format!("{errors}, {lost} ({never}), {lockouts}"),
        "3 lockouts",
        lockouts == LOCKOUTS.len(),
    ))
}
