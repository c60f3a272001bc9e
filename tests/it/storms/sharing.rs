//! Replicas on one PostgreSQL share the work: whichever of them hears of a room starts its recording, and those that are
//! killed or cut off from LiveKit hold nobody up.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use livekit_airtable::{store::Store, telemetry};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Mutex, MutexGuard},
};

use super::{
    balancer::Balancer,
    kills::free_address,
    reference::Reference,
    replicas::{replica, shared_world},
    say, sized,
};
use crate::{
    harness::{API_TOKEN, PATIENCE, World},
    play::{Serve, text},
};

/// Calls per second.
const RATE: f64 = 4.0;
/// How long a call lasts, if starts on this machine take a small part of that.
const CALL: Duration = Duration::from_secs(3);
/// How many times longer than the slowest start before the load a call lasts at least.
const SLOW_MACHINE: u32 = 8;
/// How many open calls may wait for their recording before the next one begins. When nobody starts any, these end without one.
const WAITING: usize = 16;

/// These tests measure how soon recordings start: one at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Replicas behind a load balancer.
struct Replicas {
    world: World,
    balancer: Balancer,
    /// The living ones, with their addresses.
    living: Vec<(Serve, String)>,
    /// How long each call lasts if the machine is as busy as before the load.
    length: Duration,
    reference: Reference,
    /// How long a start of the reference took before the load.
    reference_before: Duration,
    _alone: MutexGuard<'static, ()>,
}

/// What became of the calls.
#[derive(Debug, Default)]
struct Outcome {
    /// Rooms with one egress.
    recorded: usize,
    /// Rooms with several.
    doubled: usize,
    lost_rows: usize,
    doubled_rows: usize,
    /// The longest from the opening of a room to its start request.
    slowest: Duration,
}

impl Replicas {
    /// One replica for each of these addresses of LiveKit; `None`: the stand-in's.
    async fn start(livekit_urls: &[Option<&str>]) -> Replicas {
        let alone = ONE_AT_A_TIME.lock().await;
        let world = shared_world().await;
        let addresses: Vec<String> = livekit_urls.iter().map(|_| free_address()).collect();
        let balancer = Balancer::start(&addresses).await;
        let hook = format!("http://{}/webhooks/livekit", balancer.address);
        world.livekit.set_webhook_urls(vec![hook]);
        let mut living = Vec::new();
        for (address, livekit) in addresses.into_iter().zip(livekit_urls) {
            living.push((replica(&world, &address, *livekit).await, address));
        }
        let mut replicas = Replicas {
            world,
            balancer,
            living,
            length: CALL,
            reference: Reference::start().await,
            reference_before: Duration::ZERO,
            _alone: alone,
        };
        replicas.length = CALL.max(replicas.slowest_of(6).await * SLOW_MACHINE);
        replicas.reference_before = replicas.reference.slowest();
        replicas
    }

    /// The slowest of some starts before the load.
    async fn slowest_of(&self, count: usize) -> Duration {
        let mut slowest = Duration::ZERO;
        for n in 0..count {
            let (room, opened) = (format!("live-before-{n}"), Instant::now());
            self.world.livekit.open_room(&room);
            self.world.livekit.speak(&room);
            self.world.starts(&room, 1).await;
            slowest = slowest.max(opened.elapsed());
            self.world.livekit.close_room(&room);
        }
        slowest
    }

    /// How long a call lasts now: longer, if the reference has become slower.
    fn length_now(&self) -> Duration {
        let slower = self.reference.slowest().as_secs_f64() / self.reference_before.as_secs_f64();
        self.length.mul_f64(slower.max(1.0))
    }

