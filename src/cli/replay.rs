//! `replay`: rebuilds calls from the inbox, with the current code and schema.

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;

use super::audited::audited;
use super::console::{
    output::{print_json, print_line, print_text},
    progress,
    sender::report_sender,
    table::TextTable,
    time_args,
};
use crate::{
    airtable::Schema,
    config::{self, Source},
    domain::{Sink, audit::AuditAction, counted},
    pipeline::rebuild::{self, Rebuilt, Replay},
    service::{airtable, database, prices, recording::configured_sinks},
    store::{Error, Store},
    telemetry,
};

/// Call ids that are read at a time.
const PAGE: i64 = 512;
/// Calls that are rebuilt side by side.
const PARALLEL: usize = 8;
/// How often a call that changes meanwhile is rebuilt again.
const MAX_CONFLICTS: usize = 5;

#[derive(clap::Args)]
pub(super) struct ReplayArgs {
    /// Only calls with an event since: a time, a date, or how long ago (7d)
    #[arg(long, value_name = "T", value_parser = time_args::parse)]
    since: Option<Timestamp>,
    /// Show which rows would change, without changing anything
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The rebuilt calls.
#[derive(Default)]
struct Summary {
    calls: usize,
    messages: usize,
    /// Calls whose row changes, and which columns.
    changed: Vec<Rebuilt>,
    /// Calls that stay as they are, because not all of their events are stored any more.
    incomplete: Vec<String>,
    /// Inbox messages of no call, which the service processes again.
    unassigned: i64,
    /// Nothing was written.
    is_dry: bool,
}

/// The output of `--json`.
#[derive(Serialize)]
struct ReplayAnswer<'a> {
    folded: usize,
    messages: usize,
    changed: Vec<ChangedRow<'a>>,
    incomplete: &'a [String],
    read_again: i64,
}

#[derive(Serialize)]
struct ChangedRow<'a> {
    call_id: &'a str,
    room_name: &'a str,
    columns: &'a [String],
}

/// Rebuilds the calls that the arguments ask for.
pub(super) async fn run(args: ReplayArgs, source: &Source) -> anyhow::Result<()> {
    let (url, sinks, schema, times, prices) = config::read(source, |r| {
        let sinks = configured_sinks(config::MirrorSettings::read(r).as_ref());
        let (schema, times) = (config::schema(r), config::transcript_times(r));
        (
            config::database_url(r),
            sinks,
            schema,
            times,
            config::prices(r),
        )
    })?;
    let schema = airtable::schema(schema.as_deref())?.with_times(times);
    let schema = schema.with_prices(prices::prices(prices.as_deref())?);
    let work = async |store: &Store| {
        let work = replay_all(&args, store, &schema, &sinks);
        if args.dry_run {
            return work.await;
        }
        let since = args.since.map(|at| format!("--since {at}"));
        let action = (AuditAction::Replay, since.unwrap_or_default());
        audited(store, action, &[], work).await
    };
    database::existing(&url, work).await
}

async fn replay_all(
    args: &ReplayArgs,
    store: &Store,
    schema: &Schema,
    sinks: &[Sink],
) -> anyhow::Result<()> {
    let since = args.since.unwrap_or(Timestamp::UNIX_EPOCH);
    let ids = ids(store, since).await?;
    let bar = progress::bar("rebuilding", ids.len());
    let mut summary = Summary {
        is_dry: args.dry_run,
        ..Summary::default()
    };
    let rebuild = async |id: &String| match args.dry_run {
        true => Ok(rebuild::rebuild(store, schema, id).await?),
        false => rebuild(store, schema, id, sinks).await,
    };
    let mut rebuilding = stream::iter(&ids).map(rebuild).buffered(PARALLEL);
    for id in &ids {
        let rebuilt = rebuilding.next().await.transpose()?.flatten();
        summary.add(id, rebuilt);
        bar.inc(1);
    }
    bar.finish_and_clear();
    summary.unassigned = match args.dry_run {
        true => store.count_unassigned(since).await?,
        false => store.reopen_unassigned(since, telemetry::now()).await?,
    };
    match args.json {
        true => print_json(&summary.answer())?,
        false => summary.print()?,
    }
    if args.dry_run || (summary.changed.is_empty() && summary.unassigned == 0) {
        return Ok(());
    }
    report_sender(store).await
}

