//! PostgreSQL cuts connections, crashes and comes back while a load runs.

use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::{
    kills::{live, recorded_once},
    load::{self, Load},
    losses::all_in_rows,
    say, sized,
};
use crate::{harness::World, real::postgres::fresh_database};

/// Ends every other session of the database, in the middle of whatever it does.
const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_lose_and_double_nothing() {
    let database = fresh_database().await;
    let world = World::with(&[("DATABASE_URL", &database), ("RECORD_ROOMS", "live-*")]).await;
    let mut knife = PgConnection::connect(&database).await.unwrap();
    let mut cut = 0;
    storm(&world, async || {
        tokio::time::sleep(Duration::from_millis(sized(150, 400))).await;
        let ended: i64 = sqlx::query_scalar(CUT).fetch_one(&mut knife).await.unwrap();
        cut += ended;
    })
    .await;
    say(&format!("connections cut: {cut}"));
    assert!(cut >= 20, "only {cut} connections were cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_crashes_and_comes_back_loses_and_doubles_nothing() {
    let cluster = Cluster::start();
    let settings = [
        ("DATABASE_URL", cluster.url.as_str()),
        ("RECORD_ROOMS", "live-*"),
    ];
    let world = World::with(&settings).await;
    let mut crashes = 0;
    storm(&world, async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.control(&["-m", "immediate", "stop"]);
        tokio::time::sleep(Duration::from_millis(500)).await;
        cluster.run();
        crashes += 1;
    })
    .await;
    say(&format!("crashes of PostgreSQL: {crashes}"));
    assert!(crashes >= 2, "it crashed {crashes} times only");
}

/// A load and some rooms, and `trouble` again and again until all is accepted; then all must be there.
async fn storm(world: &World, mut trouble: impl AsyncFnMut()) {
    let calls = 0..sized(80, 1500);
    load::put_recordings(world, calls.clone());
    let load = Load::new(world.address.to_string(), sized(120, 300));
    let loading = tokio::spawn(async move { load.run(calls).await });
    let living = live(
        world.livekit.clone(),
        world.address.to_string(),
        sized(4, 40),
    );
    let living = tokio::spawn(living);
    while !loading.is_finished() {
        trouble().await;
    }
    let tally = loading.await.unwrap();
    let calls = 0..sized(80, 1500);
    say(&format!(
        "accepted {}, refused meanwhile {}, the longest wait {:?}",
        tally.accepted,
        tally.failures.len(),
        tally.longest
    ));
    assert_eq!(tally.accepted, calls.len() * load::MESSAGES);
    let rooms = living.await.unwrap();
    all_in_rows(world, calls).await;
    recorded_once(world, &rooms).await;
}

/// A PostgreSQL of its own, for a test that takes it down.
struct Cluster {
    folder: TempDir,
    bin: PathBuf,
    port: u16,
    url: String,
}

impl Cluster {
    fn start() -> Cluster {
        let folder = tempfile::tempdir().unwrap();
        let all = std::fs::read_dir("/usr/lib/postgresql").unwrap();
        let bin = all.map(|entry| entry.unwrap().path()).max().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let cluster = Cluster {
            url: format!("postgres://test@127.0.0.1:{port}/postgres"),
            folder,
            bin: bin.join("bin"),
            port,
        };
        // PostgreSQL refuses to run as root.
        let home = cluster.home();
        std::fs::create_dir(&home).unwrap();
        let open = std::fs::Permissions::from_mode(0o711);
        std::fs::set_permissions(cluster.folder.path(), open).unwrap();
        if is_root() {
            succeeds(Command::new("chown").arg("postgres:").arg(&home));
        }
        let made = [
            "--username=test",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
        ];
        let data = format!("--pgdata={}", cluster.data());
        succeeds(cluster.program("initdb").args(made).arg(data));
        cluster.run();
        cluster
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("postgres")
    }

    fn data(&self) -> String {
        format!("{}/data", self.home().display())
    }

    fn program(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
                command.arg(program);
                command
            }
            false => Command::new(program),
        };
        command.current_dir(self.home());
        command
    }

    fn run(&self) {
        let home = self.home().display().to_string();
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off",
            self.port
        );
        self.control(&["-w", "-l", &format!("{home}/log"), "-o", &options, "start"]);
    }

    fn control(&self, args: &[&str]) {
        let mut command = self.program("pg_ctl");
        succeeds(command.args(["-D", &self.data()]).args(args));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = self.program("pg_ctl");
        let stop = stop.args(["-D", &self.data(), "-m", "immediate", "stop"]);
        stop.output().ok();
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

fn succeeds(command: &mut Command) {
    // Its output goes nowhere: a server that it starts would keep a pipe open.
    let quiet = command.stdout(std::process::Stdio::null());
    let status = quiet.stderr(std::process::Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}
