//! `serve`: the service.

use std::{
    fs::{File, TryLockError},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Failure, caretakers};
use crate::{
    airtable::{self, Schema},
    config::{self, Config, Source},
    domain::{Policy, Sink, link::LinkRules, policy::RecordOn},
    http::{
        self,
        server::{self, Limits},
    },
    livekit::{egress, webhook::Keys},
    mirror,
    pipeline::{
        Clock, Runner,
        deliver::{Deliver, Deliverer},
        intake::Intake,
        reconcile::Reconcile,
        sinks,
    },
    storage,
    store::Store,
    telemetry,
};

/// How long SIGTERM leaves for what is being done.
const DRAIN: Duration = Duration::from_secs(8);
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
    tell_unheeded(&config);
    let upkeep = metrics.clone();
    let service = Service::start(&config, metrics, telemetry::now).await?;
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
    asked_to_stop().await?;
    tracing::info!("stopping: no new requests; what is being done is ended");
    service.stop().await;
    upkeep.abort();
    tracing::info!("stopped");
    Ok(())
}

/// A variable that is set and does nothing yet is no secret.
fn tell_unheeded(config: &Config) {
    if config.airtable.monthly_requests.is_some() {
        tracing::warn!(
            "AIRTABLE_MONTHLY_REQUESTS is set, but this version does not count the month's requests"
        );
    }
}

/// SIGTERM or Ctrl-C.
pub async fn asked_to_stop() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}

