//! Two machines on one PostgreSQL behind a load balancer: both accept messages and share the work; what has one owner moves.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use livekit_airtable::{
    pipeline::{Clock, leases::Leases},
    store::Store,
    telemetry,
};
use livekit_airtable_sim::airtable;
use serde_json::json;

use super::{
    balancer::Balancer,
    kills::{free_address, recorded_once},
    load::{self, Load},
    losses::all_in_rows,
    say, sized,
};
use crate::{
    harness::{World, eventually},
    play::Serve,
    real::postgres::fresh_database,
    signed_webhooks::signature,
};

struct Pair {
    world: World,
    balancer: Balancer,
    /// The two processes and their addresses; the first owns what has one owner.
    replicas: Vec<(Serve, String)>,
}

/// A world on PostgreSQL, whose service is stopped, with an Airtable as strict as the real one: a client that is too fast is
/// locked out for 30 s.
pub(super) async fn shared_world() -> World {
    let database = fresh_database().await;
    let settings = [
        ("DATABASE_URL", database.as_str()),
        ("RECORD_ROOMS", "live-*"),
        ("AIRTABLE_REQUESTS_PER_SECOND", "5"),
    ];
    let mut world = World::beside(&settings, airtable::Options::default()).await;
    world.stop().await;
    world
}

/// Starts another replica and waits until it listens. `livekit`: its LIVEKIT_URL; `None`: the world's.
pub(super) async fn replica(world: &World, address: &str, livekit: Option<&str>) -> Serve {
    let mut command = world.command(&["serve"]);
    command.env("LISTEN_ADDR", address).stderr(Stdio::null());
    if let Some(url) = livekit {
        command.env("LIVEKIT_URL", url);
    }
    let serve = Serve(command.spawn().unwrap());
    let listens = eventually(|| std::net::TcpStream::connect(address).ok());
    assert!(listens.await.is_some(), "the replica never listens");
    serve
}

impl Pair {
    async fn start() -> Pair {
        let world = shared_world().await;
        let addresses = [free_address(), free_address()];
        let balancer = Balancer::start(&addresses).await;
        let hook = format!("http://{}/webhooks/livekit", balancer.address);
        let mut replicas = Vec::new();
        for address in addresses {
            replicas.push((replica(&world, &address, None).await, address));
            world.livekit.set_webhook_urls(vec![hook.clone()]);
            if replicas.len() == 1 {
                world.livekit.open_room("live-0");
                world.starts("live-0", 1).await;
            }
        }
        Pair {
            world,
            balancer,
            replicas,
        }
    }

    /// How long from now until a room that opens now is recorded.
    async fn next_start(&self, room: &str) -> Duration {
        let begun = Instant::now();
        self.world.livekit.open_room(room);
        self.world.livekit.speak(room);
        self.world.starts(room, 1).await;
        begun.elapsed()
    }

    /// The same, reported by a webhook that the living replica accepts.
    async fn next_start_by_hand(&self, room: &str) -> Duration {
        let begun = Instant::now();
        self.world.livekit.lose_webhooks(true);
        let sid = self.world.livekit.open_room(room);
        self.world.livekit.lose_webhooks(false);
        let event = json!({ "event": "room_started", "room": { "sid": sid, "name": room } });
        let body = event.to_string();
        let token = signature(body.as_bytes());
        let (_, living) = &self.replicas[1];
        let request = self
            .world
            .http
            .post(format!("http://{living}/webhooks/livekit"));
        let answer = request.header("authorization", token).body(body).send();
        assert_eq!(answer.await.unwrap().status(), 200);
        self.world.livekit.speak(room);
        self.world.starts(room, 1).await;
        begun.elapsed()
    }

