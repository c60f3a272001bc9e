//! `record start|stop`: what `/v1/recordings` does, through the database: with the service running it does the work,
//! without it this command does.

use std::time::Duration;

use super::{Failure, out, serve};
use crate::{
    config::{Config, Source},
    domain::{Call, Recording},
    livekit::egress,
    pipeline::{
        Runner,
        requests::{self, Outcome},
    },
    store::Store,
    telemetry,
};

/// Longer than LiveKit is given to answer a start: without the service running, nobody else would hear the answer.
const PATIENCE: Duration = Duration::from_secs(50);
const TICK: Duration = Duration::from_millis(100);

#[derive(clap::Subcommand)]
pub enum Record {
    /// Record a room, or tell which recording of it runs
    Start {
        room: String,
        /// Fills {room_id} of RECORDING_PATH
        #[arg(long)]
        room_id: Option<String>,
    },
    /// End a recording
    Stop { egress: String },
}

pub async fn run(record: Record, source: &Source) -> anyhow::Result<()> {
    let config = Config::serve(source)?;
    let store = Store::open(&config.database_url).await?;
    let runner = Runner::new(telemetry::now);
    let (livekit, recording) = (&config.livekit, &config.recording);
    let client = serve::egress_config(livekit, &config.storage, recording);
    let client = egress::Client::new(client, telemetry::http_client()?);
    serve::start_jobs_of_livekit(&config, &store, &runner, client)?;
    let keeping = runner.leases.keep(&store, runner.clock);
    let working = async {
        match record {
            Record::Start { room, room_id } => {
                start(&store, &runner, &config.livekit.api_key, &room, room_id).await
            }
            Record::Stop { egress } => stop(&store, &runner, &egress).await,
        }
    };
    let answer = tokio::select! {
        answer = working => answer,
        () = keeping => Err(anyhow::anyhow!("the leases could not be kept")),
    };
    runner.stop.cancel();
    runner.tasks.close();
    tokio::time::timeout(Duration::from_secs(8), runner.tasks.wait())
        .await
        .ok();
    runner.leases.release(&store).await;
    store.close().await;
    let (call, recording) = answer?;
    out::line(&requests::describe(&call, &recording).to_string())
}

async fn start(
    store: &Store,
    runner: &Runner,
    our_key: &str,
    room: &str,
    room_id: Option<String>,
) -> anyhow::Result<(Call, Recording)> {
    if let Some(found) = requests::running(store, our_key, room).await? {
        return Ok(found);
    }
    let asked = requests::start(store, our_key, room, room_id, (runner.clock)()).await?;
    runner.wake.intake.notify_one();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        match asked.outcome(store).await? {
            Some(Outcome::Recorded(found)) => return Ok(*found),
            Some(Outcome::NoRoom) => anyhow::bail!("LiveKit has no room {room:?}"),
            Some(Outcome::Refused(error)) => anyhow::bail!(error),
            None => tokio::time::sleep(TICK).await,
        }
    }
    let text = "LiveKit has not answered; the recording is started when it does";
    Err(Failure::Unavailable(text.into()).into())
}

async fn stop(store: &Store, runner: &Runner, egress: &str) -> anyhow::Result<(Call, Recording)> {
    let row = store.call_of_egress(egress).await?;
    let call = row.map(|row| row.call);
    let Some(call) = call else {
        anyhow::bail!("no recording {egress:?} is known")
    };
    if let Some(found) = requests::stopped(store, egress).await? {
        return Ok(found);
    }
    requests::stop(store, &call, egress, (runner.clock)()).await?;
    runner.wake.intake.notify_one();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        if let Some(found) = requests::stopped(store, egress).await? {
            return Ok(found);
        }
        tokio::time::sleep(TICK).await;
    }
    let text = "LiveKit has not answered; the recording is stopped when it does";
    Err(Failure::Unavailable(text.into()).into())
}
