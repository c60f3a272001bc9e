//! `record start|stop`: what `/v1/recordings` does, through the database. A running service does the work; without one
//! this command does.

use std::time::Duration;

use tokio::time::Instant;

use super::{audited::audited_recording, console::output::print_json, failure::Failure};
use crate::{
    config::{self, Source},
    domain::{Call, KeptAttributes, Recording, Sink, audit::AuditAction},
    pipeline::{
        Runner,
        requests::{self, RequestOutcome},
    },
    service::{
        bucket,
        recording::{RecordingJobs, configured_sinks},
    },
    store::{self, Store},
    telemetry,
    view::RequestedRecordingView,
};

/// How long LiveKit may take. With [`DRAIN_TIMEOUT`], longer than a start's own limit: without a running service nobody
/// else would see the answer. The command ends within a minute.
const LIVEKIT_TIMEOUT: Duration = Duration::from_secs(45);
/// How often the database is asked for the outcome.
const POLL: Duration = Duration::from_millis(100);
/// How long the jobs may take to end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(8);

#[derive(clap::Subcommand)]
pub(super) enum RecordCommand {
    /// Record a room, or print the recording that is running
    Start {
        /// The room's name
        room: String,
        /// Value of {room_id} in RECORDING_PATH
        #[arg(long, value_name = "TEXT")]
        room_id: Option<String>,
    },
    /// Stop a recording
    Stop {
        /// ID of the recording (EG_…)
        egress: String,
    },
}

/// The configuration that is needed: nothing of Airtable's.
struct Needs {
    livekit: config::LiveKitSettings,
    bucket: config::StorageSettings,
    recording: config::RecordingSettings,
    times: config::TimesSettings,
    sinks: Vec<Sink>,
    database_url: String,
}

/// Starts or stops a recording and prints it.
pub(super) async fn run(record: RecordCommand, source: &Source) -> anyhow::Result<()> {
    let needs = config::read(source, |r| Needs {
        livekit: config::LiveKitSettings::read(r),
        bucket: config::StorageSettings::read(r),
        recording: config::RecordingSettings::read(r),
        times: config::TimesSettings::read(r),
        sinks: configured_sinks(config::MirrorSettings::read(r).as_ref()),
        database_url: config::database_url(r),
    })?;
    let store = Store::open(&needs.database_url, telemetry::now()).await?;
    let runner = Runner::new(telemetry::now);
    let jobs = RecordingJobs {
        livekit: &needs.livekit,
        bucket: &needs.bucket,
        recording: &needs.recording,
        times: &needs.times,
        sinks: needs.sinks,
        // The table's columns are not known here.
        attributes: KeptAttributes::Any,
    };
    let storage = bucket::client(&needs.bucket);
    let started = jobs.start(&store, &runner, &storage, telemetry::http_client()?);
    started.await?;
    let asking = async {
        let action = match &record {
            RecordCommand::Start { .. } => AuditAction::RecordStart,
            RecordCommand::Stop { .. } => AuditAction::RecordStop,
        };
        let outcome = ask(record, &store, &runner, &needs.livekit.api_key).await;
        let outcome = audited_recording(&store, action, outcome).await;
        runner.stop.cancel();
        outcome
    };
    let renewing = runner.leases.keep(&store, runner.clock, &runner.stop);
    let (outcome, ()) = tokio::join!(asking, renewing);
    runner.tasks.close();
    let ended = tokio::time::timeout(DRAIN_TIMEOUT, runner.tasks.wait());
    ended.await.ok();
    runner.leases.release(&store).await;
    store.close().await;
    let (call, recording) = outcome?;
    print_json(&RequestedRecordingView::new(&call, &recording))
}

async fn ask(
    record: RecordCommand,
    store: &Store,
    runner: &Runner,
    our_key: &str,
) -> anyhow::Result<(Call, Recording)> {
    match record {
        RecordCommand::Start { room, room_id } => {
            start(store, runner, our_key, &room, room_id).await
        }
        RecordCommand::Stop { egress } => stop(store, runner, &egress).await,
    }
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
    let request = requests::start(store, our_key, room, room_id, (runner.clock)()).await?;
    runner.wake.intake.notify_one();
    let outcome = wait_for(|| request.outcome(store)).await?;
    let unanswered = request.unanswered(store, &runner.status).await;
    recorded(outcome, &unanswered)
}

async fn stop(store: &Store, runner: &Runner, egress: &str) -> anyhow::Result<(Call, Recording)> {
    let row = store.call_of_egress(egress).await?;
    let Some(call) = row.map(|row| row.call) else {
        anyhow::bail!("no recording {egress:?}")
    };
    let recording = call.recordings.get(egress).cloned();
    if let Some(recording) = recording.filter(|it| !call.is_running(it)) {
        return Ok((call, recording));
    }
    if call.is_others() {
        anyhow::bail!(requests::OTHER_PROJECT);
    }
    let request = requests::stop(store, &call, egress, (runner.clock)()).await?;
    runner.wake.intake.notify_one();
    let outcome = wait_for(|| request.outcome(store)).await?;
    recorded(outcome, &request.unanswered(&runner.status))
}

/// Asks until there is an outcome. After [`LIVEKIT_TIMEOUT`], `None` or a refusal that may pass.
async fn wait_for<F>(ask: impl Fn() -> F) -> Result<Option<RequestOutcome>, store::Error>
where
    F: Future<Output = Result<Option<RequestOutcome>, store::Error>>,
{
    let deadline = Instant::now() + LIVEKIT_TIMEOUT;
    loop {
        let outcome = ask().await?;
        let is_over = outcome
            .as_ref()
            .is_some_and(|it| !matches!(it, RequestOutcome::Retrying(_)));
        if is_over || Instant::now() >= deadline {
            return Ok(outcome);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The recording, or why there is none; `unanswered` when that is not known yet.
fn recorded(
    outcome: Option<RequestOutcome>,
    unanswered: &str,
) -> anyhow::Result<(Call, Recording)> {
    match outcome {
        Some(RequestOutcome::Recorded(found)) => Ok(*found),
        Some(RequestOutcome::NotPermitted(error)) => Err(Failure::NotPermitted(error).into()),
        Some(RequestOutcome::Refused(error)) => anyhow::bail!(error),
        Some(RequestOutcome::Simulated) => {
            anyhow::bail!("the call is simulated, and RECORD_SIMULATIONS is false")
        }
        Some(RequestOutcome::NoRoom) => anyhow::bail!("LiveKit has no room with this name"),
        Some(RequestOutcome::Retrying(error)) => Err(Failure::Unavailable(error).into()),
        None => Err(Failure::Unavailable(unanswered.to_owned()).into()),
    }
}
