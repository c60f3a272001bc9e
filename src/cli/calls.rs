//! `calls list|show|link`: what `/v1/calls` says, read from the database.

use anyhow::bail;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    bucket,
    choice::one_of,
    database, out,
    table::{Table, clean},
};
use crate::{
    config::{self, Config, Source},
    domain::{Call, ObjectState, Recording, Status, link::Linked, nanoseconds},
    http::describe::{self, answer, next, seconds},
    storage::Method,
    store::{
        CallFilter, CallRow, CallSelection, Delivery, DeliveryState, Outstanding, Selection,
        StateSelection, Store,
    },
    telemetry,
};

#[derive(clap::Subcommand)]
pub enum Calls {
    /// The newest calls
    List(List),
    /// One call: its recordings, people, and what is owed to whom
    Show {
        /// A call (RM_…) or a recording (EG_…)
        id: String,
        /// Print JSON, as `GET /v1/calls/{id}` does
        #[arg(long)]
        json: bool,
    },
    /// A link that plays a recording
    Link {
        /// A call (RM_…) or a recording (EG_…)
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args)]
pub struct List {
    /// Only calls in this state
    #[arg(long, value_parser = one_of(&Status::ALL, Status::as_str))]
    status: Option<Status>,
    /// Only calls of which something is owed to somebody
    #[arg(long, value_parser = one_of(&DeliveryState::OUTSTANDING, DeliveryState::as_str))]
    delivery: Option<DeliveryState>,
    /// Only calls of this room
    #[arg(long, value_name = "NAME")]
    room: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=500))]
    limit: i64,
    /// Where the list before ended
    #[arg(long)]
    cursor: Option<String>,
    /// Print JSON, as `GET /v1/calls` does
    #[arg(long)]
    json: bool,
}

pub async fn run(calls: Calls, source: &Source) -> anyhow::Result<()> {
    match calls {
        Calls::List(args) => {
            let url = Config::database(source)?;
            database::existing(&url, async |store| list(args, store).await).await
        }
        Calls::Show { id, json } => {
            let url = Config::database(source)?;
            let show = async |store: &Store| {
                let CallRow { call, .. } = database::find(store, &id).await?;
                let deliveries = store.deliveries_of(&call.id).await?;
                let now = telemetry::now();
                match json {
                    true => out::line(&describe::detail(&call, &deliveries, now).to_string()),
                    false => out::text(&page(&call, &deliveries, now)),
                }
            };
            database::existing(&url, show).await
        }
        Calls::Link { id, json } => link(&id, json, source).await,
    }
}

async fn list(args: List, store: &Store) -> anyhow::Result<()> {
    let filter = CallFilter {
        room_name: args.room,
        status: args.status,
        delivery: args.delivery,
        limit: args.limit,
        cursor: args.cursor,
    };
    let found = store.page(&filter).await?;
    if args.json {
        let calls: Vec<Value> = found
            .calls
            .iter()
            .map(|row| describe::call(&row.call))
            .collect();
        return out::line(&json!({ "calls": calls, "next_cursor": found.next_cursor }).to_string());
    }
    if found.calls.is_empty() {
        return out::line("No calls.");
    }
    let ids = found.calls.iter().map(|row| row.call.id.clone());
    let selection = Selection {
        sink: None,
        states: StateSelection::Only(&DeliveryState::OUTSTANDING),
        calls: CallSelection::Only(ids.collect()),
    };
    let outstanding = store.outstanding(&selection).await?;
    out::text(&table(&found.calls, &outstanding).to_string())?;
    if let Some(cursor) = found.next_cursor {
        out::complain(&format!("There are more: --cursor {cursor}"));
    }
    Ok(())
}

fn table(calls: &[CallRow], outstanding: &[Outstanding]) -> Table {
    let mut table = Table::new(&[
        "CALL", "ROOM", "STATUS", "STARTED", "LENGTH", "OWED", "ERROR",
    ]);
    for CallRow { call, .. } in calls {
        let of_call = || outstanding.iter().filter(|one| one.key.call_id == call.id);
        let due_deliveries =
            of_call().map(|one| format!("{} {}", one.key.sink.as_str(), one.state.as_str()));
        let due_deliveries: Vec<String> = due_deliveries.collect();
        let mut errors = of_call().filter_map(|one| one.last_error.clone());
        let error = Some(call.error()).filter(|error| !error.is_empty());
        let error = error.or_else(|| errors.next()).unwrap_or_default();
        let started = call.started_at().map(seconds).unwrap_or_default();
        let (status, length) = (call.status().label(), call.duration().map(length));
        let length = length.unwrap_or_default();
        table.push([
            &call.id,
            &call.room_name,
            status,
            &started,
            &length,
            &due_deliveries.join(", "),
            &error,
        ]);
    }
    table
}

