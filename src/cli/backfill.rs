//! `backfill`: imports history into the base, through the inbox like everything else.

use indicatif::ProgressBar;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    audited::audited,
    console::{
        output::{print_error, print_json, print_line, print_text},
        progress,
        sender::report_sender,
        table::TextTable,
        time_args,
    },
    failure::Failure,
};
use crate::{
    config::{self, Source},
    domain::{DoctorKey, audit::AuditAction, bucket_recording, counted},
    livekit::client,
    pipeline::backfill::{Found, KnownRecordings},
    service::{bucket, database, recording},
    storage,
    store::Store,
    telemetry,
    view::utc_seconds,
};

/// Inbox messages of one transaction.
const BATCH: usize = 256;

#[derive(clap::Args)]
pub(super) struct BackfillArgs {
    /// Only recordings that ended since: a time, a date, or how long ago (7d)
    #[arg(long, value_name = "T", value_parser = time_args::parse)]
    since: Option<Timestamp>,
    /// Where to look: LiveKit lists the last day, the bucket has every object under RECORDING_PATH
    #[arg(long, value_delimiter = ',', default_values = ["livekit", "bucket"])]
    from: Vec<Origin>,
    /// Show which rows would be added or changed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Origin {
    Livekit,
    Bucket,
}

/// Clients of the origins that are asked.
struct Origins {
    livekit: Option<LiveKit>,
    bucket: Option<Bucket>,
}

struct LiveKit {
    client: client::Client,
    /// Knows what `doctor` recorded, which is no call.
    doctor: DoctorKey,
}

struct Bucket {
    client: storage::Client,
    /// RECORDING_PATH
    path: String,
}

/// The output of `--json`.
#[derive(Serialize)]
struct BackfillAnswer<'a> {
    found: Vec<FoundRecording<'a>>,
}

#[derive(Serialize)]
struct FoundRecording<'a> {
    call_id: &'a str,
    room_name: &'a str,
    ended_at: Option<Timestamp>,
    filename: &'a str,
}

/// Puts what is found into the inbox and prints it.
pub(super) async fn run(args: BackfillArgs, source: &Source) -> anyhow::Result<()> {
    let (url, origins) = args.origins(source)?;
    let since = args.since.unwrap_or(Timestamp::UNIX_EPOCH);
    let work = async |store: &Store| {
        let work = import(&args, store, &origins, since);
        if args.dry_run {
            return work.await;
        }
        let since = args.since.map(|at| format!("--since {at}"));
        let action = (AuditAction::Backfill, since.unwrap_or_default());
        audited(store, action, &[], work).await
    };
    database::with(&url, work).await
}

async fn import(
    args: &BackfillArgs,
    store: &Store,
    origins: &Origins,
    since: Timestamp,
) -> anyhow::Result<()> {
    let found = origins.find(store, since).await?;
    if !args.dry_run {
        put(store, &found).await?;
    }
    args.print(&found)?;
    match args.dry_run || found.is_empty() {
        true => Ok(()),
        false => report_sender(store).await,
    }
}

