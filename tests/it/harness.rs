//! A world for one test: LiveKit, bucket, Airtable and the service, each on a socket of its own.

use std::{
    net::SocketAddr,
    panic::Location,
    path::Path,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use livekit_airtable::{
    airtable::Plan,
    config::{Config, Source},
    pipeline::Clock,
    service::{
        Service,
        airtable::{client, schema},
    },
    store::Store,
    telemetry,
};
use livekit_airtable_sim::{
    airtable::{self, Airtable},
    livekit::{self, Kind, LiveKit, Person},
    storage::{self, Storage},
};
use livekit_api::access_token::{AccessToken, VideoGrants};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    leak_check,
    process::Serve,
    reader::{self, Row},
};

pub(crate) const KEY: &str = "devkey";
pub(crate) const SECRET: &str = "secretsecretsecretsecretsecretsecret";
pub(crate) const API_TOKEN: &str = "token-for-tests-with-32-characters";
/// How long a test waits for what must come: much longer than it takes, for machines that are busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) struct World {
    pub livekit: LiveKit,
    pub storage: Storage,
    pub airtable: Airtable,
    pub address: SocketAddr,
    pub http: reqwest::Client,
    pub folder: TempDir,
    /// The service's clock, from its next start on.
    pub clock: Clock,
    settings: Vec<(String, String)>,
    service: Option<Service>,
}

impl World {
    pub(crate) async fn new() -> World {
        World::with(&[]).await
    }

