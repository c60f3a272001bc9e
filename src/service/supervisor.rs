//! Says to systemd, or another supervisor, when the service works.

use std::{net::SocketAddr, time::Duration};

use crate::{
    config::Config,
    pipeline::{Clock, Runner},
    store::Store,
    telemetry::Supervisor,
};

/// How long until a database that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How long a database may be silent.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The supervisor, which the loops of the store and of the jobs feed from now on; `None`: there is none.
pub(super) fn supervisor(config: &Config, store: &Store) -> Option<Supervisor> {
    let settings = config.supervisor.as_ref()?;
    match Supervisor::new(&settings.address, settings.limit) {
        Ok(supervisor) => {
            store.watchdog().feed(supervisor.clone());
            Some(supervisor)
        }
        Err(error) => {
            let address = settings.address.as_str();
            tracing::warn!(%error, address, "NOTIFY_SOCKET cannot be used: the supervisor does not get the state of this service");
            None
        }
    }
}

/// Says that the service works as soon as the database was written. The socket listens already.
pub(super) fn report(
    supervisor: &Option<Supervisor>,
    address: SocketAddr,
    store: &Store,
    runner: &Runner,
) {
    let Some(supervisor) = supervisor.clone() else {
        return;
    };
    let (store, clock, stop) = (store.clone(), runner.clock, runner.stop.clone());
    runner.tasks.spawn(async move {
        while let Err(reason) = written(&store, clock).await {
            supervisor.status(&format!("the database cannot be written: {reason}"));
            let rest = tokio::time::sleep(RETRY);
            if stop.run_until_cancelled(rest).await.is_none() {
                return;
            }
        }
        supervisor.ready(&format!("listening on {address}"));
    });
}

/// Why the database cannot be written.
async fn written(store: &Store, clock: Clock) -> Result<(), String> {
    let checked = tokio::time::timeout(TIMEOUT, store.check(clock())).await;
    let checked = checked.map_err(|_| "it does not answer".to_owned())?;
    checked.map_err(|error| error.reason())
}