async fn ids(store: &Store, since: Timestamp) -> anyhow::Result<Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let last = all.last().map_or("", String::as_str);
        let more = store.calls_with_messages_since(since, last, PAGE).await?;
        if more.is_empty() {
            return Ok(all);
        }
        all.extend(more);
    }
}

/// Rebuilds and writes one call; one that changes meanwhile is rebuilt again.
async fn rebuild(
    store: &Store,
    schema: &Schema,
    id: &str,
    sinks: &[Sink],
) -> anyhow::Result<Option<Replay>> {
    for _ in 0..MAX_CONFLICTS {
        let replay = rebuild::rebuild(store, schema, id).await?;
        let Some(Replay::Rebuilt(rebuilt)) = &replay else {
            return Ok(replay);
        };
        match rebuild::write(store, rebuilt, sinks, telemetry::now()).await {
            Err(Error::Conflict) => {}
            written => return Ok(written.map(|()| replay)?),
        }
    }
    anyhow::bail!("{id} keeps changing; run `replay` again")
}

impl Summary {
    fn add(&mut self, id: &str, rebuilt: Option<Replay>) {
        match rebuilt {
            Some(Replay::Rebuilt(rebuilt)) => {
                self.calls += 1;
                self.messages += rebuilt.messages;
                if rebuilt.has_changes() {
                    self.changed.push(*rebuilt);
                }
            }
            Some(Replay::Incomplete) => self.incomplete.push(id.to_owned()),
            None => {}
        }
    }

    fn print(&self) -> anyhow::Result<()> {
        let mut table = TextTable::new(&["CALL", "ROOM", "COLUMNS"]);
        for Rebuilt { call, columns, .. } in &self.changed {
            let columns = match columns.as_slice() {
                [] => "(no columns)".to_owned(),
                columns => columns.join(", "),
            };
            table.push([&call.id, &call.room_name, &columns]);
        }
        if !table.is_empty() {
            print_text(&format!("{table}\n"))?;
        }
        let calls = counted(self.calls, "call", "calls");
        let messages = counted(self.messages, "inbox message", "inbox messages");
        let changed = self.changed.len();
        print_line(&match self.is_dry {
            true => format!("Would rebuild {calls} from {messages}: {changed} would change."),
            false => format!("Rebuilt {calls} from {messages}: {changed} changed."),
        })?;
        if self.unassigned > 0 {
            let unassigned = counted(self.unassigned, "inbox message", "inbox messages");
            print_line(&match self.is_dry {
                true => format!("Would process {unassigned} of no call again."),
                false => format!("The service processes {unassigned} of no call again."),
            })?;
        }
        if !self.incomplete.is_empty() {
            let incomplete = counted(self.incomplete.len(), "call", "calls");
            let left = match self.is_dry {
                true => "Would leave unchanged",
                false => "Left unchanged",
            };
            print_line(&format!(
                "{left}, because their events were purged (KEEP): {incomplete}."
            ))?;
        }
        match self.is_dry {
            true => print_line("This was a dry run: nothing was changed."),
            false => Ok(()),
        }
    }

    fn answer(&self) -> ReplayAnswer<'_> {
        let changed = self.changed.iter().map(|rebuilt| ChangedRow {
            call_id: &rebuilt.call.id,
            room_name: &rebuilt.call.room_name,
            columns: &rebuilt.columns,
        });
        ReplayAnswer {
            folded: self.calls,
            messages: self.messages,
            changed: changed.collect(),
            incomplete: &self.incomplete,
            read_again: self.unassigned,
        }
    }
}
