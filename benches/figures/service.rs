//! The release binary as a process of its own, and the stand-ins that it talks to in this one.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use livekit_airtable::{
    airtable::{self as client, Plan, Schema},
    domain::Call,
    telemetry,
};
use livekit_airtable_sim::{
    airtable::{self, Airtable},
    livekit::{self, LiveKit},
    storage::{self, Storage},
};
use sqlx::{AnyConnection, Connection, SqliteConnection, any::install_default_drivers};
use tempfile::TempDir;

use crate::rows;

pub(crate) const KEY: &str = "devkey";
pub(crate) const SECRET: &str = "secretsecretsecretsecretsecretsecret";

pub(crate) const TOKEN: &str = "token-for-benchmarks-32-characters";

pub(crate) struct Service {
    pub address: String,
    /// From the start of the process until `/readyz` answers 200.
    pub ready_after: Duration,
    pub livekit: LiveKit,
    pub folder: TempDir,
    pub airtable: Airtable,
    pub storage: Storage,
    child: Child,
    /// Of the environment, beyond what every service has.
    settings: Vec<(&'static str, String)>,
}

/// Settings that differ between services.
pub(crate) struct Setup {
    settings: Vec<(&'static str, String)>,
    airtable: airtable::Options,
    /// Calls in the database before the service starts.
    due_deliveries: (usize, Box<dyn Fn(usize) -> anyhow::Result<Call>>),
}

impl Setup {
    pub(crate) fn record_on(when: &str) -> Setup {
        Setup {
            settings: vec![("RECORD_ON", when.to_owned())],
            airtable: airtable::Options::default(),
            due_deliveries: (0, Box::new(|_| Ok(Call::default()))),
        }
    }

    /// The database that the environment's DATABASE_URL names, which must be empty; without one, a file.
    pub(crate) fn in_database_of_environment(mut self) -> Setup {
        let url = std::env::var("DATABASE_URL").ok();
        self.settings.extend(url.map(|url| ("DATABASE_URL", url)));
        self
    }

    /// This many calls have a pending Airtable delivery, and nothing is recorded.
    pub(crate) fn outstanding(
        calls: usize,
        call: impl Fn(usize) -> anyhow::Result<Call> + 'static,
    ) -> Setup {
        Setup {
            due_deliveries: (calls, Box::new(call)),
            ..Setup::record_on("manual")
        }
    }

    /// With a token that opens the pages.
    pub(crate) fn with_pages(mut self) -> Setup {
        self.settings.push(("API_TOKEN", TOKEN.to_owned()));
        self
    }

    /// Airtable takes so many requests a second instead of 5, and the service knows.
    pub(crate) fn airtable_takes(mut self, per_second: u32) -> Setup {
        self.airtable.requests_per_second = f64::from(per_second);
        self.airtable.token_requests_per_second = 0.0;
        let rate = ("AIRTABLE_REQUESTS_PER_SECOND", per_second.to_string());
        self.settings.push(rate);
        self
    }
}

impl Service {
    pub(crate) async fn start(record_on: &str) -> anyhow::Result<Service> {
        Service::with(Setup::record_on(record_on)).await
    }

