//! Feeds the supervisor's watchdog as long as all loops of this process turn. They do so, too, while the database is away:
//! a beat says that they are not stuck, not that they succeed.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use super::supervisor::Supervisor;

/// How often a loop that waits turns at least.
const TURN: Duration = Duration::from_secs(1);

/// The loops of this process, and whom they feed. Clones share both.
#[derive(Clone, Default)]
pub struct Watchdog(Arc<Loops>);

#[derive(Default)]
struct Loops {
    /// Whether each has turned since the last beat.
    turned: Mutex<BTreeMap<&'static str, bool>>,
    supervisor: OnceLock<Supervisor>,
}

impl Watchdog {
    /// From now on the loops feed this supervisor; only the first one counts.
    pub fn feed(&self, supervisor: Supervisor) {
        self.0.supervisor.set(supervisor).ok();
    }

    /// There is no beat any more unless this loop turns, too.
    pub fn expect(&self, name: &'static str) {
        self.turned().entry(name).or_default();
    }

    /// Does a part of the loop's work. The loop turns when it begins, and again and again while it waits.
    pub async fn watch<T>(&self, name: &'static str, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            self.turn(name);
            if let Ok(done) = tokio::time::timeout(self.pause(), work.as_mut()).await {
                return done;
            }
        }
    }

    fn turn(&self, name: &'static str) {
        let mut turned = self.turned();
        turned.insert(name, true);
        let Some(supervisor) = self.0.supervisor.get() else {
            return;
        };
        if turned.values().all(|turned| *turned) && supervisor.feed() {
            turned.values_mut().for_each(|turned| *turned = false);
        }
    }

    /// Short enough for the supervisor's limit.
    fn pause(&self) -> Duration {
        let limit = self.0.supervisor.get().and_then(Supervisor::limit);
        limit.map_or(TURN, |limit| TURN.min(limit / 4))
    }

    fn turned(&self) -> MutexGuard<'_, BTreeMap<&'static str, bool>> {
        let turned = &self.0.turned;
        turned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    /// How long a beat may take on a busy machine, and how long its absence is watched.
    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_secs(1);

    fn heard(socket: &UnixDatagram, patience: Duration) -> Option<String> {
        socket.set_read_timeout(Some(patience)).unwrap();
        let mut bytes = [0; 100];
        let length = socket.recv(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }

    fn clear(socket: &UnixDatagram) {
        while heard(socket, Duration::from_millis(1)).is_some() {}
    }

    #[expect(clippy::disallowed_methods, reason = "a test's tasks end with it")]
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn only_when_all_loops_turn_there_are_beats() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let watchdog = Watchdog::default();
        let limit = Some(Duration::from_millis(400));
        watchdog.feed(Supervisor::new(path.to_str().unwrap(), limit).unwrap());
        watchdog.expect("scan");
        // It waits for something that never comes, such as a database that is away.
        let (writer, other) = (watchdog.clone(), watchdog.clone());
        tokio::spawn(async move { writer.watch("writer", std::future::pending::<()>()).await });
        assert_eq!(heard(&socket, SHORT), None, "one loop alone");
        let scan =
            tokio::spawn(async move { other.watch("scan", std::future::pending::<()>()).await });
        for _ in 0..3 {
            assert_eq!(heard(&socket, LONG).as_deref(), Some("WATCHDOG=1"));
        }
        // A loop that has ended, or is stuck, turns no more.
        scan.abort();
        assert!(scan.await.unwrap_err().is_cancelled());
        clear(&socket);
        heard(&socket, SHORT);
        assert_eq!(heard(&socket, SHORT), None, "a loop that has ended");
        let stuck = watchdog.clone();
        let blocking = async move { std::thread::sleep(3 * SHORT) };
        let scan = tokio::spawn(async move { stuck.watch("scan", blocking).await });
        heard(&socket, SHORT);
        assert_eq!(heard(&socket, SHORT), None, "a loop that blocks");
        scan.await.unwrap();
    }
}