/// The service, running.
pub struct Service {
    pub address: SocketAddr,
    pub store: Store,
    runner: Runner,
    /// Ends the HTTP server.
    closing: CancellationToken,
    server: tokio::task::JoinHandle<()>,
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
        let lock = lock(&config.database_url)?;
        let store = Store::open(&config.database_url).await?;
        if lock.is_some() {
            let forgotten = store.forget_leases().await;
            forgotten.context("DATABASE_URL: the database cannot be written")?;
        }
        let links = links(&config.links, &config.recording, &store).await?;
        let schema = schema(&config.airtable)?;
        let runner = Runner::new(clock);
        let storage = storage::Client::new(storage_config(&config.storage));
        jobs(config, &store, &runner, &storage, &links, schema)?;
        caretakers::start(config, &store, &runner)?;
        runner.leases.renew(&store, runner.clock).await;
        let app = http::App {
            store: store.clone(),
            keys: Keys::new(config.livekit.webhook_keys.clone()),
            wake: runner.wake.clone(),
            status: runner.status.clone(),
            storage,
            links,
            api_token: config.http.api_token.clone(),
            reading: Semaphore::new(1),
            metrics,
            clock: runner.clock,
        };
        let listener = TcpListener::bind(config.http.listen).await;
        let listener = listener.with_context(|| {
            format!("LISTEN_ADDR: {} cannot be listened on", config.http.listen)
        })?;
        let address = listener.local_addr()?;
        let closing = CancellationToken::new();
        let limits = Limits::new(open_files());
        let server = server::serve(listener, http::router(app), limits, closing.clone());
        let (leases, kept, clock) = (runner.leases.clone(), store.clone(), runner.clock);
        Ok(Service {
            address,
            store,
            closing,
            server: tokio::spawn(server),
            keeper: tokio::spawn(async move { leases.keep(&kept, clock).await }),
            runner,
            _lock: lock,
        })
    }

    /// Stops accepting, ends what is being done, gives the leases back.
    pub async fn stop(self) {
        self.closing.cancel();
        self.runner.stop.cancel();
        self.runner.tasks.close();
        let served = async {
            self.server.await.ok();
            self.runner.tasks.wait().await;
        };
        if tokio::time::timeout(DRAIN, served).await.is_err() {
            tracing::warn!("something took too long to end; it is done again after the next start");
        }
        self.keeper.abort();
        self.runner.leases.release(&self.store).await;
        tokio::time::timeout(Duration::from_secs(1), self.store.close())
            .await
            .ok();
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
fn jobs(
    config: &Config,
    store: &Store,
    runner: &Runner,
    storage: &storage::Client,
    links: &LinkRules,
    schema: Schema,
) -> anyhow::Result<()> {
    let http = telemetry::http_client()?;
    let (livekit, recording) = (&config.livekit, &config.recording);
    let client = egress_config(livekit, &config.storage, recording);
    let client = egress::Client::new(client, http.clone());
    start_jobs_of_livekit(config, store, runner, client)?;
    let lost_after = config.times.egress_lost_after;
    spawn_sink(
        runner,
        store,
        sinks::storage::Storage {
            client: storage.clone(),
            lost_after,
        },
    );
    spawn_sink(
        runner,
        store,
        sinks::airtable::Airtable {
            client: airtable_client(&config.airtable, http.clone()),
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

/// Intake, the egress sink and reconcile: all that a recording's start needs.
pub fn start_jobs_of_livekit(
    config: &Config,
    store: &Store,
    runner: &Runner,
    client: egress::Client,
) -> anyhow::Result<()> {
    let mut owed = vec![Sink::Egress, Sink::Storage, Sink::Airtable];
    if config.mirror.is_some() {
        owed.push(Sink::Mirror);
    }
    runner.spawn(Arc::new(Intake {
        store: store.clone(),
        policy: policy(&config.recording)?,
        sinks: owed,
        wake: runner.wake.clone(),
    }));
    runner.spawn(Arc::new(Reconcile {
        client: client.clone(),
        store: store.clone(),
        wake: runner.wake.clone(),
        interval: config.times.reconcile_interval,
        lost_after: config.times.egress_lost_after,
    }));
    let path = config.recording.path.clone();
    let egress = sinks::egress::Egress {
        client,
        store: store.clone(),
        path,
    };
    spawn_sink(runner, store, egress);
    Ok(())
}

fn spawn_sink<D: Deliverer>(runner: &Runner, store: &Store, sink: D) {
    let deliver = Deliver::new(
        sink,
        store.clone(),
        runner.clock,
        runner.wake.clone(),
        runner.tasks.clone(),
    );
    runner.spawn(Arc::new(Arc::new(deliver)));
}

/// RECORD_ON and RECORD_ROOMS
fn policy(recording: &config::Recording) -> Result<Policy, Failure> {
    let on = match recording.on {
        config::RecordOn::RoomStarted => RecordOn::RoomStarted,
        config::RecordOn::ParticipantJoined => RecordOn::ParticipantJoined,
        config::RecordOn::Manual => RecordOn::Manual,
    };
    Policy::new(on, &recording.rooms)
        .map_err(|error| Failure::Usage(format!("RECORD_ROOMS: {error}")))
}

/// PUBLIC_URL, LINK_SECRET and how long URLs live.
pub async fn links(
    links: &config::Links,
    recording: &config::Recording,
    store: &Store,
) -> anyhow::Result<LinkRules> {
    let made = || format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let secret = match &links.secret {
        Some(secret) => secret.clone(),
        None => SecretString::from(store.get_or_set("link_secret", &made()).await?),
    };
    let public_url = links.public_url.as_deref();
    Ok(LinkRules {
        public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
        secret,
        ttl: recording.url_ttl,
        refresh: recording.url_refresh,
    })
}

/// AIRTABLE_SCHEMA, or what is built in.
pub fn schema(config: &config::Airtable) -> Result<Schema, Failure> {
    schema_at(config.schema.as_deref())
}

pub fn schema_at(path: Option<&Path>) -> Result<Schema, Failure> {
    match path {
        Some(path) => Schema::read(path).map_err(|error| Failure::Usage(error.to_string())),
        None => Ok(Schema::built_in()),
    }
}

pub fn airtable_client(config: &config::Airtable, http: reqwest::Client) -> airtable::Client {
    let config = airtable::Config {
        api_url: config.api_url.clone(),
        token: config.token.clone(),
        base_id: config.base_id.clone(),
        table: config.table.clone(),
        requests_per_second: config.requests_per_second,
    };
    let client = airtable::Client::new(http, config);
    // Another process of ours may have sent something a moment ago.
    client.not_before(Duration::from_secs(1));
    client
}

pub fn egress_config(
    livekit: &config::LiveKit,
    storage: &config::Storage,
    recording: &config::Recording,
) -> egress::Config {
    let endpoint = storage.egress_endpoint.clone();
    egress::Config {
        url: livekit.url.clone(),
        api_key: livekit.api_key.clone(),
        api_secret: livekit.api_secret.clone(),
        upload: egress::Upload {
            access_key: storage.access_key.clone(),
            secret_key: storage.secret_key.clone(),
            region: storage.region.clone(),
            endpoint: endpoint.or_else(|| storage.endpoint.clone()),
            bucket: storage.bucket.clone(),
        },
        file_type: match recording.file_type {
            config::FileType::Mp3 => egress::FileType::Mp3,
            config::FileType::Ogg => egress::FileType::Ogg,
            config::FileType::Mp4 => egress::FileType::Mp4,
        },
        dual: recording.channels == config::Channels::Dual,
    }
}

pub fn storage_config(config: &config::Storage) -> storage::Config {
    storage::Config {
        access_key: config.access_key.clone(),
        secret_key: SecretString::from(config.secret_key.expose_secret()),
        bucket: config.bucket.clone(),
        endpoint: config.endpoint.clone(),
        region: config.region.clone(),
    }
}

/// Locks the SQLite file against a second `serve`; the system unlocks it when this process dies, however it does.
fn lock(database_url: &str) -> anyhow::Result<Option<File>> {
    let Some(path) = database_url.strip_prefix("sqlite:") else {
        return Ok(None);
    };
    let path = path.trim_start_matches("//");
    let path = format!("{}.lock", path.split('?').next().unwrap_or(path));
    let file = File::create(&path).with_context(|| {
        format!("DATABASE_URL: {path} cannot be written, so neither can the database beside it")
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(anyhow::anyhow!(
            "DATABASE_URL: another `livekit-airtable serve` uses this database; stop it first"
        )),
        Err(TryLockError::Error(error)) => Err(error).context("the database could not be locked"),
    }
}