    pub(crate) async fn with(setup: Setup) -> anyhow::Result<Service> {
        // A real disk: fsync costs nothing in memory.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let local = "127.0.0.1:0".parse()?;
        let livekit = livekit::start(
            local,
            livekit::Options {
                api_key: KEY.into(),
                api_secret: SECRET.into(),
                webhook_urls: Vec::new(),
            },
        );
        let livekit = livekit.await?;
        let storage = storage::start(local, bucket(folder.path())).await?;
        let airtable = airtable::start(local, setup.airtable).await?;
        create_table(&airtable).await?;
        if let (calls @ 1.., call) = setup.due_deliveries {
            rows::owe(&folder.path().join("calls.db"), calls, &call).await?;
        }
        let started = Instant::now();
        let settings = setup.settings;
        let anywhere = "127.0.0.1:0";
        let child = spawn(
            folder.path(),
            anywhere,
            &settings,
            (&livekit, &storage, &airtable),
        )?;
        let mut service = Service {
            address: String::new(),
            ready_after: Duration::ZERO,
            livekit,
            folder,
            storage,
            airtable,
            child,
            settings,
        };
        service.wait_until_ready().await?;
        service.ready_after = started.elapsed();
        let hook = format!("http://{}/webhooks/livekit", service.address);
        service.livekit.set_webhook_urls(vec![hook]);
        Ok(service)
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let asked = Instant::now();
        let http = telemetry::http_client()?;
        let addr_file = self.folder.path().join("address");
        loop {
            ensure!(
                asked.elapsed() < Duration::from_secs(10),
                "serve did not become ready"
            );
            if let Ok(address) = std::fs::read_to_string(&addr_file)
                && address.ends_with('\n')
            {
                self.address = address.trim().to_owned();
                let url = format!("http://{}/readyz", self.address);
                let answer = http.get(url).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return Ok(());
                }
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// How many messages up to the one of this id wait for intake.
    pub(crate) async fn unprocessed_until(&self, id: &str) -> anyhow::Result<i64> {
        let mut database = self.connect().await?;
        let sql = "SELECT COUNT(*) FROM inbox WHERE processed_at IS NULL AND id <= $1";
        let count = sqlx::query_scalar(sql).bind(id.to_owned());
        let count = count.fetch_one(&mut database).await?;
        database.close().await?;
        Ok(count)
    }

    /// How many messages wait for intake, and how many recordings for the storage's answer, which is one more message.
    pub(crate) async fn unfinished(&self) -> anyhow::Result<i64> {
        let mut database = self.connect().await?;
        let sql = "SELECT (SELECT COUNT(*) FROM inbox WHERE processed_at IS NULL)
             + (SELECT COUNT(*) FROM deliveries WHERE sink = 'storage' AND state = 'pending')";
        let count = sqlx::query_scalar(sql).fetch_one(&mut database).await?;
        database.close().await?;
        Ok(count)
    }

    /// The id of the newest message.
    pub(crate) async fn newest_message(&self) -> anyhow::Result<String> {
        let mut database = self.connect().await?;
        let newest = sqlx::query_scalar("SELECT COALESCE(MAX(id), '') FROM inbox");
        let newest = newest.fetch_one(&mut database).await?;
        database.close().await?;
        Ok(newest)
    }

    /// To the database, whichever it is.
    async fn connect(&self) -> anyhow::Result<AnyConnection> {
        install_default_drivers();
        Ok(AnyConnection::connect(&self.database_url()).await?)
    }

    fn database_url(&self) -> String {
        let mut settings = self.settings.iter();
        let url = settings.find(|(name, _)| *name == "DATABASE_URL");
        url.map_or_else(|| file(self.folder.path()), |(_, url)| url.clone())
    }

    /// The database's file, read only.
    pub(crate) async fn database(&self) -> anyhow::Result<SqliteConnection> {
        let path = self.folder.path().join("calls.db");
        let path = path.to_str().context("the path is UTF-8")?;
        let url = format!("sqlite:{path}?mode=ro");
        Ok(SqliteConnection::connect(&url).await?)
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts the process again, on its old address.
    pub(crate) fn run_again(&mut self) -> anyhow::Result<()> {
        let folder = self.folder.path();
        let others = (&self.livekit, &self.storage, &self.airtable);
        self.child = spawn(folder, &self.address, &self.settings, others)?;
        Ok(())
    }

    /// Runs another command of the program on the service's database; returns its output.
    pub(crate) fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(env!("CARGO_BIN_EXE_livekit-airtable"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("DATABASE_URL", self.database_url())
            .output()?;
        let reported = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {reported}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// CPU time used by its threads.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat
            .rsplit_once(')')
            .context("no end of the process name")?;
        // utime and stime, the 14th and 15th of all, in hundredths of a second.
        let used = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = used.map(str::parse::<u64>).sum::<Result<_, _>>()?;
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Bytes that it has written to files.
    pub(crate) fn written(&self) -> anyhow::Result<u64> {
        let io = std::fs::read_to_string(format!("/proc/{}/io", self.child.id()))?;
        let line = io
            .lines()
            .find_map(|line| line.strip_prefix("write_bytes:"));
        Ok(line.context("no write_bytes")?.trim().parse()?)
    }

    /// The sizes of the database's file and of its write-ahead log; `None` if it has none.
    pub(crate) fn database_bytes(&self) -> anyhow::Result<Option<(u64, u64)>> {
        if !self.database_url().starts_with("sqlite:") {
            return Ok(None);
        }
        let size = |name| anyhow::Ok(self.folder.path().join(name).metadata()?.len());
        Ok(Some((size("calls.db")?, size("calls.db-wal")?)))
    }

    /// Resident memory in MiB.
    pub(crate) fn resident(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib: f64 = kib.context("no VmRSS")?.trim().parse()?;
        Ok(kib / 1024.0)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        self.livekit.stop();
        self.storage.stop();
        self.airtable.stop();
    }
}

fn spawn(
    folder: &Path,
    listen_addr: &str,
    settings: &[(&str, String)],
    (livekit, storage, airtable): (&LiveKit, &Storage, &Airtable),
) -> anyhow::Result<Child> {
    let log = std::fs::File::create(folder.join("log"))?;
    let child = Command::new(env!("CARGO_BIN_EXE_livekit-airtable"))
        .args(["serve", "--addr-file", "address"])
        .current_dir(folder)
        .env_clear()
        .env("LIVEKIT_URL", livekit.url())
        .env("LIVEKIT_API_KEY", KEY)
        .env("LIVEKIT_API_SECRET", SECRET)
        .env("S3_ENDPOINT", storage.url())
        .env("S3_ACCESS_KEY", "test")
        .env("S3_SECRET_KEY", "testsecret")
        .env("S3_BUCKET", "recordings")
        .env("AIRTABLE_TOKEN", "patTest")
        .env("AIRTABLE_BASE_ID", airtable.base_id())
        .env("AIRTABLE_API_URL", airtable.url())
        .env("AIRTABLE_CONTENT_URL", airtable.url())
        .env("DATABASE_URL", file(folder))
        .env("LISTEN_ADDR", listen_addr)
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn();
    child.context("serve could not be started")
}

/// The URL of the database that a service has in its folder.
fn file(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("calls.db").display())
}

async fn create_table(airtable: &Airtable) -> anyhow::Result<()> {
    let config = client::Config {
        api_url: airtable.url(),
        token: "patTest".to_owned().into(),
        base_id: airtable.base_id(),
        table: "Calls".into(),
        requests_per_second: 5.0,
    };
    let client = client::Client::new(telemetry::http_client()?, config);
    let schema = Schema::built_in();
    let plan = Plan::read(&client, &schema, None).await?;
    plan.apply(&client, &schema).await?;
    Ok(())
}

fn bucket(folder: &Path) -> storage::Options {
    storage::Options {
        folder: folder.join("bucket"),
        bucket: "recordings".into(),
        access_key: "test".into(),
        secret_key: "testsecret".into(),
    }
}
