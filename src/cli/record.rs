//! `record start|stop`: what `/v1/recordings` does, through the database: with the service running it does the work,
//! without it this command does.

use std::time::Duration;

use super::{Failure, bucket, out, recorder::Recorder};
use crate::{
    config::{self, Source},
    domain::{Call, Recording},
    pipeline::{
        Runner,
        requests::{self, RequestOutcome},
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

/// Of the configuration: nothing of Airtable.
struct Needs {
    livekit: config::LiveKit,
    bucket: config::Storage,
    recording: config::Recording,
    times: config::Times,
    mirrors: bool,
    database_url: String,
}

pub async fn run(record: Record, source: &Source) -> anyhow::Result<()> {
    let needs = config::read(source, |r| Needs {
        livekit: config::LiveKit::read(r),
        bucket: config::Storage::read(r),
        recording: config::Recording::read(r),
        times: config::Times::read(r),
        mirrors: config::Mirror::read(r).is_some(),
        database_url: config::database_url(r),
    })?;
    let store = Store::open(&needs.database_url).await?;
    let runner = Runner::new(telemetry::now);
    let recorder = Recorder {
        livekit: &needs.livekit,
        bucket: &needs.bucket,
        recording: &needs.recording,
        times: &needs.times,
        mirrors: needs.mirrors,
    };
    let storage = bucket::client(&needs.bucket);
    let started = recorder.start(&store, &runner, &storage, telemetry::http_client()?);
    started.await?;
    let working = async {
        let answer = match record {
            Record::Start { room, room_id } => {
                start(&store, &runner, &needs.livekit.api_key, &room, room_id).await
            }
            Record::Stop { egress } => stop(&store, &runner, &egress).await,
        };
        runner.stop.cancel();
        answer
    };
    let keeping = runner.leases.keep(&store, runner.clock, &runner.stop);
    let (answer, ()) = tokio::join!(working, keeping);
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
            Some(outcome) => return found(outcome),
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
    if let Some(RequestOutcome::Recorded(found)) = requests::stopped(store, egress).await? {
        return Ok(*found);
    }
    requests::stop(store, &call, egress, (runner.clock)()).await?;
    runner.wake.intake.notify_one();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        if let Some(outcome) = requests::stopped(store, egress).await? {
            return found(outcome);
        }
        tokio::time::sleep(TICK).await;
    }
    let text = "LiveKit has not answered; the recording is stopped when it does";
    Err(Failure::Unavailable(text.into()).into())
}

/// The recording, or why there is none.
fn found(outcome: RequestOutcome) -> anyhow::Result<(Call, Recording)> {
    match outcome {
        RequestOutcome::Recorded(found) => Ok(*found),
        RequestOutcome::NotPermitted(error) => Err(Failure::NotPermitted(error).into()),
        RequestOutcome::Refused(error) => anyhow::bail!(error),
        RequestOutcome::NoRoom => anyhow::bail!("LiveKit has no room of this name"),
    }
}
