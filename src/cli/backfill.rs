//! `backfill`: history into the base, through the inbox like everything else.

use indicatif::ProgressBar;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Failure, bucket, database, out, recorder, since, table::Table};
use crate::{
    config::{self, Source},
    domain::bucket_recording,
    http::describe::seconds,
    livekit::client,
    pipeline::backfill::{Found, Known},
    storage,
    store::Store,
    telemetry,
};

/// Messages that one transaction puts.
const STEP: usize = 256;

#[derive(clap::Args)]
pub struct Args {
    /// Only what ended since: a time, a date, or how long ago (7d)
    #[arg(long, value_name = "T", value_parser = since::parse)]
    since: Option<Timestamp>,
    /// Who is asked: LiveKit remembers a day, the bucket holds what RECORDING_PATH put there
    #[arg(long, value_delimiter = ',', default_values = ["livekit", "bucket"])]
    from: Vec<From>,
    /// Show which rows would come or change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum From {
    Livekit,
    Bucket,
}

/// Where to ask, and with what.
struct Places {
    livekit: Option<client::Client>,
    bucket: Option<Bucket>,
}

struct Bucket {
    client: storage::Client,
    /// RECORDING_PATH
    path: String,
}

pub async fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    let (url, places) = args.places(source)?;
    let since = args.since.unwrap_or(Timestamp::UNIX_EPOCH);
    let work = async |store: &Store| {
        let found = places.ask(store, since).await?;
        if !args.dry_run {
            put(store, &found).await?;
        }
        args.tell(&found)?;
        match args.dry_run || found.is_empty() {
            true => Ok(()),
            false => database::tell_who_sends(store).await,
        }
    };
    database::with(&url, work).await
}

async fn put(store: &Store, found: &[Found]) -> anyhow::Result<()> {
    let bar = database::bar("into the inbox", found.len());
    for part in found.chunks(STEP) {
        let messages: Vec<_> = part.iter().map(|one| one.message.clone()).collect();
        store.put_all(messages).await?;
        bar.inc(part.len() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

impl Places {
    async fn ask(&self, store: &Store, since: Timestamp) -> anyhow::Result<Vec<Found>> {
        let (mut known, now) = (Known::read(store).await?, telemetry::now());
        let spinner = database::spinner("asking LiveKit and the bucket");
        let mut found = Vec::new();
        // LiveKit knows more of a call than its recording's key does.
        if let Some(livekit) = &self.livekit {
            let infos = livekit.list(None, client::Egresses::All).await;
            let infos = infos.map_err(|error| livekit_failure(&error))?;
            spinner.inc(infos.len() as u64);
            found.extend(known.egresses(infos, since, now));
        }
        if let Some(bucket) = &self.bucket {
            let objects = bucket.list(&spinner).await;
            let objects = objects.map_err(|error| storage_failure(&error))?;
            found.extend(known.objects(&bucket.path, &objects, since, now));
            spinner.finish_and_clear();
            bucket.tell_others(&objects);
        }
        spinner.finish_and_clear();
        Ok(found)
    }
}

impl Bucket {
    /// All objects that may be recordings.
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

    fn tell_others(&self, objects: &[storage::Listed]) {
        let is_other = |object: &&storage::Listed| !bucket_recording::fits(&self.path, &object.key);
        let others = objects.iter().filter(is_other).count();
        if others > 0 {
            out::complain(&format!(
                "{others} of {} objects do not look like RECORDING_PATH ({}) and were passed over.",
                objects.len(),
                self.path
            ));
        }
    }
}

impl Args {
    /// The database's address, and clients for what is asked.
    fn places(&self, source: &Source) -> anyhow::Result<(String, Places)> {
        let (livekit, bucket) = (From::Livekit, From::Bucket);
        let (livekit, bucket) = (self.from.contains(&livekit), self.from.contains(&bucket));
        let (url, livekit, bucket) = config::read(source, |r| {
            let livekit = livekit.then(|| config::LiveKit::read(r));
            let bucket = bucket.then(|| (config::Storage::read(r), config::Recording::read(r)));
            (config::database_url(r), livekit, bucket)
        })?;
        let http = telemetry::http_client()?;
        let livekit = livekit.as_ref().map(recorder::livekit_config);
        let places = Places {
            livekit: livekit.map(|config| client::Client::new(config, http)),
            bucket: bucket.map(|(storage, recording)| Bucket {
                client: bucket::client(&storage),
                path: recording.path,
            }),
        };
        Ok((url, places))
    }

    fn tell(&self, found: &[Found]) -> anyhow::Result<()> {
        if self.json {
            let all: Vec<Value> = found.iter().map(describe).collect();
            return out::line(&json!({ "found": all }).to_string());
        }
        let mut table = Table::new(&["CALL", "ROOM", "ENDED", "RECORDING"]);
        for one in found {
            let ended = one.ended_at.map(seconds).unwrap_or_default();
            table.push([&one.call_id, &one.room_name, &ended, &one.key]);
        }
        if !table.is_empty() {
            out::text(&format!("{table}\n"))?;
        }
        let count = match found.len() {
            1 => "1 recording".to_owned(),
            count => format!("{count} recordings"),
        };
        let done = match self.dry_run {
            true => "Would be brought in",
            false => "Brought in",
        };
        out::line(&format!("{done}: {count}; the rest was known."))
    }
}

fn describe(found: &Found) -> Value {
    json!({
        "call_id": found.call_id,
        "room_name": found.room_name,
        "ended_at": found.ended_at,
        "filename": found.key,
    })
}

fn livekit_failure(error: &client::Error) -> Failure {
    let text = format!("LiveKit's recordings could not be listed: {error}");
    match error.kind() {
        client::Kind::Unauthorized => Failure::NotPermitted(text),
        _ => Failure::Unavailable(text),
    }
}

fn storage_failure(error: &storage::Error) -> Failure {
    let text = format!("the bucket could not be listed: {error}");
    match error {
        storage::Error::Forbidden => Failure::NotPermitted(text),
        storage::Error::Refused { .. } | storage::Error::Presign(_) => Failure::Usage(text),
        storage::Error::Away { .. } => Failure::Unavailable(text),
    }
}
