//! `serve`: the service.

use std::{fs::File, net::SocketAddr, path::PathBuf, pin::pin, sync::Arc, time::Duration};

use anyhow::Context;
use axum::serve::Listener;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    asked_to_stop,
    base::{airtable_client, budget, schema},
    bucket, caretakers,
    listen::Socket,
    lock,
    recorder::Recorder,
};
use crate::{
    airtable::Schema,
    config::{Config, Source},
    domain::link::LinkRules,
    http::{
        self,
        server::{self, Limits},
    },
    livekit::token::Keys,
    mirror,
    pipeline::{
        Clock, Runner,
        deliver::{Deliver, Deliverer},
        sinks,
    },
    storage,
    store::Store,
    telemetry,
};

/// How long SIGTERM leaves for what is being done.
const DRAIN: Duration = Duration::from_secs(7);
/// How long connections that were taken before it have to send their request.
const LAST_REQUESTS: Duration = Duration::from_millis(300);
/// How long the database has after that to take the leases back.
const LEAVE: Duration = Duration::from_millis(1500);
const UPKEEP: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub struct Args {
    /// Write the address, `IP:port`, into this file once the socket listens
    #[arg(long, value_name = "PATH")]
    addr_file: Option<PathBuf>,
}

pub async fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    let config = Config::serve(source)?;
    let metrics = telemetry::metrics().context("the metrics could not be set up")?;
    let upkeep = metrics.clone();
    // From the first moment on: a signal that nobody handles yet ends the process as a failure, or, of the first process
    // in a container, is lost.
    let mut stop = pin!(asked_to_stop());
    let service = tokio::select! {
        service = Service::start(&config, metrics, telemetry::now) => service?,
        stopped = &mut stop => return stopped,
    };
    // Without it the recorder keeps every latency that was ever measured.
    let upkeep = tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    tracing::info!(address = %service.address, "listening");
    if let Some(path) = args.addr_file {
        let line = format!("{}\n", service.address);
        std::fs::write(&path, line)
            .with_context(|| format!("{} could not be written", path.display()))?;
    }
    stop.await?;
    tracing::info!("stopping: no new requests; what is being done is ended");
    service.stop().await;
    upkeep.abort();
    tracing::info!("stopped");
    Ok(())
}

/// The service, running.
pub struct Service {
    pub address: SocketAddr,
    pub store: Store,
    runner: Runner,
    /// Takes no more connections.
    accepting: CancellationToken,
    /// Ends the HTTP server.
    closing: CancellationToken,
    server: tokio::task::JoinHandle<()>,
    /// Ends the keeper of the leases.
    leaving: CancellationToken,
    keeper: tokio::task::JoinHandle<()>,
    /// Proves that no other `serve` uses the SQLite file.
    _lock: Option<File>,
}

impl Service {
    pub async fn start(
        config: &Config,
        metrics: PrometheusHandle,
        clock: Clock,
    ) -> anyhow::Result<Service> {
        let lock = lock::sqlite(&config.database_url)?;
        let store = Store::open(&config.database_url, clock()).await?;
        if lock.is_some() {
            let purged = store.clear_leases().await;
            purged.context("DATABASE_URL: the database cannot be written")?;
        }
        let links = bucket::links(&config.links, &config.recording, &store).await?;
        let schema = schema(&config.airtable)?;
        let runner = Runner::new(clock);
        let storage = bucket::client(&config.storage);
        jobs(config, &store, &runner, &storage, &links, schema).await?;
        caretakers::start(config, &store, &runner)?;
        runner.leases.renew(&store, runner.clock).await;
        let app = http::App {
            store: store.clone(),
            keys: Keys::new(config.livekit.webhook_keys.clone()),
            wake: runner.wake.clone(),
            status: runner.status.clone(),
            storage,
            links,
            base: http::Base {
                id: config.airtable.base_id.clone(),
                monthly_requests: config.airtable.monthly_requests,
                requests_per_second: config.airtable.requests_per_second,
            },
            api_token: config.http.api_token.clone(),
            reading: Semaphore::new(1),
            metrics,
            writable: Default::default(),
            refusals: Default::default(),
            clock: runner.clock,
        };
        let accepting = CancellationToken::new();
        let socket = Socket::open(config.http.listen, accepting.clone()).await?;
        let address = socket.local_addr()?;
        let closing = CancellationToken::new();
        let limits = Limits::new(open_files());
        let server = server::serve(socket, http::router(app), limits, closing.clone());
        let (leases, kept, clock) = (runner.leases.clone(), store.clone(), runner.clock);
        let leaving = CancellationToken::new();
        let left = leaving.clone();
        Ok(Service {
            address,
            store,
            accepting,
            closing,
            server: tokio::spawn(server),
            leaving,
            keeper: tokio::spawn(async move { leases.keep(&kept, clock, &left).await }),
            runner,
            _lock: lock,
        })
    }

