//! The requests of a base: how fast they go, how full they are, how many a month may have, and when none goes.

mod creates;
pub(crate) mod front;
mod month;
mod month_days;
mod month_end;
mod pacing;
mod processes;
mod refusals;
mod trouble;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use livekit_airtable::{
    airtable::{Client, Config, Plan, Schema},
    domain::{Addressing, Call, DueDelivery, LinkSecrets, Sink, StorageKey, link::LinkRules},
    pipeline::{
        Clock, Job, Runner,
        budget::Budget,
        deliver::Deliver,
        leases::Leases,
        sinks::airtable::{self as sink},
    },
    storage,
    store::{CallUpdate, Fold, Store},
    telemetry,
};
use livekit_airtable_sim::airtable::{Airtable, Options};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use crate::reader::{self, Row};
use front::Front;

/// A clock of this test alone, which starts at a given time and runs from there; `set` and `forward` move it.
macro_rules! clock {
    ($start:expr) => {{
        static AHEAD: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);
        fn clock() -> jiff::Timestamp {
            let ahead = AHEAD.load(std::sync::atomic::Ordering::SeqCst);
            livekit_airtable::telemetry::now() + jiff::SignedDuration::from_millis(ahead)
        }
        let hands = crate::budget::Hands(&AHEAD);
        hands.set($start);
        (clock as livekit_airtable::pipeline::Clock, hands)
    }};
}
use clock;

/// Moves a clock: milliseconds that it is ahead of the real one.
pub(crate) struct Hands(&'static AtomicI64);

impl Hands {
    pub(crate) fn set(&self, time: &str) {
        let time: Timestamp = time.parse().unwrap();
        let ahead = time.duration_since(telemetry::now()).as_millis();
        self.0.store(ahead as i64, Ordering::SeqCst);
    }

    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

/// The Airtable sink by itself on a database, with a base behind a [`Front`] that sees every request.
pub(crate) struct Rig {
    pub airtable: Airtable,
    pub front: Front,
    pub store: Store,
    pub folder: TempDir,
    pub database_url: String,
}

/// How a process' sink is set.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub requests_per_second: f64,
    pub monthly_requests: Option<u64>,
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            requests_per_second: 50.0,
            monthly_requests: None,
            clock: telemetry::now,
        }
    }
}

