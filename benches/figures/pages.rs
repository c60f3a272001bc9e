//! The pages: what 64 open ones cost the webhooks, and how soon the list is there while calls come in.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::Response;
use tokio::task::JoinSet;

use crate::{
    Figure,
    load::{self, CONNECTIONS},
    ms, percentile, rows,
    service::{Service, Setup, TOKEN},
    webhooks,
};

/// Webhooks of a round, and rounds of each kind.
const ROUND: usize = 20_000;
const ROUNDS: usize = 3;
/// Pages that are open.
const OPEN: usize = 64;
/// Calls in the database, and those that come in every minute.
const CALLS: usize = 100_000;
const PER_MINUTE: u32 = 1_000;
/// Times that each page is opened.
const VIEWS: usize = 200;

pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let mut figures = beside_open_pages().await?;
    figures.extend(while_calls_come_in().await?);
    Ok(figures)
}

/// Rounds with and without open pages, in turn: the database grows, and the machine has moods.
async fn beside_open_pages() -> anyhow::Result<Vec<Figure>> {
    let service = Service::with(Setup::record_on("manual").with_pages()).await?;
    let visitor = Visitor::sign_in(&service).await?;
    webhooks::send(&service, "warm", ROUND).await?;
    let (mut alone, mut watched) = (Duration::ZERO, Duration::ZERO);
    for round in 0..ROUNDS {
        alone += webhooks::send(&service, &format!("a{round}"), ROUND)
            .await?
            .0;
        let pages = visitor.watch(OPEN).await?;
        watched += webhooks::send(&service, &format!("w{round}"), ROUND)
            .await?
            .0;
        drop(pages);
    }
    let rate = |took: Duration| (ROUND * ROUNDS) as f64 / took.as_secs_f64();
    let (alone, watched) = (rate(alone), rate(watched));
    let less = (1.0 - watched / alone) * 100.0;
    Ok(vec![
        Figure::without_goal("webhooks without open pages", format!("{alone:.0}/s")),
        Figure::without_goal("… with 64 open pages", format!("{watched:.0}/s")),
        Figure::new("… less", format!("{less:.1} %"), "≤ 5 %", less <= 5.0),
    ])
}

/// The first byte of pages with many calls, and more coming in.
async fn while_calls_come_in() -> anyhow::Result<Vec<Figure>> {
    let setup = Setup::outstanding(CALLS, |n| {
        let mut call = rows::ended(n)?;
        let ago = Duration::from_secs(30 * (CALLS - n) as u64);
        call.created_at = call.created_at.map(|at| at - ago);
        Ok(call)
    });
    let service = Service::with(setup.with_pages()).await?;
    let visitor = Visitor::sign_in(&service).await?;
    let coming = tokio::spawn(calls(service.address.clone()));
    let mut figures = Vec::new();
    let newest = format!("/ops/calls/RM_{:012}", CALLS - 1);
    for (what, path, goal, most) in [
        (
            "list of 100,000 calls, 1,000 a minute coming in",
            "/ops",
            "≤ 20 ms",
            20.0,
        ),
        ("… one status", "/ops?status=processing", "≤ 20 ms", 20.0),
        ("… a call without sound", newest.as_str(), "≤ 50 ms", 50.0),
    ] {
        let mut waits = visitor.views(path).await?;
        let (median, p99) = (percentile(&mut waits, 0.5), percentile(&mut waits, 0.99));
        let value = format!("median {:.1} ms, p99 {:.1} ms", ms(median), ms(p99));
        figures.push(Figure::new(what, value, goal, ms(median) <= most));
    }
    ensure!(!coming.is_finished(), "calls came in all the time");
    coming.abort();
    let value = format!("{:.1} MiB", service.resident()?);
    figures.push(Figure::without_goal("… memory", value));
    Ok(figures)
}

/// Sends calls, one after the other, evenly, until it is aborted.
async fn calls(address: String) -> anyhow::Result<()> {
    let mut tick = tokio::time::interval(Duration::from_secs(60) / PER_MINUTE);
    for n in 0.. {
        tick.tick().await;
        let bodies = load::bodies(n, "more", &load::UNRECORDED, 1);
        let requests = bodies.iter().map(|body| load::request(&address, body));
        let requests = requests.collect::<anyhow::Result<Vec<_>>>()?;
        load::send(&address, vec![requests]).await?;
    }
    Ok(())
}

/// Somebody who is signed in.
struct Visitor {
    address: String,
    http: reqwest::Client,
    cookie: String,
}

impl Visitor {
    async fn sign_in(service: &Service) -> anyhow::Result<Visitor> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(CONNECTIONS);
        let http = http.build()?;
        let url = format!("http://{}/ops/login", service.address);
        let request = http.post(url).header("sec-fetch-site", "same-origin");
        let answer = request.body(format!("token={TOKEN}")).send().await?;
        let cookie = answer.headers().get("set-cookie");
        let cookie = cookie.context("nobody is signed in")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Visitor {
            address: service.address.clone(),
            http,
            cookie,
        })
    }

    async fn open(&self, path: &str) -> anyhow::Result<Response> {
        let request = self.http.get(format!("http://{}{path}", self.address));
        let answer = request.header("cookie", &self.cookie).send().await?;
        ensure!(answer.status() == 200, "{path}: {}", answer.status());
        Ok(answer)
    }

    /// Pages that take every event until they are dropped.
    async fn watch(&self, count: usize) -> anyhow::Result<JoinSet<()>> {
        let mut pages = JoinSet::new();
        for _ in 0..count {
            let mut events = self.open("/ops/events").await?;
            pages.spawn(async move { while let Ok(Some(_)) = events.chunk().await {} });
        }
        Ok(pages)
    }

    /// How long each view waits for the page's first byte.
    async fn views(&self, path: &str) -> anyhow::Result<Vec<Duration>> {
        let mut waits = Vec::new();
        for _ in 0..VIEWS {
            let asked = Instant::now();
            let answer = self.open(path).await?;
            waits.push(asked.elapsed());
            answer.bytes().await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(waits)
    }
}
