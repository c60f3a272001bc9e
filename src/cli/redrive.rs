//! `redrive`: makes deliveries due; the service sends them.

use serde::Serialize;

use super::audited::audited;
use super::console::{
    choices,
    output::{Format, print_json, print_line, print_text},
    progress,
    sender::report_sender,
    table::TextTable,
};
use crate::{
    config::{Config, Source},
    domain::{Sink, audit::AuditAction, counted},
    pipeline::requests,
    service::database,
    store::{
        CallSelection, DeliveryState, Outstanding, RedriveScope, Selection, StateSelection, Store,
    },
    telemetry,
    view::OutstandingView,
};

/// Deliveries that one statement makes due, so that it never keeps the service from writing for long.
const BATCH: usize = 512;

#[derive(clap::Args)]
pub(super) struct RedriveArgs {
    /// Only deliveries to this sink: egress (LiveKit: start or stop), storage (the bucket), airtable, or mirror (EGRESS_WEBHOOK_URL)
    #[arg(long, value_parser = choices::sink())]
    sink: Option<Sink>,
    /// Only deliveries that failed permanently
    #[arg(long)]
    dead: bool,
    /// Delivered ones, too: rewrites rows completely and posts recordings to EGRESS_WEBHOOK_URL again
    #[arg(long, conflicts_with = "dead")]
    all: bool,
    /// Calls (RM_…) or recordings (EG_…): retry every delivery of these calls and rewrite their rows completely
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Show what would be retried, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The output of `--json`.
#[derive(Serialize)]
struct RedriveAnswer<'a> {
    deliveries: Vec<OutstandingView<'a>>,
}

/// Makes the deliveries due that the arguments ask for.
pub(super) async fn run(args: RedriveArgs, source: &Source) -> anyhow::Result<()> {
    let url = Config::database(source)?;
    let work = async |store: &Store| {
        let work = redrive(&args, store);
        if args.dry_run {
            return work.await;
        }
        let detail = args.options();
        audited(store, (AuditAction::Redrive, detail), &args.ids, work).await
    };
    database::existing(&url, work).await
}

async fn redrive(args: &RedriveArgs, store: &Store) -> anyhow::Result<()> {
    let (selection, again) = args.selection(store).await?;
    let mut outstanding = store.outstanding(&selection).await?;
    outstanding.retain(|one| args.includes(one));
    if args.dry_run {
        return args.print(&outstanding);
    }
    retry_starts(store, &outstanding).await?;
    let bar = progress::bar("retrying", outstanding.len());
    let mut retried = 0;
    for batch in outstanding.chunks(BATCH) {
        retried += store.redrive(batch, again, telemetry::now()).await?;
        bar.inc(batch.len() as u64);
    }
    bar.finish_and_clear();
    let selected = |sink: &Sink| selection.sink.is_none_or(|only| only == *sink);
    for sink in Sink::ALL.into_iter().filter(selected) {
        store.probe_now(sink, telemetry::now()).await?;
    }
    if args.json {
        args.print(&outstanding)?;
    } else {
        print_line(&format!(
            "{} due now.",
            counted(retried, "delivery", "deliveries")
        ))?;
    }
    if retried == 0 {
        return Ok(());
    }
    report_sender(store).await
}

/// A start that LiveKit refused for good is sent again while the room is open.
async fn retry_starts(store: &Store, outstanding: &[Outstanding]) -> anyhow::Result<()> {
    for one in outstanding.iter().filter(|it| it.key.sink == Sink::Egress) {
        if let Some(row) = store.call(&one.key.call_id).await? {
            requests::retry(store, &row.call, telemetry::now()).await?;
        }
    }
    Ok(())
}

impl RedriveArgs {
    /// The options, for the audit trail.
    fn options(&self) -> String {
        let sink = self.sink.map(|sink| format!("--sink {}", sink.as_str()));
        let flags = [(self.dead, "--dead"), (self.all, "--all")];
        let flags = flags.into_iter().filter(|(is_set, _)| *is_set);
        let flags = flags.map(|(_, flag)| flag.to_owned());
        sink.into_iter().chain(flags).collect::<Vec<_>>().join(" ")
    }

    async fn selection(&self, store: &Store) -> anyhow::Result<(Selection, RedriveScope)> {
        let mut calls = Vec::new();
        for id in &self.ids {
            calls.push(database::find(store, id).await?.call.id.into());
        }
        let named = !calls.is_empty();
        let (states, scope) = match self.dead {
            true => (
                StateSelection::Only(&[DeliveryState::Dead]),
                RedriveScope::Undelivered,
            ),
            false if self.all || named => (StateSelection::Any, RedriveScope::Everything),
            false => (
                StateSelection::Only(&[DeliveryState::Pending, DeliveryState::Parked]),
                RedriveScope::Undelivered,
            ),
        };
        let selection = Selection {
            sink: self.sink,
            states,
            calls: match named {
                true => CallSelection::Only(calls),
                false => CallSelection::All,
            },
        };
        Ok((selection, scope))
    }

    /// A recording that was started or found needs no retry, and the mirror gets a recording twice only on request.
    fn includes(&self, one: &Outstanding) -> bool {
        match (one.state, one.key.sink) {
            (DeliveryState::Done, Sink::Egress | Sink::Storage) => false,
            (DeliveryState::Done, Sink::Mirror) => self.all || self.sink.is_some(),
            _ => true,
        }
    }

    fn print(&self, outstanding: &[Outstanding]) -> anyhow::Result<()> {
        let deliveries: Vec<_> = outstanding.iter().map(OutstandingView::new).collect();
        if Format::from(self.json) == Format::Json {
            return print_json(&RedriveAnswer { deliveries });
        }
        let mut table = TextTable::new(&["CALL", "ROOM", "SINK", "STATE", "LAST ERROR"]);
        for one in &deliveries {
            let error = one.last_error.unwrap_or_default();
            table.push([one.call_id, one.room_name, one.sink, one.state, error]);
        }
        if !table.is_empty() {
            print_text(&format!("{table}\n"))?;
        }
        let count = counted(deliveries.len(), "delivery", "deliveries");
        print_line(&format!("{count} would be retried."))
    }
}
