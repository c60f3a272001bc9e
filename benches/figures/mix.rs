//! The webhooks of recorded calls per second, what they cost in disk and memory, and how fast what is left is folded: each
//! call has its participants, its egress from start to end and its recording in the bucket, and hundreds of calls go on at
//! once. Then the same with an agent's report of each call.

use std::{
    fs::File,
    time::{Duration, Instant},
};

use livekit_api::access_token::{AccessToken, VideoGrants};
use tokio::{net::TcpStream, sync::mpsc, task::JoinHandle};

use crate::{
    Figure, bare,
    load::{self, CONNECTIONS, Calls},
    ms, percentile,
    service::{KEY, SECRET, Service, Setup},
    webhooks::wait_for_intake,
};

/// Calls that each connection has going on at once.
const AT_ONCE: usize = 8;
/// Calls of each connection, in two parts: memory is measured after each.
const PARTS: [usize; 2] = [24, 120];
/// Calls of each connection whose agents report them, too.
const REPORTED: usize = 24;
const RECORDED: Calls = Calls {
    events: &load::RECORDED,
    at_once: AT_ONCE,
};
/// The room and the egress of the captured webhooks, the storage that they name, and the size of the recording in bytes.
const ROOM: &str = "RM_6KXUbx5CgQHS";
const EGRESS: &str = "EG_6Pth2pmv6rMS";
const STORAGE: &str = "//127.0.0.1:8333";
const SIZE: u64 = 107_989;
const REPORT: &str = include_str!("../../tests/fixtures/agents/agents_py_session_report.json");

pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let loads = (0..CONNECTIONS).map(|n| load::bodies(n, "bare", &RECORDED, PARTS[0]));
    let bare = bare::inserts_per_second(folder.path(), loads.collect()).await?;
    let setup = Setup::record_on("manual").in_database_of_environment();
    let service = Service::with(setup).await?;
    let (first, first_count, _) = send(&service, "a", PARTS[0], Agents::Silent).await?;
    wait_for_intake(&service).await?;
    let after_first = service.resident()?;
    let (written, cpu) = (service.written()?, service.cpu()?);
    let (seconds, count, mut waits) = send(&service, "b", PARTS[1], Agents::Silent).await?;
    let Backlog {
        left,
        fold_rate,
        all_folded,
    } = fold_backlog(&service).await?;
    let written = (service.written()? - written) as f64 / count as f64 / 1000.0;
    let cpu = (service.cpu()? - cpu).as_secs_f64() * 1e6 / count as f64;
    let after_all = service.resident()?;
    let rate = count as f64 / seconds;
    let first_rate = first_count as f64 / first;
    let p50 = ms(percentile(&mut waits, 0.5));
    let p99 = ms(percentile(&mut waits, 0.99));
    let mut figures = vec![
        Figure::new(
            "durable webhooks of recorded calls, 64 connections, 512 calls at once",
            format!("{rate:.0}/s"),
            "≥ 5,000/s",
            rate >= 5000.0,
        ),
        Figure::without_goal(
            &format!("… the first {first_count}"),
            format!("{first_rate:.0}/s"),
        ),
        Figure::without_goal("… median", format!("{p50:.1} ms")),
        Figure::new("… p99", format!("{p99:.1} ms"), "< 25 ms", p99 < 25.0),
        Figure::without_goal("… ratio to bare group-committed inserts", {
            format!("{:.2} of {bare:.0}/s", rate / bare)
        }),
        Figure::new(
            &format!("… messages folded afterwards; {left} were left"),
            format!("{fold_rate:.0}/s"),
            "≥ 10,000/s",
            fold_rate >= 10_000.0,
        ),
        Figure::without_goal(
            "… until the answers of the storage about all calls were folded, too",
            format!("{all_folded:.1} s"),
        ),
        Figure::without_goal("… CPU time of each", format!("{cpu:.0} µs")),
        memory("… memory after the first", after_first),
        memory("… memory after all", after_all),
    ];
    figures.extend(on_disk(&service, written, count + first_count)?);
    figures.extend(with_reports(&service).await?);
    Ok(figures)
}