    /// `settings` come on top of those that every world has.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> World {
        let unhurried = airtable::Options::unlimited();
        World::beside(settings, unhurried).await
    }

    /// With an Airtable like this.
    pub(crate) async fn beside(settings: &[(&str, &str)], airtable: airtable::Options) -> World {
        livekit_airtable::install_crypto();
        leak_check::listen();
        let folder = tempfile::tempdir().unwrap();
        let local = "127.0.0.1:0".parse().unwrap();
        let livekit = start_livekit(local).await;
        livekit.set_recording_length(Duration::from_secs(3));
        let storage = storage::start(local, bucket(folder.path())).await.unwrap();
        let airtable = reader::airtable(airtable).await;
        let mut world = World {
            address: local,
            http: patient_client(),
            clock: telemetry::now,
            settings: Vec::new(),
            livekit,
            storage,
            airtable,
            folder,
            service: None,
        };
        world.settings = world.basics();
        let more = settings.iter().map(|(k, v)| (k.to_string(), v.to_string()));
        world.settings.extend(more);
        world.create_table().await;
        world.start().await;
        world
    }

    fn basics(&self) -> Vec<(String, String)> {
        let database = format!("sqlite:{}", self.folder.path().join("calls.db").display());
        let audio = self.folder.path().join("agent-audio").display().to_string();
        let pairs = [
            ("LIVEKIT_URL", self.livekit.url()),
            ("LIVEKIT_API_KEY", KEY.to_owned()),
            ("LIVEKIT_API_SECRET", SECRET.to_owned()),
            ("S3_ENDPOINT", self.storage.url()),
            ("S3_ACCESS_KEY", "test".to_owned()),
            ("S3_SECRET_KEY", "testsecret".to_owned()),
            ("S3_BUCKET", "recordings".to_owned()),
            ("AIRTABLE_TOKEN", "patTest".to_owned()),
            ("AIRTABLE_BASE_ID", self.airtable.base_id()),
            ("AIRTABLE_API_URL", self.airtable.url()),
            ("AIRTABLE_CONTENT_URL", self.airtable.url()),
            ("AIRTABLE_REQUESTS_PER_SECOND", "50".to_owned()),
            ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
            ("API_TOKEN", API_TOKEN.to_owned()),
            ("DATABASE_URL", database),
            ("AGENT_AUDIO_DIR", audio),
        ];
        pairs.map(|(k, v)| (k.to_owned(), v)).to_vec()
    }

    /// The settings as a process' environment.
    pub(crate) fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// From the next start on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// DATABASE_URL; the last setting counts.
    pub(crate) fn database(&self) -> String {
        let mut settings = self.settings.iter().rev();
        let set = settings.find(|(name, _)| name == "DATABASE_URL");
        set.unwrap().1.clone()
    }

    fn config(&self) -> Config {
        Config::serve(&Source::from_pairs(self.settings.clone())).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Creates what the schema has and the base has not.
    pub(crate) async fn create_table(&self) {
        let client = client(&self.config().airtable, self.http.clone());
        let schema = schema(self.config().airtable.schema.as_deref()).unwrap();
        let plan = Plan::read(&client, &schema, None).await.unwrap();
        plan.apply(&client, &schema).await.unwrap();
    }

    /// Starts the service; LiveKit's webhooks go to it.
    pub(crate) async fn start(&mut self) {
        let config = self.config();
        let starting = Service::start(&config, metrics(), self.clock);
        let service = in_time(starting).await.unwrap();
        self.is_served(service.address);
        self.service = Some(service);
    }

    /// A process serves it at this address; LiveKit's webhooks go there.
    pub(crate) fn is_served_at(&mut self, address: &str) {
        self.is_served(address.parse().unwrap());
    }

    /// A process of its own serves it, with its settings, and not this one.
    pub(crate) async fn serve_apart(&mut self) -> Serve {
        self.stop().await;
        let serve = Serve::start(self.folder.path(), self.settings()).await;
        self.is_served_at(&serve.address);
        serve
    }

    fn is_served(&mut self, address: SocketAddr) {
        self.address = address;
        let hook = self.url("/webhooks/livekit");
        self.livekit.set_webhook_urls(vec![hook]);
    }

    /// Continues with a clock that the test controls.
    pub(crate) async fn restart_on(&mut self, clock: Clock) {
        self.stop().await;
        self.clock = clock;
        self.start().await;
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(service) = self.service.take() {
            in_time(service.stop()).await;
        }
    }

    /// The store of the running service.
    pub(crate) fn service_store(&self) -> &Store {
        &self.service.as_ref().unwrap().store
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The call's first row.
    pub(crate) async fn row(&self, call: &str) -> Option<Row> {
        self.rows_of(call).await.into_iter().next()
    }

    /// All rows of the call.
    pub(crate) async fn rows_of(&self, call: &str) -> Vec<Row> {
        reader::rows_with(&self.airtable, "Calls", "Call ID", call).await
    }

    /// All rows of all calls.
    pub(crate) async fn rows(&self) -> Vec<Row> {
        reader::rows(&self.airtable, "Calls").await
    }

    /// The call's first row as the stand-in has it in memory: for those who wait, and ask over and over.
    pub(crate) fn glance(&self, call: &str) -> Option<Row> {
        let rows = self.airtable.rows("Calls");
        rows.into_iter().find(|row| row["Call ID"] == call)
    }

    /// Waits until pyairtable reads the call's row as `wanted`; it panics with the last row.
    pub(crate) async fn row_where(&self, call: &str, wanted: impl Fn(&Row) -> bool) -> Row {
        let mut last = None;
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            last = self.glance(call);
            if let Some(found) = last.as_ref().filter(|row| wanted(row)) {
                let record = found["id"].as_str().unwrap();
                last = reader::row(&self.airtable, "Calls", record).await;
                // It may have changed again.
                if let Some(read) = last.take_if(|row| wanted(row)) {
                    return read;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the row never came to be as wanted; it is {last:#?}")
    }

    pub(crate) async fn row_is(&self, call: &str, status: &str) -> Row {
        self.row_where(call, |row| row.get("Status").is_some_and(|s| s == status))
            .await
    }

    /// Waits until LiveKit has been asked `times` to record the room.
    pub(crate) async fn starts(&self, room: &str, times: usize) {
        let count = || {
            self.livekit
                .starts()
                .iter()
                .filter(|(_, r)| r == room)
                .count()
        };
        let reached = eventually(|| (count() >= times).then_some(())).await;
        assert!(reached.is_some(), "{room} was started {} times", count());
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        let request = self.http.get(self.url(path)).bearer_auth(API_TOKEN);
        request.send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> reqwest::Response {
        if path.starts_with("/v1/transcripts") {
            leak_check::plant_words(body);
        }
        let request = self.http.post(self.url(path)).bearer_auth(API_TOKEN);
        request.json(body).send().await.unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.livekit.stop();
        self.storage.stop();
        self.airtable.stop();
        leak_check::check(self.folder.path());
    }
}

/// The test's own client. Some answers take long on a busy machine; the service's client would give them up.
pub(crate) fn patient_client() -> reqwest::Client {
    let client = reqwest::Client::builder().timeout(2 * PATIENCE);
    let client = client.redirect(reqwest::redirect::Policy::none());
    client.build().unwrap()
}

/// Threads of their own, so that a request to LiveKit is seen at once, however busy the tests are.
fn livekit_threads() -> &'static Runtime {
    static THREADS: OnceLock<Runtime> = OnceLock::new();
    THREADS.get_or_init(|| {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        threads.worker_threads(2).enable_all().build().unwrap()
    })
}

async fn start_livekit(listen: SocketAddr) -> LiveKit {
    let options = livekit::Options {
        api_key: KEY.into(),
        api_secret: SECRET.into(),
        webhook_urls: Vec::new(),
    };
    let started = livekit_threads().spawn(livekit::start(listen, options));
    started.await.unwrap().unwrap()
}

fn bucket(folder: &Path) -> storage::Options {
    storage::Options {
        folder: folder.join("bucket"),
        bucket: "recordings".into(),
        access_key: "test".into(),
        secret_key: "testsecret".into(),
    }
}

static AHEAD: [AtomicI64; 16] = [const { AtomicI64::new(0) }; 16];

/// A clock that can be moved; each test takes one of its own.
pub(crate) fn moved<const N: usize>() -> Timestamp {
    telemetry::now() + SignedDuration::from_secs(AHEAD[N].load(Ordering::Relaxed))
}

pub(crate) fn move_clock<const N: usize>(seconds: i64) {
    AHEAD[N].fetch_add(seconds, Ordering::Relaxed);
}

/// One recorder for all tests of the process.
fn metrics() -> PrometheusHandle {
    static METRICS: OnceLock<Mutex<PrometheusHandle>> = OnceLock::new();
    let handle = METRICS.get_or_init(|| Mutex::new(telemetry::metrics().unwrap()));
    handle.lock().unwrap().clone()
}

/// The result of a wait that must come to an end: one that does not fails its test, not the whole run.
#[track_caller]
pub(crate) fn in_time<T>(wait: impl Future<Output = T>) -> impl Future<Output = T> {
    let place = Location::caller();
    async move {
        let ended = tokio::time::timeout(2 * PATIENCE, wait).await;
        ended.unwrap_or_else(|_| panic!("{place} waits in vain"))
    }
}

/// Polls until there is a result; `None` after [`TIMEOUT`].
pub(crate) async fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let asked = Instant::now();
    while asked.elapsed() < PATIENCE {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    None
}

pub(crate) fn agent() -> Person {
    Person {
        identity: "agent-ava".into(),
        name: "Ava".into(),
        kind: Kind::Agent,
        attributes: Vec::new(),
    }
}

pub(crate) fn caller(number: &str) -> Person {
    leak_check::plant(number.trim_start_matches('+'));
    Person {
        identity: format!("sip_{number}"),
        name: String::new(),
        kind: Kind::Sip,
        attributes: vec![("sip.phoneNumber".into(), number.into())],
    }
}

/// A LiveKit token as agents make it.
pub(crate) fn token(grants: VideoGrants) -> String {
    let token = AccessToken::with_api_key(KEY, SECRET).with_grants(grants);
    token.to_jwt().unwrap()
}
