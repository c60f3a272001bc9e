//! `calls list`: a page of calls.

use crate::{
    cli::console::{
        choices,
        output::{print_error, print_json, print_line, print_text},
        table::TextTable,
    },
    domain::Status,
    store::{
        CallFilter, CallRow, CallSelection, DeliveryState, Outstanding, Selection, StateSelection,
        Store, is_cursor,
    },
    view::{CallPageView, CallView, clock_length, utc_seconds},
};

#[derive(clap::Args)]
pub(in crate::cli) struct ListArgs {
    /// Only calls with this status
    #[arg(long, value_parser = choices::status())]
    status: Option<Status>,
    /// Only calls with a delivery in this state
    #[arg(long, value_parser = choices::delivery_state())]
    delivery: Option<DeliveryState>,
    /// Only calls of this room
    #[arg(long, value_name = "NAME")]
    room: Option<String>,
    /// The most calls to list
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=500))]
    limit: i64,
    /// Continue after this cursor (`next_cursor` of the previous page)
    #[arg(long, value_parser = cursor)]
    cursor: Option<String>,
    /// Print JSON, as `GET /v1/calls` does
    #[arg(long)]
    json: bool,
}

fn cursor(text: &str) -> Result<String, &'static str> {
    match is_cursor(text) {
        true => Ok(text.to_owned()),
        false => Err("not the `next_cursor` of a page"),
    }
}

/// Prints the page that the arguments ask for.
pub(super) async fn list(args: ListArgs, store: &Store) -> anyhow::Result<()> {
    let filter = CallFilter {
        room_name: args.room,
        status: args.status,
        delivery: args.delivery,
        limit: args.limit,
        cursor: args.cursor,
    };
    let page = store.page(&filter).await?;
    if args.json {
        return print_json(&CallPageView::new(&page));
    }
    if page.calls.is_empty() {
        return print_line("No calls.");
    }
    let ids = page.calls.iter().map(|row| row.call.id.to_string());
    let selection = Selection {
        sink: None,
        states: StateSelection::Only(&DeliveryState::OUTSTANDING),
        calls: CallSelection::Only(ids.collect()),
    };
    let outstanding = store.outstanding(&selection).await?;
    print_text(&table(&page.calls, &outstanding).to_string())?;
    if let Some(cursor) = page.next_cursor {
        print_error(&format!("There are more calls: --cursor {cursor}"));
    }
    Ok(())
}

fn table(calls: &[CallRow], outstanding: &[Outstanding]) -> TextTable {
    let mut table = TextTable::new(&[
        "CALL", "ROOM", "STATUS", "STARTED", "LENGTH", "PENDING", "ERROR",
    ]);
    for CallRow { call, .. } in calls {
        let of_call = || {
            outstanding
                .iter()
                .filter(|one| call.id == one.key.call_id.as_str())
        };
        let pending =
            of_call().map(|one| format!("{} {}", one.key.sink.as_str(), one.state.as_str()));
        let pending: Vec<String> = pending.collect();
        let mut errors = of_call().filter_map(|one| one.last_error.clone());
        let error = Some(call.error()).filter(|error| !error.is_empty());
        let error = error.or_else(|| errors.next()).unwrap_or_default();
        let view = CallView::new(call);
        table.push([
            view.call_id,
            view.room_name,
            call.status().label(),
            &view.started_at.map(utc_seconds).unwrap_or_default(),
            &view.duration.map(clock_length).unwrap_or_default(),
            &pending.join(", "),
            &error,
        ]);
    }
    table
}
