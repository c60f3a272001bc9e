//! `redrive`: makes deliveries due; the service sends them.

use serde_json::{Value, json};

use super::{database, out, table::Table};
use crate::{
    config::{Config, Source},
    domain::Sink,
    store::{DeliveryState, Outstanding, RedriveScope, Selection, Store, sink_name},
    telemetry,
};

/// Deliveries that one statement makes due, so that the service is never kept from writing for long.
const STEP: usize = 512;

#[derive(clap::Args)]
pub struct Args {
    /// Only what this place is owed
    #[arg(long)]
    sink: Option<Slot>,
    /// What was given up
    #[arg(long)]
    dead: bool,
    /// Everything, delivered or not: rows are written whole, the mirror is told again
    #[arg(long, conflicts_with = "dead")]
    all: bool,
    /// Calls (RM_…) or recordings (EG_…): what of them is not delivered or was given up, and their rows whole
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Show what would be sent again, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Slot {
    Airtable,
    Mirror,
    Egress,
    Storage,
}

impl Slot {
    fn sink(self) -> Sink {
        match self {
            Slot::Airtable => Sink::Airtable,
            Slot::Mirror => Sink::Mirror,
            Slot::Egress => Sink::Egress,
            Slot::Storage => Sink::Storage,
        }
    }
}

pub async fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    let url = Config::database(source)?;
    database::existing(&url, async |store| redrive(&args, store).await).await
}

async fn redrive(args: &Args, store: &Store) -> anyhow::Result<()> {
    let (selection, again) = args.selection(store).await?;
    let mut outstanding = store.outstanding(&selection).await?;
    outstanding.retain(|one| args.is_sent(one));
    if args.dry_run {
        return args.show(&outstanding);
    }
    let bar = database::bar("making due", outstanding.len());
    let mut redriven = 0;
    for part in outstanding.chunks(STEP) {
        redriven += store.redrive(part, again, telemetry::now()).await?;
        bar.inc(part.len() as u64);
    }
    bar.finish_and_clear();
    let all = [Sink::Egress, Sink::Storage, Sink::Airtable, Sink::Mirror];
    for sink in all
        .into_iter()
        .filter(|sink| selection.sink.is_none_or(|s| s == *sink))
    {
        store.probe_now(sink, telemetry::now()).await?;
    }
    if args.json {
        args.show(&outstanding)?;
    } else {
        out::line(&format!("{} made due.", deliveries(redriven)))?;
    }
    if redriven == 0 {
        return Ok(());
    }
    database::tell_who_sends(store).await
}

impl Args {
    async fn selection(&self, store: &Store) -> anyhow::Result<(Selection, RedriveScope)> {
        let mut calls = Vec::new();
        for id in &self.ids {
            calls.push(database::find(store, id).await?.call.id);
        }
        let any = self.all || !calls.is_empty();
        let (states, again) = match self.dead {
            true => (vec![DeliveryState::Dead], RedriveScope::Undelivered),
            false if any => (Vec::new(), RedriveScope::Everything),
            false => (
                vec![DeliveryState::Pending, DeliveryState::Parked],
                RedriveScope::Undelivered,
            ),
        };
        let sink = self.sink.map(Slot::sink);
        let selection = Selection {
            sink,
            states,
            calls,
        };
        Ok((selection, again))
    }

    /// A recording that was started or found has nothing to send again, and the mirror is told twice only when somebody
    /// says so.
    fn is_sent(&self, outstanding: &Outstanding) -> bool {
        match (outstanding.state, outstanding.key.sink) {
            (DeliveryState::Done, Sink::Egress | Sink::Storage) => false,
            (DeliveryState::Done, Sink::Mirror) => self.all || self.sink.is_some(),
            _ => true,
        }
    }

    fn show(&self, outstanding: &[Outstanding]) -> anyhow::Result<()> {
        if self.json {
            let all: Vec<Value> = outstanding.iter().map(describe).collect();
            return out::line(&json!({ "deliveries": all }).to_string());
        }
        let mut table = Table::new(&["CALL", "ROOM", "SINK", "STATE", "LAST ERROR"]);
        for one in outstanding {
            let error = one.last_error.as_deref().unwrap_or_default();
            let (sink, state) = (sink_name(one.key.sink), one.state.as_str());
            table.push([&one.key.call_id, &one.room_name, sink, state, error]);
        }
        if !table.is_empty() {
            out::text(&format!("{table}\n"))?;
        }
        let count = deliveries(outstanding.len() as u64);
        out::line(&format!("{count} would be sent again."))
    }
}

fn describe(outstanding: &Outstanding) -> Value {
    json!({
        "call_id": outstanding.key.call_id,
        "room_name": outstanding.room_name,
        "sink": sink_name(outstanding.key.sink),
        "part": Some(&outstanding.key.item).filter(|part| !part.is_empty()),
        "state": outstanding.state.as_str(),
        "last_error": outstanding.last_error,
    })
}

fn deliveries(count: u64) -> String {
    match count {
        1 => "1 delivery".to_owned(),
        count => format!("{count} deliveries"),
    }
}