    /// Stops accepting, ends what is being done, gives the leases back.
    pub async fn stop(self) {
        self.accepting.cancel();
        self.runner.stop.cancel();
        self.runner.tasks.close();
        // A connection that was taken a moment ago has not sent its request yet, and would be closed without an answer.
        tokio::time::sleep(LAST_REQUESTS).await;
        self.closing.cancel();
        let served = async {
            self.server.await.ok();
            self.runner.tasks.wait().await;
        };
        if tokio::time::timeout(DRAIN, served).await.is_err() {
            tracing::warn!("something took too long to end; it is done again after the next start");
        }
        // Not aborted: a renewal that is under way would come after the release.
        self.leaving.cancel();
        let left = async {
            self.keeper.await.ok();
            self.runner.leases.release(&self.store).await;
            self.store.close().await;
        };
        tokio::time::timeout(LEAVE, left).await.ok();
    }
}

/// How many files and sockets this process may have open: the soft limit, as Linux tells it; elsewhere the usual one.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    soft.unwrap_or(1024)
}

/// Starts every job that is configured.
async fn jobs(
    config: &Config,
    store: &Store,
    runner: &Runner,
    storage: &storage::Client,
    links: &LinkRules,
    schema: Schema,
) -> anyhow::Result<()> {
    let http = telemetry::http_client()?;
    let recorder = Recorder {
        livekit: &config.livekit,
        bucket: &config.storage,
        recording: &config.recording,
        times: &config.times,
        mirrors: config.mirror.is_some(),
    };
    let started = recorder.start(store, runner, storage, http.clone());
    started.await?;
    let lost_after = config.times.egress_lost_after;
    spawn_sink(
        runner,
        store,
        sinks::storage::Storage {
            client: storage.clone(),
            lost_after,
        },
    );
    let budget = budget(&config.airtable, store, runner.clock);
    spawn_sink(
        runner,
        store,
        sinks::airtable::Airtable {
            client: airtable_client(&config.airtable, http.clone()).counted(budget.ledger()),
            budget,
            schema,
            store: store.clone(),
            storage: storage.clone(),
            links: links.clone(),
            wake: runner.wake.clone(),
            path: config.recording.path.clone(),
            table: Default::default(),
        },
    );
    if let Some(target) = &config.mirror {
        let target = mirror::Config {
            url: target.url.clone(),
            secret: target.secret.clone(),
        };
        let mirror = sinks::mirror::Mirror {
            client: mirror::Client::new(target, http),
            storage: storage.clone(),
            links: links.clone(),
        };
        spawn_sink(runner, store, mirror);
    }
    Ok(())
}

pub(super) fn spawn_sink<D: Deliverer>(runner: &Runner, store: &Store, sink: D) {
    let deliver = Deliver::new(sink, store.clone(), runner);
    runner.spawn(Arc::new(Arc::new(deliver)));
}