/// What webhooks left to be folded.
struct Backlog {
    /// Messages.
    left: i64,
    /// Those, folded per second.
    fold_rate: f64,
    /// Seconds until what the storage said of their recordings was folded, too.
    all_folded: f64,
}

/// Waits until what webhooks left is folded, and all that follows from it.
async fn fold_backlog(service: &Service) -> anyhow::Result<Backlog> {
    let newest = service.newest_message().await?;
    let left = service.unprocessed_until(&newest).await?;
    let sent = Instant::now();
    while service.unprocessed_until(&newest).await? > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let fold_rate = left as f64 / sent.elapsed().as_secs_f64();
    wait_for_intake(service).await?;
    Ok(Backlog {
        left,
        fold_rate,
        all_folded: sent.elapsed().as_secs_f64(),
    })
}

/// The same webhooks, with a report of each call.
async fn with_reports(service: &Service) -> anyhow::Result<Vec<Figure>> {
    let (written, cpu) = (service.written()?, service.cpu()?);
    let began = Instant::now();
    let (seconds, count, mut waits) = send(service, "c", REPORTED, Agents::Report).await?;
    wait_for_intake(service).await?;
    let (all, calls) = (began.elapsed().as_secs_f64(), CONNECTIONS * REPORTED);
    let written = (service.written()? - written) as f64 / calls as f64 / 1000.0;
    let cpu = (service.cpu()? - cpu).as_secs_f64() * 1e3 / calls as f64;
    let p99 = ms(percentile(&mut waits, 0.99));
    Ok(vec![
        Figure::without_goal(
            "durable webhooks of calls whose agents report them, and their p99",
            format!("{:.0}/s, {p99:.1} ms", count as f64 / seconds),
        ),
        Figure::without_goal(
            &format!("… these {calls} calls with all that follows"),
            format!("{all:.1} s, each {cpu:.1} ms of CPU time, {written:.0} kB written"),
        ),
    ])
}

/// Whether each call has an agent that reports it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Agents {
    Silent,
    Report,
}

/// What was written for each webhook (kB), and what so many left in the database's file, if it is one.
fn on_disk(service: &Service, written: f64, webhooks: usize) -> anyhow::Result<Vec<Figure>> {
    let Some((database, log)) = service.database_bytes()? else {
        return Ok(Vec::new());
    };
    let each = database as f64 / webhooks as f64 / 1000.0;
    Ok(vec![
        Figure::new(
            "… written to disk for each",
            format!("{written:.1} kB"),
            "< 12 kB",
            written < 12.0,
        ),
        Figure::without_goal(
            "… kept in the database for each, and in its write-ahead log in all",
            format!("{each:.1} kB, {:.1} MB", log as f64 / 1e6),
        ),
    ])
}

fn memory(what: &str, mib: f64) -> Figure {
    Figure::new(what, format!("{mib:.1} MiB"), "< 40 MiB", mib < 40.0)
}

/// Sends the webhooks of so many calls on each connection; how many seconds they took, how many there were, and each one's
/// wait. The reports may take longer, and are waited for.
async fn send(
    service: &Service,
    round: &str,
    calls: usize,
    agents: Agents,
) -> anyhow::Result<(f64, usize, Vec<Duration>)> {
    let mut connections = Vec::new();
    for n in 0..CONNECTIONS {
        upload(service, n, round, calls)?;
        connections.push(Connection::open(service, n, round, (calls, agents)).await?);
    }
    let started = Instant::now();
    let sending: Vec<_> = connections
        .into_iter()
        .map(|connection| tokio::spawn(connection.send()))
        .collect();
    let (mut all, mut reporting) = (Vec::new(), Vec::new());
    for sent in sending {
        let (waits, reports) = sent.await??;
        all.extend(waits);
        reporting.push(reports);
    }
    let took = started.elapsed().as_secs_f64();
    for reports in reporting {
        reports.await??;
    }
    Ok((took, all.len(), all))
}

