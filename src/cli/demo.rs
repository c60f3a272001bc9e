//! `demo`: the main job, with stand-ins on real sockets in this process and the same code as `serve`.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context;
use livekit_airtable_sim::{airtable, livekit, storage};
use livekit_api::access_token::{AccessToken, VideoGrants};
use serde_json::{Map, Value, json};

use super::{
    asked_to_stop,
    base::{airtable_client, schema},
    out,
    serve::Service,
    sim::{KEY, SECRET},
};
use crate::{
    airtable::Plan,
    config::{Config, Source},
    telemetry,
};

const BUCKET: &str = "recordings";
const LOCAL: &str = "127.0.0.1:0";
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub struct Args {
    /// End when the rows are there
    #[arg(long)]
    once: bool,
    /// Port of the service; 0 picks one
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// The whole world of the demo.
struct Demo {
    started: Instant,
    folder: PathBuf,
    livekit: livekit::LiveKit,
    storage: storage::Storage,
    airtable: airtable::Airtable,
    service: Service,
    /// The rows' states that have been told.
    told: BTreeMap<String, String>,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("livekit-airtable-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let done = play(&args, &folder).await;
    std::fs::remove_dir_all(&folder).ok();
    done
}

async fn play(args: &Args, folder: &std::path::Path) -> anyhow::Result<()> {
    // From the first moment on: who is ended by the signal itself leaves its folder behind.
    let mut stop = std::pin::pin!(asked_to_stop());
    let mut demo = tokio::select! {
        demo = Demo::start(args.port, folder.to_owned()) => demo?,
        stopped = &mut stop => return stopped,
    };
    let stays = tokio::select! {
        done = demo.calls() => done.map(|()| !args.once),
        stopped = &mut stop => stopped.map(|()| false),
    };
    if let Ok(true) = stays {
        out::line("\nThe link above plays in a browser. Ctrl-C ends the demo.")?;
        stop.await?;
    }
    demo.stop().await;
    stays.map(|_| ())
}

impl Demo {
    async fn start(port: u16, folder: PathBuf) -> anyhow::Result<Demo> {
        let local: SocketAddr = LOCAL.parse()?;
        let started = Instant::now();
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
        livekit.set_recording_length(Duration::from_secs(61));
        let airtable = airtable::start(local, airtable::Options::default()).await?;
        let source = source(&livekit, &storage, &airtable, &folder, port);
        let config = Config::serve(&source)?;
        create_table(&config).await?;
        let service = Service::start(&config, telemetry::metrics()?, telemetry::now).await?;
        livekit.set_webhook_urls(vec![format!("http://{}/webhooks/livekit", service.address)]);
        let demo = Demo {
            started,
            folder,
            livekit,
            storage,
            airtable,
            service,
            told: BTreeMap::new(),
        };
        demo.introduce()?;
        Ok(demo)
    }

    fn introduce(&self) -> anyhow::Result<()> {
        out::line(
            "LiveKit, the bucket and Airtable are stand-ins in this process, on real sockets:",
        )?;
        out::line(&format!("  LiveKit   {}", self.livekit.url()))?;
        out::line(&format!("  bucket    {}/{BUCKET}", self.storage.url()))?;
        out::line(&format!("  Airtable  {}", self.airtable.url()))?;
        out::line(&format!("  service   http://{}\n", self.service.address))
    }

    async fn calls(&mut self) -> anyhow::Result<()> {
        self.ordinary_call().await?;
        self.silent_call().await?;
        self.failed_call().await?;
        self.table()
    }

    async fn ordinary_call(&mut self) -> anyhow::Result<()> {
        let room = "call-+15551234567";
        self.say("A caller rings, and the agent Ava answers.")?;
        let call = self.livekit.open_room(room);
        self.livekit.join(room, agent());
        self.livekit.join(room, caller("+15551234567"));
        self.recording_starts(room).await?;
        self.livekit.speak(room);
        self.row_is(&call, "Live").await?;
        self.say("The agent's session ends; it sends its report to POST /v1/transcripts.")?;
        self.report(room).await?;
        self.say("The caller hangs up. LiveKit uploads the recording and closes the room.")?;
        self.livekit.close_room(room);
        self.row_is(&call, "Complete").await
    }

    async fn silent_call(&mut self) -> anyhow::Result<()> {
        let room = "call-nobody-spoke";
        self.say("A second call, in which nobody says a word.")?;
        let call = self.livekit.open_room(room);
        self.livekit.join(room, agent());
        self.recording_starts(room).await?;
        self.livekit.close_room(room);
        self.row_is(&call, "No recording").await
    }

    async fn failed_call(&mut self) -> anyhow::Result<()> {
        let room = "call-upload-failed";
        self.say("A third call, whose upload the bucket will refuse.")?;
        let call = self.livekit.open_room(room);
        self.livekit.join(room, agent());
        self.livekit.join(room, caller("+15557654321"));
        self.recording_starts(room).await?;
        self.livekit.speak(room);
        self.row_is(&call, "Live").await?;
        self.storage.refuse(1, 403);
        self.livekit.close_room(room);
        self.row_is(&call, "Failed").await
    }

    /// Waits until LiveKit was asked to record the room, and says how long that took.
    async fn recording_starts(&mut self, room: &str) -> anyhow::Result<()> {
        let asked = Instant::now();
        let started = |demo: &Demo| demo.livekit.starts().iter().any(|(_, name)| name == room);
        while !started(self) {
            anyhow::ensure!(
                asked.elapsed() < PATIENCE,
                "no recording of {room} was started"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let millis = asked.elapsed().as_millis();
        self.say(&format!(
            "The recording was started {millis} ms after the room."
        ))
    }

    async fn report(&self, room: &str) -> anyhow::Result<()> {
        let grants = VideoGrants {
            room_admin: true,
            room: room.to_owned(),
            ..Default::default()
        };
        let token = AccessToken::with_api_key(KEY, SECRET).with_grants(grants);
        let url = format!("http://{}/v1/transcripts", self.service.address);
        let request = telemetry::http_client()?.post(url);
        let answer = request.bearer_auth(token.to_jwt()?).json(&report(room));
        answer.send().await?.error_for_status()?;
        Ok(())
    }

    /// Waits for a row's status, and tells every change of every row meanwhile.
    async fn row_is(&mut self, call: &str, status: &str) -> anyhow::Result<()> {
        let asked = Instant::now();
        loop {
            for row in self.airtable.rows("Calls") {
                self.tell(&row)?;
            }
            if self.told.get(call).is_some_and(|told| told == status) {
                return Ok(());
            }
            let late = asked.elapsed() > PATIENCE;
            anyhow::ensure!(!late, "the row of {call} has not become {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn tell(&mut self, row: &Map<String, Value>) -> anyhow::Result<()> {
        let (call, status) = (cell(row, "Call ID"), cell(row, "Status"));
        if self.told.get(&call) == Some(&status) {
            return Ok(());
        }
        self.say(&format!("  Airtable: {} is {status}", cell(row, "Room")))?;
        self.told.insert(call, status);
        Ok(())
    }

    fn say(&self, text: &str) -> anyhow::Result<()> {
        let seconds = self.started.elapsed().as_secs_f64();
        out::line(&format!("{seconds:6.2} s  {text}"))
    }

    /// The finished table, a block a row.
    fn table(&self) -> anyhow::Result<()> {
        out::line("\nThe table “Calls” now:")?;
        let columns = [
            "Status",
            "Started",
            "Duration",
            "Caller",
            "Agent",
            "Recording size",
            "Error",
            "Transcript",
            "Recording URL",
        ];
        for row in self.airtable.rows("Calls") {
            out::line(&format!("\n  {}", cell(&row, "Room")))?;
            for column in columns {
                let text = cell(&row, column);
                if !text.is_empty() {
                    let text = text.replace('\n', &format!("\n{:20}", ""));
                    out::line(&format!("    {column:<15} {text}"))?;
                }
            }
        }
        Ok(())
    }

    async fn stop(self) {
        self.service.stop().await;
        self.livekit.stop();
        self.storage.stop();
        self.airtable.stop();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

fn source(
    livekit: &livekit::LiveKit,
    storage: &storage::Storage,
    airtable: &airtable::Airtable,
    folder: &std::path::Path,
    port: u16,
) -> Source {
    let database = format!("sqlite:{}", folder.join("demo.db").display());
    Source::from_pairs([
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
        ("LISTEN_ADDR", format!("127.0.0.1:{port}")),
        ("DATABASE_URL", database),
    ])
}

async fn create_table(config: &Config) -> anyhow::Result<()> {
    let client = airtable_client(&config.airtable, telemetry::http_client()?);
    let schema = schema(&config.airtable)?;
    let plan = Plan::read(&client, &schema, None).await?;
    plan.apply(&client, &schema)
        .await
        .context("the table could not be created")?;
    Ok(())
}

fn agent() -> livekit::Person {
    livekit::Person {
        identity: "agent-ava".into(),
        name: "Ava".into(),
        kind: livekit::Kind::Agent,
        attributes: Vec::new(),
    }
}

fn caller(number: &str) -> livekit::Person {
    livekit::Person {
        identity: format!("sip_{number}"),
        name: format!("Phone {number}"),
        kind: livekit::Kind::Sip,
        attributes: vec![("sip.phoneNumber".into(), number.into())],
    }
}

/// What a Python agent's session report looks like, shortened.
fn report(room: &str) -> Value {
    let turn = |role: &str, text: &str, interrupted: bool| json!({ "type": "message", "role": role, "content": [text], "interrupted": interrupted });
    json!({
        "room": room,
        "chat_history": { "items": [
            { "type": "agent_config_update", "instructions": "You are Ava, the receptionist." },
            turn("assistant", "Hi, this is Ava from Acme Dental. How can I help?", false),
            turn("user", "I'd like to book a cleaning for Tuesday.", false),
            { "type": "function_call", "name": "book_appointment", "arguments": "{}" },
            turn("assistant", "You're booked for Tuesday at ten. Is there anything", true),
            turn("user", "No, that's all. Bye!", false),
        ] },
    })
}

fn cell(row: &Map<String, Value>, column: &str) -> String {
    match row.get(column) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(value) => value.to_string(),
    }
}
