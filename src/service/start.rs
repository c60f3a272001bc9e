//! The service as a whole: start and stop.

use std::{fs::File, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use axum::serve::Listener;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    audit, bucket, database, file_system, jobs, limits::open_files, listen::ListenSocket,
    livekit_keys, lock, pages, prices, rooms, supervisor, uploads,
};
use crate::{
    config::Config,
    domain::PlayPage,
    http::{
        self, Admission, ApiTokens, App, AuditTrail,
        server::{self, Limits},
    },
    pipeline::{Clock, Runner},
    store::Store,
    telemetry::{LogThrottle, Supervisor},
};

/// How long requests, steps and deliveries in progress may take after SIGTERM.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(7);
/// How long connections that were accepted before it may take to send their request.
const LAST_REQUESTS: Duration = Duration::from_millis(300);
/// How long releasing the leases and closing the database may take after that.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(1500);

/// A running service: HTTP server, jobs and leases.
pub struct Service {
    /// Where the HTTP server listens.
    pub address: SocketAddr,
    /// The open database.
    pub store: Store,
    runner: Runner,
    /// Waits for the state of this service.
    supervisor: Option<Supervisor>,
    /// Cancelled: no more connections are accepted.
    accepting: CancellationToken,
    /// Cancelled: the HTTP server ends after the requests in progress.
    serving: CancellationToken,
    server: JoinHandle<()>,
    /// Cancelled: the audit trail stores what it has.
    auditing: CancellationToken,
    audit: JoinHandle<()>,
    /// Cancelled: the leases are not renewed any more.
    renewing: CancellationToken,
    renewal: JoinHandle<()>,
    /// Proves that no other service uses the SQLite file.
    _lock: Option<File>,
}

impl Service {
    /// Opens the database, starts the jobs and listens. `clock` is where jobs and requests get the time from.
    ///
    /// # Errors
    /// When a variable has a value that cannot be used, the database cannot be opened or written, or the address is
    /// taken.
    #[expect(
        clippy::disallowed_methods,
        reason = "the service ends its own tasks in stop"
    )]
    pub async fn start(
        config: &Config,
        metrics: PrometheusHandle,
        clock: Clock,
    ) -> anyhow::Result<Service> {
        file_system::check(&config.database_url);
        let lock = lock::sqlite(&config.database_url).await?;
        let store = Store::open(&config.database_url, clock()).await?;
        let store = match has_pages(config) {
            true => store.with_waveforms(),
            false => store,
        };
        database::report_few_connections(&store).await;
        if lock.is_some() {
            let cleared = store.clear_leases().await;
            cleared.context("DATABASE_URL: the database is not writable")?;
        }
        let supervisor = supervisor::supervisor(config, &store);
        let runner = Runner::new(clock).watched_by(store.watchdog());
        audit::record_start(config, &store, clock).await?;
        let (trail, writer) = AuditTrail::new(store.clone());
        let app = start_jobs(config, &store, &runner, metrics, trail).await?;
        let counting = http::summarize(app.refusal_log.clone(), runner.stop.clone());
        runner.tasks.spawn(counting);
        runner.leases.renew(&store, clock).await;
        let accepting = CancellationToken::new();
        let socket = ListenSocket::open(config.http.listen, accepting.clone()).await?;
        let address = socket.local_addr()?;
        let serving = CancellationToken::new();
        let limits = Limits::new(open_files());
        let server = server::serve(socket, http::router(app), limits, serving.clone());
        let server = tokio::spawn(server);
        supervisor::report(&supervisor, address, &store, &runner);
        rooms::report(&config.recording);
        for name in config.clear_text() {
            tracing::warn!(
                "{name} is http to another machine: its requests, with keys and what callers say, can be read on the way; use https (wss for LIVEKIT_URL)"
            );
        }
        let (leases, leased) = (runner.leases.clone(), store.clone());
        let renewing = CancellationToken::new();
        let stop = renewing.clone();
        let auditing = CancellationToken::new();
        Ok(Service {
            address,
            store,
            supervisor,
            accepting,
            serving,
            server,
            audit: tokio::spawn(writer.run(auditing.clone())),
            auditing,
            renewing,
            renewal: tokio::spawn(async move { leases.keep(&leased, clock, &stop).await }),
            runner,
            _lock: lock,
        })
    }

    /// Stops accepting, ends what is in progress, releases the leases; takes less than 10 s.
    pub async fn stop(self) {
        if let Some(supervisor) = &self.supervisor {
            supervisor.stopping();
        }
        self.accepting.cancel();
        self.runner.stop.cancel();
        self.runner.tasks.close();
        // A connection that was accepted a moment ago has not sent its request yet, and would be closed without an
        // answer.
        tokio::time::sleep(LAST_REQUESTS).await;
        self.serving.cancel();
        let drained = async {
            self.server.await.ok();
            self.runner.tasks.wait().await;
        };
        if tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
            tracing::warn!("shutdown timed out; unfinished work resumes at the next start");
        }
        // Not aborted: a renewal in progress would come after the release.
        self.renewing.cancel();
        self.auditing.cancel();
        let closed = async {
            let released = async {
                self.renewal.await.ok();
                self.runner.leases.release(&self.store).await;
            };
            let (_, ()) = tokio::join!(self.audit, released);
            self.store.close().await;
        };
        tokio::time::timeout(CLOSE_TIMEOUT, closed).await.ok();
    }
}

/// Starts the jobs; what requests need to be answered beside them.
async fn start_jobs(
    config: &Config,
    store: &Store,
    runner: &Runner,
    metrics: PrometheusHandle,
    audit: AuditTrail,
) -> anyhow::Result<App> {
    let links = bucket::service_links(config, store).await?;
    bucket::check_links(&config.storage, &config.links)?;
    let storage = bucket::client(&config.storage);
    let prices = prices::prices(config.airtable.prices.as_deref())?;
    let ops = pages::start(config, store, runner, &storage, prices.clone())?;
    let keys = livekit_keys::start(&config.livekit, store, runner).await?;
    jobs::start(config, store, runner, &storage, (&links, prices.clone())).await?;
    let connections = Limits::new(open_files()).connections;
    Ok(App {
        store: store.clone(),
        keys,
        wake: runner.wake.clone(),
        status: runner.status.clone(),
        storage: storage.clone(),
        links,
        play_page: config.links.play_page,
        base: http::BaseBudget {
            id: config.airtable.base_id.clone(),
            monthly_requests: config.airtable.monthly_requests,
            requests_per_second: config.airtable.requests_per_second,
        },
        tokens: ApiTokens::new(&config.http.api_tokens),
        admission: Admission::new(connections, store.large_bodies().clone()),
        uploads: uploads::start(config, store, runner, &storage)?,
        prices,
        audit,
        ops,
        trusted_proxies: config.http.trusted_proxies.clone(),
        metrics,
        writable: Default::default(),
        refusal_log: Arc::new(LogThrottle::each_minute()),
        refused_tokens: Default::default(),
        clock: runner.clock,
    })
}

/// Whether anybody can look at recordings in pages.
fn has_pages(config: &Config) -> bool {
    config.links.play_page == PlayPage::On || !config.http.api_tokens.is_empty()
}