/// A connection for webhooks, and one for the reports of the same calls: each is answered when its call is known.
struct Connection {
    webhooks: (TcpStream, Vec<Vec<u8>>),
    reports: (TcpStream, Vec<Vec<u8>>),
}

impl Connection {
    async fn open(
        service: &Service,
        n: usize,
        round: &str,
        (calls, agents): (usize, Agents),
    ) -> anyhow::Result<Connection> {
        let address = &service.address;
        let bodies = load::bodies(n, round, &RECORDED, calls);
        let webhooks = bodies
            .iter()
            .map(|body| load::request(address, &in_storage(service, body)));
        let reported = if agents == Agents::Report { calls } else { 0 };
        let rooms = (0..reported).map(|call| load::room(n, round, call));
        let reports = rooms.map(|room| report(address, &room));
        Ok(Connection {
            webhooks: (
                TcpStream::connect(address).await?,
                webhooks.collect::<anyhow::Result<_>>()?,
            ),
            reports: (
                TcpStream::connect(address).await?,
                reports.collect::<anyhow::Result<_>>()?,
            ),
        })
    }

    /// Each call's report is sent when the webhooks of the calls beside it have been sent.
    async fn send(self) -> anyhow::Result<(Vec<Duration>, JoinHandle<anyhow::Result<()>>)> {
        let (mut socket, requests) = self.webhooks;
        let (mut reporter, reports) = self.reports;
        let (ended, mut due) = mpsc::unbounded_channel::<Vec<u8>>();
        let reporting = tokio::spawn(async move {
            while let Some(report) = due.recv().await {
                load::exchange(&mut reporter, &report, "202").await?;
            }
            Ok(())
        });
        socket.set_nodelay(true)?;
        let (mut waits, mut reports) = (Vec::with_capacity(requests.len()), reports.into_iter());
        for request in requests {
            waits.push(load::exchange(&mut socket, &request, "200").await?);
            if waits.len().is_multiple_of(RECORDED.events.len() * AT_ONCE) {
                for report in reports.by_ref().take(AT_ONCE) {
                    ended.send(report)?;
                }
            }
        }
        Ok((waits, reporting))
    }
}

/// The captured webhook of an egress that uploads to the service's storage.
fn in_storage(service: &Service, body: &str) -> String {
    let storage = service.storage.url();
    body.replace(&format!("https:{STORAGE}"), &storage)
        .replace(&format!("http:{STORAGE}"), &storage)
}

/// The recordings of the calls, in the bucket before LiveKit reports them. They have no contents and their full size.
fn upload(service: &Service, connection: usize, round: &str, calls: usize) -> anyhow::Result<()> {
    let folder = service.folder.path().join("bucket/recordings/recordings");
    std::fs::create_dir_all(&folder)?;
    for n in 0..calls {
        let room = load::room(connection, round, n);
        File::create(folder.join(format!("RM_{room}.mp3")))?.set_len(SIZE)?;
    }
    Ok(())
}

/// A complete request with the report of a room's agent.
fn report(address: &str, room: &str) -> anyhow::Result<Vec<u8>> {
    let body = REPORT.replace("RM_x", &format!("RM_{room}"));
    let body = body.replace("call-1", &format!("call-{room}"));
    let body = body.replace("AJ_x", &format!("AJ_{room}"));
    let grants = VideoGrants {
        room_admin: true,
        room: format!("call-{room}"),
        ..VideoGrants::default()
    };
    let token = AccessToken::with_api_key(KEY, SECRET).with_grants(grants);
    let token = token.to_jwt()?;
    let length = body.len();
    let request = format!(
        "POST /v1/transcripts HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    Ok(request.into_bytes())
}

/// The ids of a captured body, replaced by those of a room.
pub(crate) fn of_room(body: &str, room: &str) -> String {
    body.replace(ROOM, &format!("RM_{room}"))
        .replace(EGRESS, &format!("EG_{room}"))
        .replace("call-real-1", &format!("call-{room}"))
        .replace("\"EV_", &format!("\"EV_{room}"))
}