    /// These calls at [`RATE`] at most; before those of `kills`, the first living replica is killed. Returns their rooms'
    /// names and sids, and when each was opened.
    async fn call(&mut self, count: usize, kills: &[usize]) -> Vec<(String, String, Instant)> {
        let between = Duration::from_secs_f64(1.0 / RATE);
        let mut rooms: Vec<(String, String, Instant)> = Vec::new();
        let mut closed = 0;
        while closed < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let oldest = rooms.get(closed);
            if oldest.is_some_and(|(.., opened)| opened.elapsed() >= self.length_now()) {
                self.world.livekit.close_room(&rooms[closed].0);
                closed += 1;
            }
            let last = rooms.last().map(|(.., opened)| opened.elapsed());
            let is_due = rooms.len() < count && last.is_none_or(|last| last >= between);
            if is_due && self.waiting(&rooms[closed..]) < WAITING {
                if kills.contains(&rooms.len()) {
                    self.living.remove(0).0.kill();
                }
                let name = format!("live-{}", rooms.len());
                let opened = Instant::now();
                let sid = self.world.livekit.open_room(&name);
                self.world.livekit.speak(&name);
                rooms.push((name, sid, opened));
            }
        }
        rooms
    }

    /// How many of these rooms wait for their recording.
    fn waiting(&self, open: &[(String, String, Instant)]) -> usize {
        let starts = self.world.livekit.starts();
        let started: BTreeSet<&str> = starts.iter().map(|(_, room)| room.as_str()).collect();
        let waiting = open
            .iter()
            .filter(|(name, ..)| !started.contains(name.as_str()));
        waiting.count()
    }

    /// Waits until every call has its final row, then counts.
    async fn outcome(&self, rooms: &[(String, String, Instant)]) -> Outcome {
        let is_final = |row: &Value| !matches!(row.as_str(), Some("Live" | "Processing"));
        let asked = Instant::now();
        let rows = loop {
            let rows = self.world.airtable.rows("Calls");
            let done = rows.iter().filter(|row| is_final(&row["Status"]));
            let done: BTreeSet<&str> = done.map(|row| text(row, "Call ID")).collect();
            let all_done = rooms.iter().all(|(_, sid, _)| done.contains(sid.as_str()));
            if all_done || asked.elapsed() > PATIENCE {
                break self.world.rows().await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let mut egresses: BTreeMap<String, usize> = BTreeMap::new();
        for info in self.world.egresses().await {
            let room = info["roomName"].as_str().unwrap().to_owned();
            *egresses.entry(room).or_default() += 1;
        }
        let starts = self.world.livekit.starts();
        let mut outcome = Outcome::default();
        for (name, sid, opened) in rooms {
            let count = egresses.get(name).copied().unwrap_or_default();
            outcome.recorded += usize::from(count == 1);
            outcome.doubled += usize::from(count > 1);
            let own: Vec<_> = rows
                .iter()
                .filter(|row| text(row, "Call ID") == sid)
                .collect();
            let lost = own.is_empty() || own.iter().any(|row| !is_final(&row["Status"]));
            outcome.lost_rows += usize::from(lost);
            outcome.doubled_rows += own.len().saturating_sub(1);
            let start = starts.iter().find(|(_, room)| room == name);
            let waited = start.map(|(at, _)| at.saturating_duration_since((*opened).into()));
            outcome.slowest = outcome.slowest.max(waited.unwrap_or_default());
        }
        outcome
    }

    /// How many recordings each living replica has started.
    async fn shares(&self) -> Vec<u64> {
        let mut shares = Vec::new();
        for (_, address) in &self.living {
            let request = self.world.http.get(format!("http://{address}/metrics"));
            let answer = request.bearer_auth(API_TOKEN).send().await.unwrap();
            let page = answer.text().await.unwrap();
            let line = page
                .lines()
                .find_map(|line| line.strip_prefix("livekit_airtable_recordings_started_total "));
            shares.push(line.map_or(0, |count| count.trim().parse().unwrap()));
        }
        shares
    }

    /// Every row is there once, no room has two egresses, at least this share of the calls is recorded, and Airtable was
    /// never asked too often.
    fn is_whole(&self, outcome: &Outcome, count: usize, recorded: f64) {
        let recorded_share = outcome.recorded as f64 / count as f64;
        let all = (outcome.doubled, outcome.lost_rows, outcome.doubled_rows);
        assert_eq!(all, (0, 0, 0), "{outcome:?}");
        assert!(recorded_share >= recorded, "{outcome:?}");
        let breaches = self.world.airtable.breaches();
        assert_eq!(breaches, 0, "faster than Airtable allows");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_of_two_replicas_is_killed_the_other_goes_on_recording() {
    let mut replicas = Replicas::start(&[None, None]).await;
    let count = sized(120, 600);
    let rooms = replicas.call(count, &[count / 2]).await;
    let outcome = replicas.outcome(&rooms).await;
    let length = replicas.length;
    say(&format!(
        "one of two killed, {count} calls of {length:?}: {outcome:?}"
    ));
    replicas.is_whole(&outcome, count, 0.96);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_base_of_a_killed_replica_moves_to_another() {
    let mut replicas = Replicas::start(&[None, None]).await;
    let before = replicas.call(1, &[]).await;
    replicas.world.row_is(&before[0].1, "Complete").await;
    let database = replicas.world.database();
    let store = Store::open(&database, telemetry::now()).await.unwrap();
    let owner = owner_of_the_base(&store).await;
    // The first one to start has it.
    replicas.living.remove(0).0.kill();
    let killed = Instant::now();
    while owner_of_the_base(&store).await == owner {
        assert!(killed.elapsed() < PATIENCE, "nobody takes it over");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let moved = killed.elapsed();
    let after = replicas.call(1, &[]).await;
    replicas.world.row_is(&after[0].1, "Complete").await;
    // Its lease lasts 3.5 s, and is looked at twice a second; much longer on a busy machine.
    say(&format!(
        "the base of a killed replica moved after {moved:?}"
    ));
    let breaches = replicas.world.airtable.breaches();
    assert_eq!(breaches, 0, "faster than Airtable allows");
}

/// The process that writes to the base.
async fn owner_of_the_base(store: &Store) -> Option<String> {
    let leases = store.leases().await.unwrap();
    let lease = leases.into_iter().find(|lease| lease.job == "airtable");
    lease.map(|lease| lease.owner)
}

#[tokio::test(flavor = "multi_thread")]
async fn when_two_of_three_replicas_are_killed_the_last_goes_on_recording() {
    let mut replicas = Replicas::start(&[None, None, None]).await;
    let count = sized(120, 600);
    let rooms = replicas.call(count, &[count / 3, 2 * count / 3]).await;
    let outcome = replicas.outcome(&rooms).await;
    let length = replicas.length;
    say(&format!(
        "two of three killed, {count} calls of {length:?}: {outcome:?}"
    ));
    replicas.is_whole(&outcome, count, 0.96);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_each_start_a_share_of_the_recordings() {
    let mut replicas = Replicas::start(&[None, None, None]).await;
    let count = sized(60, 600);
    let rooms = replicas.call(count, &[]).await;
    let outcome = replicas.outcome(&rooms).await;
    let shares = replicas.shares().await;
    let taken = replicas.balancer.taken();
    let length = replicas.length;
    say(&format!(
        "three replicas, {count} calls of {length:?}: {outcome:?}, starts {shares:?}, requests {taken:?}"
    ));
    replicas.is_whole(&outcome, count, 1.0);
    let all: u64 = shares.iter().sum();
    assert!(shares.iter().all(|share| share * 10 > all), "{shares:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_livekit_does_not_answer_holds_nobody_up() {
    // It accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut connections = Vec::new();
    tokio::spawn(async move {
        while let Ok((connection, _)) = silent.accept().await {
            connections.push(connection);
        }
    });
    let closed = format!("http://{}", free_address());
    let mut replicas = Replicas::start(&[None, Some(&url), Some(&closed)]).await;
    let count = sized(60, 600);
    let rooms = replicas.call(count, &[]).await;
    let outcome = replicas.outcome(&rooms).await;
    let length = replicas.length;
    say(&format!(
        "two of three cut off from LiveKit, {count} calls of {length:?}: {outcome:?}"
    ));
    replicas.is_whole(&outcome, count, 0.96);
    assert_eq!(replicas.shares().await[1..], [0, 0]);
}