/// One call for people.
fn page(call: &Call, deliveries: &[Delivery], now: Timestamp) -> String {
    let time = |at: Option<Timestamp>| at.map(seconds).unwrap_or_default();
    let payloads = [
        ("Call", call.id.clone()),
        ("Room", call.room_name.clone()),
        ("Status", call.status().label().to_owned()),
        ("Started", time(call.started_at())),
        ("Ended", time(call.ended_at())),
        ("Length", call.duration().map(length).unwrap_or_default()),
        ("Error", call.error()),
    ];
    let payloads = payloads.iter().filter(|(_, value)| !value.is_empty());
    let mut text: String = payloads
        .map(|(name, value)| format!("{name:<9}{}\n", clean(value)))
        .collect();
    let mut recordings = Table::new(&["RECORDING", "STATUS", "BYTES", "KEY", "ERROR"]);
    let mut in_time: Vec<_> = call.recordings.values().collect();
    in_time.sort_by_key(|recording| recording.started_at);
    for recording in in_time {
        let bytes = recording
            .size
            .map(|size| size.to_string())
            .unwrap_or_default();
        let (id, status) = (&recording.egress_id, recording.status.as_str());
        recordings.push([
            id,
            status,
            &bytes,
            &recording.key,
            &call.recording_error(recording),
        ]);
    }
    let mut people = Table::new(&["PARTICIPANT", "NAME", "KIND", "JOINED", "LEFT"]);
    let mut in_time: Vec<_> = call.participants.values().collect();
    in_time.sort_by_key(|person| person.joined_at);
    for person in in_time {
        let kind = format!("{:?}", person.kind).to_lowercase();
        let (joined, left) = (time(person.joined_at), time(person.left_at));
        people.push([&person.identity, &person.name, &kind, &joined, &left]);
    }
    for table in [recordings, people]
        .iter()
        .filter(|table| !table.is_empty())
    {
        text += &format!("\n{table}");
    }
    for delivery in deliveries {
        text += &due_deliveries(delivery, now);
    }
    text
}

/// A delivery: how it stands, what happens next, and its last tries, newest first.
fn due_deliveries(delivery: &Delivery, now: Timestamp) -> String {
    let (sink, part) = (delivery.key.sink.as_str(), &delivery.key.item);
    let (space, state) = (
        if part.is_empty() { "" } else { " " },
        delivery.state.as_str(),
    );
    let mut text = format!("\n{sink}{space}{part}: {state}. {}\n", next(delivery, now));
    for one in delivery.history.iter().rev() {
        text += &format!(
            "  {}  {}\n",
            seconds(one.at),
            clean(answer(delivery, one)).trim_end()
        );
    }
    text
}

fn length(duration: SignedDuration) -> String {
    let seconds = nanoseconds::seconds(duration).round() as i64;
    format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

async fn link(id: &str, json: bool, source: &Source) -> anyhow::Result<()> {
    let (url, links, recording) = config::read(source, |r| {
        let (links, recording) = (config::Links::read(r), config::Recording::read(r));
        (config::database_url(r), links, recording)
    })?;
    // A permanent link is signed without the storage.
    let storage = match links.public_url {
        Some(_) => None,
        None => Some(Config::storage(source)?),
    };
    let find = async |store: &Store| {
        let links = bucket::links(&links, &recording, store).await?;
        Ok((links, database::find(store, id).await?.call))
    };
    let (links, call) = database::existing(&url, find).await?;
    let Some(found) = playable(&call, id) else {
        let (status, error) = (call.status().label(), call.error());
        bail!(
            "{} has no recording that plays; its status is {status}. {error}",
            call.id
        );
    };
    let expires = telemetry::now() + links.ttl;
    let (link, expires) = match (
        links.permanent(Linked::Recording(&found.egress_id)),
        storage,
    ) {
        (None, Some(config)) => {
            let client = bucket::client(&config);
            let signed = client.presign(&found.key, links.ttl, Method::Get, None);
            (signed.await?, Some(expires))
        }
        (permanent, _) => (permanent.unwrap_or_default(), None),
    };
    if !json {
        return out::line(&link);
    }
    let answer = json!({
        "call_id": call.id,
        "egress_id": found.egress_id,
        "url": link,
        "expires_at": expires,
    });
    out::line(&answer.to_string())
}

/// The recording of this id, else the call's newest, when it is in the bucket.
fn playable<'a>(call: &'a Call, id: &str) -> Option<&'a Recording> {
    let Some(named) = call.recordings.get(id) else {
        return call.playable_recording().map(|(recording, _)| recording);
    };
    matches!(call.object(named), Some(ObjectState::Found { .. })).then_some(named)
}