async fn put(store: &Store, found: &[Found]) -> anyhow::Result<()> {
    let bar = progress::bar("importing", found.len());
    for batch in found.chunks(BATCH) {
        let messages: Vec<_> = batch.iter().map(|one| one.message.clone()).collect();
        store.put_all(messages).await?;
        bar.inc(batch.len() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

impl Origins {
    async fn find(&self, store: &Store, since: Timestamp) -> anyhow::Result<Vec<Found>> {
        let (mut known, now) = (KnownRecordings::read(store).await?, telemetry::now());
        let spinner = progress::spinner("listing recordings");
        let mut found = Vec::new();
        // LiveKit first: it knows more of a call than the key of its recording does.
        if let Some(livekit) = &self.livekit {
            let infos = livekit.client.list(None, client::Egresses::All).await;
            let infos = infos.map_err(|error| livekit_failure(&error))?;
            spinner.inc(infos.len() as u64);
            let mut listed = known.egresses(infos, since, now);
            listed.retain(|one| !livekit.doctor.has_named(&one.room_name, &one.key));
            found.extend(listed);
        }
        if let Some(bucket) = &self.bucket {
            let objects = bucket.list(&spinner).await;
            let objects = objects.map_err(|error| storage_failure(&error))?;
            known.read_owners(store, &objects).await?;
            found.extend(known.objects(&bucket.path, &objects, since, now));
            spinner.finish_and_clear();
            bucket.report_others(&objects);
        }
        spinner.finish_and_clear();
        Ok(found)
    }
}

impl Bucket {
    /// Lists all objects that may be recordings.
    async fn list(&self, spinner: &ProgressBar) -> Result<Vec<storage::Listed>, storage::Error> {
        let prefix = bucket_recording::prefix(&self.path);
        let (mut objects, mut from) = (Vec::new(), None);
        loop {
            let page = self.client.list(prefix, from).await?;
            spinner.inc(page.objects.len() as u64);
            objects.extend(page.objects);
            from = page.next;
            if from.is_none() {
                return Ok(objects);
            }
        }
    }

    fn report_others(&self, objects: &[storage::Listed]) {
        let is_other = |object: &&storage::Listed| !bucket_recording::fits(&self.path, &object.key);
        let others = objects.iter().filter(is_other).count();
        if others > 0 {
            print_error(&format!(
                "{others} of {} objects do not match RECORDING_PATH ({}) and were skipped.",
                objects.len(),
                self.path
            ));
        }
    }
}

impl BackfillArgs {
    /// The database's address, and clients of the origins that are asked.
    fn origins(&self, source: &Source) -> anyhow::Result<(String, Origins)> {
        let is_selected = |origin| self.from.contains(&origin);
        let (url, livekit, bucket) = config::read(source, |r| {
            let livekit = is_selected(Origin::Livekit).then(|| config::LiveKitSettings::read(r));
            let bucket = is_selected(Origin::Bucket).then(|| {
                (
                    config::StorageSettings::read(r),
                    config::RecordingSettings::read(r),
                )
            });
            (config::database_url(r), livekit, bucket)
        })?;
        let http = telemetry::http_client()?;
        let origins = Origins {
            livekit: livekit.map(|livekit| LiveKit {
                client: client::Client::new(recording::livekit(&livekit), http),
                doctor: DoctorKey::new(livekit.api_secret),
            }),
            bucket: bucket.map(|(storage, recording)| Bucket {
                client: bucket::client(&storage),
                path: recording.path,
            }),
        };
        Ok((url, origins))
    }

    fn print(&self, found: &[Found]) -> anyhow::Result<()> {
        if self.json {
            let found = found.iter().map(FoundRecording::new).collect();
            return print_json(&BackfillAnswer { found });
        }
        let mut table = TextTable::new(&["CALL", "ROOM", "ENDED", "RECORDING"]);
        for one in found {
            let ended = one.ended_at.map(utc_seconds).unwrap_or_default();
            table.push([&one.call_id, &one.room_name, &ended, &one.key]);
        }
        if !table.is_empty() {
            print_text(&format!("{table}\n"))?;
        }
        let count = counted(found.len(), "recording", "recordings");
        let done = match self.dry_run {
            true => "Would import",
            false => "Imported",
        };
        print_line(&format!("{done} {count}; all others are known already."))
    }
}

impl<'a> FoundRecording<'a> {
    fn new(found: &'a Found) -> FoundRecording<'a> {
        FoundRecording {
            call_id: &found.call_id,
            room_name: &found.room_name,
            ended_at: found.ended_at,
            filename: &found.key,
        }
    }
}

fn livekit_failure(error: &client::Error) -> Failure {
    let text = format!("cannot list LiveKit's recordings: {error}");
    match error.kind() {
        client::ErrorKind::Unauthorized => Failure::NotPermitted(text),
        _ => Failure::Unavailable(text),
    }
}

fn storage_failure(error: &storage::Error) -> Failure {
    let text = format!("cannot list the bucket: {error}");
    match error {
        storage::Error::Forbidden | storage::Error::Expired => Failure::NotPermitted(text),
        storage::Error::Refused { .. } | storage::Error::Key(_) | storage::Error::Presign(_) => {
            Failure::Usage(text)
        }
        storage::Error::Away { .. } => Failure::Unavailable(text),
    }
}
