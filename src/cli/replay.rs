//! `replay`: folds calls anew from the inbox, with today's code and schema.

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{base::schema_at, database, out, since, table::Table};
use crate::{
    airtable::Schema,
    config::{self, Source},
    domain::Sink,
    pipeline::rebuild::{self, Rebuilt, Replay},
    store::{Error, Store},
    telemetry,
};

/// Calls that are looked up at once.
const PAGE: i64 = 512;
/// Calls that are folded side by side.
const ABREAST: usize = 8;
/// How often a call is folded again that changes meanwhile.
const TRIES: usize = 5;

#[derive(clap::Args)]
pub struct Args {
    /// Only calls of which something was heard since: a time, a date, or how long ago (7d)
    #[arg(long, value_name = "T", value_parser = since::parse)]
    since: Option<Timestamp>,
    /// Show which rows would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Default)]
struct Outcome {
    calls: usize,
    messages: usize,
    /// Calls whose row changes, and how.
    changed: Vec<Rebuilt>,
    /// Calls that stay as they are.
    incomplete: Vec<String>,
    /// Messages of no call, for the service to read again.
    unassigned: i64,
}

pub async fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    let (url, mirror, schema) = config::read(source, |r| {
        let mirror = config::Mirror::read(r);
        (config::database_url(r), mirror, config::schema(r))
    })?;
    let schema = schema_at(schema.as_deref())?;
    let mut sinks = vec![Sink::Egress, Sink::Storage, Sink::Airtable];
    sinks.extend(mirror.map(|_| Sink::Mirror));
    let work = async |store: &Store| replay_all(&args, store, &schema, &sinks).await;
    database::existing(&url, work).await
}

async fn replay_all(
    args: &Args,
    store: &Store,
    schema: &Schema,
    sinks: &[Sink],
) -> anyhow::Result<()> {
    let since = args.since.unwrap_or(Timestamp::UNIX_EPOCH);
    let ids = ids(store, since).await?;
    let bar = database::bar("folding", ids.len());
    let mut outcome = Outcome::default();
    let fold = async |id: &String| match args.dry_run {
        true => Ok(rebuild::rebuild(store, schema, id).await?),
        false => fold(store, schema, id, sinks).await,
    };
    let mut folding = stream::iter(&ids).map(fold).buffered(ABREAST);
    for id in &ids {
        let folded = folding.next().await.transpose()?.flatten();
        outcome.take(id, folded);
        bar.inc(1);
    }
    bar.finish_and_clear();
    outcome.unassigned = if args.dry_run {
        store.count_unassigned(since).await?
    } else {
        store.reopen_unassigned(since, telemetry::now()).await?
    };
    outcome.tell(args)?;
    if args.dry_run || (outcome.changed.is_empty() && outcome.unassigned == 0) {
        return Ok(());
    }
    database::tell_who_sends(store).await
}

async fn ids(store: &Store, since: Timestamp) -> anyhow::Result<Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let last = all.last().map_or("", String::as_str);
        let more = store.heard_since(since, last, PAGE).await?;
        if more.is_empty() {
            return Ok(all);
        }
        all.extend(more);
    }
}

/// Folds and writes one call; what changed meanwhile is folded again.
async fn fold(
    store: &Store,
    schema: &Schema,
    id: &str,
    sinks: &[Sink],
) -> anyhow::Result<Option<Replay>> {
    for _ in 0..TRIES {
        let folded = rebuild::rebuild(store, schema, id).await?;
        let Some(Replay::CallUpdate(rebuilt)) = &folded else {
            return Ok(folded);
        };
        match rebuild::write(store, rebuilt, sinks, telemetry::now()).await {
            Err(Error::Conflict) => {}
            written => return Ok(written.map(|()| folded)?),
        }
    }
    anyhow::bail!("{id} is being changed without a pause; run `replay` again")
}

impl Outcome {
    fn take(&mut self, id: &str, folded: Option<Replay>) {
        match folded {
            Some(Replay::CallUpdate(rebuilt)) => {
                self.calls += 1;
                self.messages += rebuilt.messages;
                if rebuilt.is_news() {
                    self.changed.push(*rebuilt);
                }
            }
            Some(Replay::Incomplete) => self.incomplete.push(id.to_owned()),
            None => {}
        }
    }

    fn tell(&self, args: &Args) -> anyhow::Result<()> {
        if args.json {
            return out::line(&self.json().to_string());
        }
        let mut table = Table::new(&["CALL", "ROOM", "COLUMNS"]);
        for Rebuilt { call, columns, .. } in &self.changed {
            let columns = match columns.as_slice() {
                [] => "(none of the row)".to_owned(),
                columns => columns.join(", "),
            };
            table.push([&call.id, &call.room_name, &columns]);
        }
        if !table.is_empty() {
            out::text(&format!("{table}\n"))?;
        }
        let (would, is) = match args.dry_run {
            true => ("would change", "would be read again"),
            false => ("changed", "are read again"),
        };
        out::line(&format!(
            "{} calls of {} letters folded anew: {} {would}.",
            self.calls,
            self.messages,
            self.changed.len()
        ))?;
        if self.unassigned > 0 {
            out::line(&format!(
                "{} letters that belong to no call {is}.",
                self.unassigned
            ))?;
        }
        if !self.incomplete.is_empty() {
            out::line(&format!(
                "{} calls stay as they are: what was heard of them is not kept any more (KEEP).",
                self.incomplete.len()
            ))?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let changed = self.changed.iter().map(|rebuilt| {
            json!({
                "call_id": rebuilt.call.id,
                "room_name": rebuilt.call.room_name,
                "columns": rebuilt.columns,
            })
        });
        json!({
            "folded": self.calls,
            "letters": self.messages,
            "changed": changed.collect::<Vec<_>>(),
            "incomplete": self.incomplete,
            "read_again": self.unassigned,
        })
    }
}
