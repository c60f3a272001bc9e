//! The service and the stand-ins that it talks to.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use livekit_airtable_sim::{airtable, livekit, storage};
use uuid::Uuid;

use super::actors::{RECORDING, RECORDING_LENGTH};
use crate::{
    airtable::Plan,
    cli::{
        console::output::print_line,
        sim::{KEY, SECRET},
    },
    config::{Config, Source},
    service::{
        Service,
        airtable::{client, schema},
    },
    telemetry,
};

const BUCKET: &str = "recordings";
const LOCAL: &str = "127.0.0.1:0";

/// Everything that runs in the demo.
pub(super) struct World {
    pub(super) livekit: livekit::LiveKit,
    pub(super) storage: storage::Storage,
    pub(super) airtable: airtable::Airtable,
    pub(super) service: Service,
    /// Opens the pages; API_TOKEN of the demo.
    token: String,
    /// Holds the database and the bucket; removed at the end.
    folder: PathBuf,
}

impl World {
    /// Starts the stand-ins, creates the table and starts the service on this port.
    pub(super) async fn start(port: u16, folder: PathBuf) -> anyhow::Result<World> {
        let local: SocketAddr = LOCAL.parse()?;
        let storage = storage::Options {
            folder: folder.join("bucket"),
            bucket: BUCKET.into(),
            access_key: "demo".into(),
            secret_key: "demosecret".into(),
        };
        let storage = storage::start(local, storage).await?;
        let livekit = livekit::Options {
            api_key: KEY.into(),
            api_secret: SECRET.into(),
            webhook_urls: Vec::new(),
        };
        let livekit = livekit::start(local, livekit).await?;
        livekit.set_recording(RECORDING, RECORDING_LENGTH);
        let airtable = airtable::start(local, airtable::Options::default()).await?;
        let token = format!("demo{}", Uuid::new_v4().simple());
        let mut pairs = settings(&livekit, &storage, &airtable, &folder, port);
        pairs.push(("API_TOKEN", token.clone()));
        let source = Source::from_pairs(pairs);
        let config = Config::serve(&source)?;
        create_table(&config).await?;
        let service = Service::start(&config, telemetry::metrics()?, telemetry::now).await?;
        livekit.set_webhook_urls(vec![format!("http://{}/webhooks/livekit", service.address)]);
        Ok(World {
            livekit,
            storage,
            airtable,
            service,
            token,
            folder,
        })
    }

    /// Prints where everything listens.
    pub(super) fn introduce(&self) -> anyhow::Result<()> {
        print_line(
            "LiveKit, the bucket and Airtable are stand-ins in this process, on real sockets:",
        )?;
        print_line(&format!("  LiveKit   {}", self.livekit.url()))?;
        print_line(&format!("  bucket    {}/{BUCKET}", self.storage.url()))?;
        print_line(&format!("  Airtable  {}", self.airtable.url()))?;
        print_line(&format!("  service   http://{}\n", self.service.address))
    }

    /// Prints where the pages are, and what opens them.
    pub(super) fn show_pages(&self) -> anyhow::Result<()> {
        print_line(&format!(
            "Every call with its sound: http://{}/ops\n  sign in with the token {}\n",
            self.service.address, self.token
        ))
    }

    /// Stops everything and removes the folder.
    pub(super) async fn stop(self) {
        self.service.stop().await;
        self.livekit.stop();
        self.storage.stop();
        self.airtable.stop();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

fn settings(
    livekit: &livekit::LiveKit,
    storage: &storage::Storage,
    airtable: &airtable::Airtable,
    folder: &Path,
    port: u16,
) -> Vec<(&'static str, String)> {
    let database = format!("sqlite:{}", folder.join("demo.db").display());
    vec![
        ("LIVEKIT_URL", livekit.url()),
        ("LIVEKIT_API_KEY", KEY.to_owned()),
        ("LIVEKIT_API_SECRET", SECRET.to_owned()),
        ("S3_ENDPOINT", storage.url()),
        ("S3_ACCESS_KEY", "demo".to_owned()),
        ("S3_SECRET_KEY", "demosecret".to_owned()),
        ("S3_BUCKET", BUCKET.to_owned()),
        ("AIRTABLE_TOKEN", "patDemo".to_owned()),
        ("AIRTABLE_BASE_ID", airtable.base_id()),
        ("AIRTABLE_API_URL", airtable.url()),
        ("AIRTABLE_CONTENT_URL", airtable.url()),
        ("RECORDING_CHANNELS", "dual".to_owned()),
        ("LISTEN_ADDR", format!("127.0.0.1:{port}")),
        ("DATABASE_URL", database),
    ]
}

async fn create_table(config: &Config) -> anyhow::Result<()> {
    let client = client(&config.airtable, telemetry::http_client()?);
    let schema = schema(config.airtable.schema.as_deref())?;
    let plan = Plan::read(&client, &schema, None).await?;
    plan.apply(&client, &schema)
        .await
        .context("the table could not be created")?;
    Ok(())
}