    /// Takes down the owner of the jobs with `end`, `rounds` times under load: how long each hand-over took.
    async fn hand_over(
        &mut self,
        rounds: usize,
        end: impl AsyncFn(Serve),
    ) -> (usize, Vec<Duration>) {
        let calls = 0..sized(60, 600);
        load::put_recordings(&self.world, calls.clone());
        let load = Load::new(self.balancer.address.clone(), 60);
        let loading = tokio::spawn(async move { load.run(calls).await });
        let (mut rooms, mut times) = (vec!["live-0".to_owned()], Vec::new());
        for round in 1..=rounds {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let (owner, address) = self.replicas.remove(0);
            end(owner).await;
            let room = format!("live-{round}");
            times.push(self.next_start(&room).await);
            rooms.push(room);
            self.replicas
                .push((replica(&self.world, &address, None).await, address));
        }
        let tally = loading.await.unwrap();
        let found = all_in_rows(&self.world, 0..sized(60, 600)).await;
        say(&format!(
            "accepted {} (again and again {}), connections {:?}, hand-overs {times:?}, rows {}, lost 0, doubled {}",
            tally.accepted,
            tally.failures.len(),
            self.balancer.taken(),
            found.rows,
            found.doubled
        ));
        let world = &self.world;
        world.livekit.speak("live-0");
        let mut recorded = Vec::new();
        for room in rooms {
            // An open room stays the one that it is.
            recorded.push((room.clone(), world.livekit.open_room(&room)));
            world.livekit.close_room(&room);
        }
        recorded_once(world, &recorded).await;
        assert!(self.balancer.taken().iter().all(|taken| *taken > 0));
        assert_eq!(world.airtable.breaches(), 0, "faster than Airtable allows");
        (tally.accepted, times)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_of_a_killed_replica_go_on_in_the_other_within_15_s() {
    let mut pair = Pair::start().await;
    let kill = async |owner: Serve| owner.kill();
    let (accepted, times) = pair.hand_over(sized(1, 8), kill).await;
    assert_eq!(accepted, sized(60, 600) * load::MESSAGES);
    // The shortest here and below: a busy machine delays some of them.
    let shortest = times.iter().min().unwrap();
    assert!(*shortest < Duration::from_secs(15), "{times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_of_a_stopped_replica_go_on_in_the_other_at_once() {
    let mut pair = Pair::start().await;
    let stop = async |owner: Serve| {
        let (status, time) = owner.terminate().await;
        assert_eq!(status.code(), Some(0));
        assert!(time < Duration::from_secs(20), "{time:?}");
    };
    let (accepted, times) = pair.hand_over(sized(2, 20), stop).await;
    assert_eq!(accepted, sized(60, 600) * load::MESSAGES);
    // A process that waits for a lease looks twice a second; a dead one's lasts 3.5 s.
    let shortest = times.iter().min().unwrap();
    assert!(*shortest < Duration::from_secs(8), "{times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_both_hear_at_once_make_one_row_each() {
    let pair = Pair::start().await;
    let calls = 0..sized(60, 600);
    load::put_recordings(&pair.world, calls.clone());
    let addresses = pair.replicas.iter().map(|(_, address)| address.clone());
    let loads: Vec<Load> = addresses.map(|a| Load::new(a, 2000)).collect();
    let (one, two) = tokio::join!(loads[0].run(calls.clone()), loads[1].run(calls.clone()));
    assert_eq!((one.failures, two.failures), (Vec::new(), Vec::new()));
    all_in_rows(&pair.world, calls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_frozen_does_nothing_twice() {
    let pair = Pair::start().await;
    let (owner, _) = &pair.replicas[0];
    signal(owner, "STOP");
    let room = "live-1";
    let time = pair.next_start_by_hand(room).await;
    assert!(time < Duration::from_secs(60), "{time:?}");
    // It wakes up with everything that it was about to do, and its leases are another's.
    signal(owner, "CONT");
    let calls = 0..20;
    load::put_recordings(&pair.world, calls.clone());
    let load = Load::new(pair.balancer.address.clone(), 60);
    load.run(calls.clone()).await;
    all_in_rows(&pair.world, calls).await;
    let world = &pair.world;
    world.livekit.speak("live-0");
    let mut recorded = Vec::new();
    for room in ["live-0", room] {
        recorded.push((room.to_owned(), world.livekit.open_room(room)));
        world.livekit.close_room(room);
    }
    recorded_once(world, &recorded).await;
}

fn signal(serve: &Serve, name: &str) {
    let pid = serve.0.id().to_string();
    let sent = Command::new("kill").args(["-s", name, &pid]).status();
    assert!(sent.unwrap().success());
}

fn late() -> Timestamp {
    telemetry::now() + Duration::from_secs(3600)
}

fn early() -> Timestamp {
    telemetry::now() - Duration::from_secs(3600)
}

/// Neither a clock that is an hour ahead nor one that is an hour behind takes a lease from the living, or holds the
/// dead one's.
#[tokio::test(flavor = "multi_thread")]
async fn no_clock_decides_who_owns_a_job() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("leases.db").display());
    let open = async || Store::open(&url, telemetry::now()).await.unwrap();
    for (living, other) in [(late as Clock, early as Clock), (early, late)] {
        // Each process has its own name, and its own connection.
        let (one_store, two_store) = (open().await, open().await);
        one_store.clear_leases().await.unwrap();
        let (one, two) = (Leases::default(), Leases::default());
        for leases in [&one, &two] {
            leases.want("airtable");
        }
        for _ in 0..3 {
            one.renew(&one_store, living).await;
            two.renew(&two_store, other).await;
            assert!(one.holds("airtable") && !two.holds("airtable"));
            assert!(one.is_alive() && two.is_alive() && two.has_peers());
        }
        let died = Instant::now();
        while !two.holds("airtable") {
            assert!(died.elapsed() < Duration::from_secs(60), "held by the dead");
            tokio::time::sleep(Duration::from_millis(500)).await;
            two.renew(&two_store, other).await;
        }
        assert!(!one.holds("airtable") && !one.is_alive(), "two owners");
        assert!(!two.has_peers() || two.is_alive());
        one.renew(&one_store, living).await;
        assert!(!one.holds("airtable") && two.holds("airtable"));
        assert!(one.is_alive(), "it is back");
    }
}
