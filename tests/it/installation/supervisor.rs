//! What systemd, or another supervisor, hears of the service (sd_notify).

use std::{
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    path::Path,
    time::{Duration, Instant},
};

use sqlx::{AnyConnection, Connection, Executor};
use uuid::Uuid;

use crate::{
    disk::{hook, until},
    harness::{PATIENCE, World},
    process::Serve,
    real::postgres::fresh_database,
    tcp_gate::Gate,
};

/// Microseconds without a beat after which this supervisor would end the service.
const LIMIT: &str = "4000000";

/// A supervisor's end of the protocol.
struct Listener {
    socket: UnixDatagram,
    address: String,
}

impl Listener {
    fn at(socket: UnixDatagram, address: String) -> Listener {
        let timeout = Some(Duration::from_millis(100));
        socket.set_read_timeout(timeout).unwrap();
        Listener { socket, address }
    }

    fn in_folder(folder: &Path) -> Listener {
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Listener::at(socket, path.to_str().unwrap().to_owned())
    }

    /// A name without a file, as systemd has it in some versions.
    fn without_file() -> Listener {
        let name = format!("supervisor-{}", Uuid::now_v7());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        Listener::at(socket, format!("@{name}"))
    }

    fn settings(&self) -> Vec<(String, String)> {
        let settings = [("NOTIFY_SOCKET", &*self.address), ("WATCHDOG_USEC", LIMIT)];
        settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    /// What came up to now.
    fn heard(&self) -> Vec<String> {
        let mut heard = Vec::new();
        let mut bytes = [0; 4096];
        self.socket.set_nonblocking(true).unwrap();
        while let Ok(length) = self.socket.recv(&mut bytes) {
            heard.push(String::from_utf8(bytes[..length].to_vec()).unwrap());
        }
        heard
    }

    /// Waits until it has heard this so many times from now on; everything that came before the last.
    async fn hear(&self, state: &str, times: usize) -> Vec<String> {
        let (begun, mut all) = (Instant::now(), Vec::new());
        let is_wanted = |it: &&String| it.lines().any(|line| line == state);
        while all.iter().filter(is_wanted).count() < times {
            assert!(begun.elapsed() < PATIENCE, "no {state} in {all:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
            all.extend(self.heard());
        }
        all
    }

    /// The service is alive, although nothing can be written.
    async fn hears_beats(&self) {
        self.heard();
        self.hear("WATCHDOG=1", 5).await;
    }
}

async fn serve(world: &mut World, more: &[(String, String)]) -> Serve {
    std::fs::remove_file(world.folder.path().join("address")).ok();
    let settings = [world.settings(), more].concat();
    let serve = Serve::start(world.folder.path(), &settings).await;
    world.is_served_at(&serve.address);
    serve
}

async fn is_supervised(mut world: World) {
    world.stop().await;
    for listener in [
        Listener::in_folder(world.folder.path()),
        Listener::without_file(),
    ] {
        let mut serve = serve(&mut world, &listener.settings()).await;
        let heard = listener.hear("READY=1", 1).await;
        let ready = heard.iter().find(|it| it.starts_with("READY=1")).unwrap();
        assert_eq!(
            *ready,
            format!("READY=1\nSTATUS=listening on {}", serve.address)
        );
        listener.hears_beats().await;
        assert_eq!(hook(&world, 0).await.status(), 200);
        assert_eq!(serve.stop().await, Some(0));
        let heard = listener.heard();
        let stopping = heard
            .iter()
            .find(|it| it.starts_with("STOPPING=1\nSTATUS="));
        assert!(stopping.is_some(), "{heard:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_hears_when_the_service_works_and_when_it_stops() {
    is_supervised(World::new().await).await;
    let database = fresh_database().await;
    is_supervised(World::with(&[("DATABASE_URL", &database)]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_or_full_database_costs_no_beat() {
    let mut world = World::new().await;
    world.stop().await;
    let listener = Listener::in_folder(world.folder.path());
    let mut serve = serve(&mut world, &listener.settings()).await;
    sqlx::any::install_default_drivers();
    let mut other = AnyConnection::connect(&world.database()).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let refused = hook(&world, 0).await;
    assert_eq!(refused.status(), 503);
    until(&world, "/readyz", 503).await;
    listener.hears_beats().await;
    other.execute("ROLLBACK").await.unwrap();
    until(&world, "/readyz", 200).await;
    crate::disk::limit(&serve, "1");
    until(&world, "/readyz", 503).await;
    assert_eq!(hook(&world, 1).await.status(), 503);
    listener.hears_beats().await;
    crate::disk::limit(&serve, "unlimited");
    until(&world, "/readyz", 200).await;
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_or_silent_costs_no_beat() {
    let mut world = World::new().await;
    world.stop().await;
    let database = fresh_database().await;
    let (server, name) = database.rsplit_once('/').unwrap();
    let (user, host) = server.rsplit_once('@').unwrap();
    let mut gate = Gate::before(&format!("http://{host}")).await;
    let behind = gate.url().replace("http://", "");
    world.set("DATABASE_URL", &format!("{user}@{behind}/{name}"));
    let listener = Listener::in_folder(world.folder.path());
    let mut serve = serve(&mut world, &listener.settings()).await;
    listener.hear("READY=1", 1).await;
    gate.close().await;
    until(&world, "/readyz", 503).await;
    assert_eq!(hook(&world, 0).await.status(), 503);
    listener.hears_beats().await;
    gate.stick().await;
    assert_eq!(hook(&world, 1).await.status(), 503);
    listener.hears_beats().await;
    gate.open().await;
    until(&world, "/readyz", 200).await;
    assert_eq!(hook(&world, 2).await.status(), 200);
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watchdog_of_another_process_and_a_socket_that_is_gone_change_nothing() {
    let mut world = World::new().await;
    world.stop().await;
    let listener = Listener::in_folder(world.folder.path());
    let other = ("WATCHDOG_PID".to_owned(), "1".to_owned());
    let settings = [listener.settings(), vec![other]].concat();
    let mut serving = serve(&mut world, &settings).await;
    let mut heard = listener.hear("READY=1", 1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    heard.extend(listener.heard());
    assert!(!heard.iter().any(|it| it.contains("WATCHDOG")), "{heard:?}");
    assert_eq!(serving.stop().await, Some(0));
    for (address, warning) in [
        ("/nowhere/notify", "does not get the state"),
        ("vsock:2:1", "NOTIFY_SOCKET cannot be used"),
    ] {
        let gone = [("NOTIFY_SOCKET".to_owned(), address.to_owned())];
        let mut serving = serve(&mut world, &gone).await;
        assert_eq!(hook(&world, 3).await.status(), 200);
        assert_eq!(serving.stop().await, Some(0));
        let said = serving.said();
        assert_eq!(said.matches(warning).count(), 1, "{said}");
    }
}

#[test]
fn the_unit_waits_for_the_service_and_watches_it() {
    let service = include_str!("../../../deploy/livekit-airtable.service");
    for line in ["Type=notify", "WatchdogSec=60", "TimeoutStartSec=15min"] {
        assert!(service.lines().any(|it| it == line), "{line}");
    }
}