impl Rig {
    /// `requests_per_second`: the base's limit; 0 means unlimited.
    pub(crate) async fn new(requests_per_second: f64) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.db");
        let url = format!("sqlite:{}", path.display());
        Rig::on(url, folder, requests_per_second).await
    }

    pub(crate) async fn on(database_url: String, folder: TempDir, requests_per_second: f64) -> Rig {
        livekit_airtable::install_crypto();
        let options = Options {
            requests_per_second,
            ..Options::unlimited()
        };
        let airtable = reader::airtable(options).await;
        let rig = Rig {
            front: Front::start(airtable.url()).await,
            airtable,
            store: Store::open(&database_url, livekit_airtable::telemetry::now())
                .await
                .unwrap(),
            folder,
            database_url,
        };
        let (client, schema) = (rig.client(Settings::default()), Schema::built_in());
        let plan = Plan::read(&client, &schema, None).await.unwrap();
        plan.apply(&client, &schema).await.unwrap();
        // Requests that created the table must not count in the test's measurement.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        rig.front.forget();
        rig
    }

    pub(crate) fn client(&self, settings: Settings) -> Client {
        let config = Config {
            api_url: self.front.url(),
            token: "patTest".to_owned().into(),
            base_id: self.airtable.base_id(),
            table: "Calls".into(),
            requests_per_second: settings.requests_per_second,
        };
        Client::new(telemetry::http_client().unwrap(), config)
    }

    pub(crate) fn budget(&self, settings: Settings) -> Budget {
        let (store, base) = (self.store.clone(), self.airtable.base_id());
        Budget::new(store, base, settings.monthly_requests, settings.clock)
    }

    /// The sink as a process that has just started has it.
    pub(crate) fn process(&self, settings: Settings) -> Process {
        let budget = self.budget(settings);
        // The test shows that even processes that know nothing of each other share the limit.
        let runner = Runner {
            leases: Leases::alone(),
            ..Runner::new(settings.clock)
        };
        let airtable = sink::Airtable {
            wake: runner.wake.clone(),
            client: self.client(settings).counted(budget.ledger()),
            budget,
            schema: Schema::built_in(),
            store: self.store.clone(),
            storage: storage::Client::new(nowhere()),
            links: LinkRules {
                public_url: None,
                secrets: LinkSecrets::new("secret".to_owned().into(), Vec::new()),
                life: None,
                ttl: Duration::from_secs(3600),
                refresh: Duration::from_secs(3600),
            },
            path: "recordings/{room_id}.mp3".into(),
            table: Default::default(),
            writes: Default::default(),
            creates: Default::default(),
            writes_refused: Default::default(),
            unpriced: Default::default(),
        };
        let deliver = Deliver::new(airtable, self.store.clone(), &runner);
        Process {
            deliver: Arc::new(deliver),
            tasks: runner.tasks,
            clock: settings.clock,
        }
    }

    /// Calls `RM_{n}` with a pending Airtable delivery, as intake writes it: open ones, or ended ones.
    pub(crate) async fn owe(
        &self,
        numbers: impl IntoIterator<Item = usize>,
        ended: bool,
        now: Timestamp,
    ) {
        let mut folded = Vec::new();
        for n in numbers {
            let id = format!("RM_{n:05}");
            let before = self.store.call(&id).await.unwrap();
            let read_revision = before.as_ref().map_or(0, |row| row.revision);
            let call = Call {
                room_name: format!("room {n}").into(),
                created_at: Some(now),
                alive_at: Some(now),
                finished_at: ended.then_some(now),
                ..before.map_or_else(Call::default, |row| row.call)
            };
            folded.push(CallUpdate {
                call: Call {
                    id: id.into(),
                    ..call
                },
                read_revision,
                listing: None,
                renamed: read_revision == 0,
                recordings_changed: true,
                due_deliveries: vec![DueDelivery {
                    sink: Sink::Airtable,
                    item: String::new(),
                }],
            });
        }
        let sinks = [Sink::Airtable];
        let written = self.store.commit_fold(Fold::of_calls(&folded), &sinks, now);
        written.await.unwrap();
    }

    /// How many rows the stand-in has in memory: for those who wait.
    pub(crate) fn written(&self) -> usize {
        self.airtable.rows("Calls").len()
    }

    pub(crate) async fn rows(&self) -> Vec<Row> {
        reader::rows(&self.airtable, "Calls").await
    }

    /// How many calls have a row; none has two.
    pub(crate) async fn calls(&self) -> usize {
        let rows = self.rows().await;
        let keys: BTreeSet<_> = rows.iter().map(|row| row["Call ID"].as_str()).collect();
        assert_eq!(rows.len(), keys.len(), "a call has two rows");
        keys.len()
    }

    /// The requests that the database has counted this month.
    pub(crate) async fn used(&self, now: Timestamp) -> u64 {
        let base = self.store.base(&self.airtable.base_id()).await.unwrap();
        base.map_or(0, |base| base.used(now))
    }

    pub(crate) async fn last_error(&self, n: usize) -> Option<String> {
        let id = format!("RM_{n:05}");
        let deliveries = self.store.deliveries_of(&id).await.unwrap();
        deliveries[0].last_error.clone()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.airtable.stop();
    }
}

/// A process' Airtable sink, stepped by hand.
pub(crate) struct Process {
    deliver: Arc<Deliver<sink::Airtable>>,
    tasks: TaskTracker,
    clock: Clock,
}

impl Process {
    pub(crate) async fn step(&self) -> bool {
        self.deliver.step((self.clock)()).await.unwrap()
    }

    /// Steps until nothing is due and nothing is under way.
    pub(crate) async fn drain(&self) {
        crate::harness::in_time(async {
            loop {
                while self.step().await {}
                self.tasks.close();
                self.tasks.wait().await;
                self.tasks.reopen();
                if !self.step().await {
                    return;
                }
            }
        })
        .await;
    }
}

fn nowhere() -> storage::Config {
    storage::Config {
        key: StorageKey {
            access_key: "test".into(),
            secret_key: "test".to_owned().into(),
            session_token: None,
        }
        .into(),
        addressing: Addressing::Path,
        bucket: "recordings".into(),
        endpoint: Some("http://127.0.0.1:9".into()),
        region: "auto".into(),
    }
}
