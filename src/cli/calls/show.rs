//! `calls show`: one call.

use jiff::Timestamp;

use crate::{
    cli::console::{
        output::{Format, print_json, print_text},
        table::{TextTable, clean},
    },
    domain::{Status, figures::Prices},
    service::database,
    store::{CallRow, Store},
    telemetry,
    view::{
        BaseLimit, CallDetailView, DeliveryView, FiguresView, ParticipantView, RecordingView,
        Waits, clock_length, utc_seconds,
    },
};

/// Prints the call, or the call of the recording, with this id.
pub(super) async fn show(
    id: &str,
    format: Format,
    store: &Store,
    prices: Option<&Prices>,
    limit: Option<BaseLimit<'_>>,
) -> anyhow::Result<()> {
    let CallRow { mut call, .. } = database::find(store, id).await?;
    let _in_memory = store.load_reports(&mut call).await?;
    let deliveries = store.deliveries_of(&call.id).await?;
    let of_call = (&call, deliveries.as_slice());
    let waits = Waits::read(store, of_call, limit, telemetry::now()).await?;
    let view = CallDetailView::new(&call, &deliveries, prices, &waits);
    match format {
        Format::Json => print_json(&view),
        Format::Text => print_text(&page(&view, call.status())),
    }
}

/// One call as text.
fn page(view: &CallDetailView<'_>, status: Status) -> String {
    let call = &view.call;
    let lines = [
        ("Call", call.call_id.to_owned()),
        ("Room", call.room_name.to_owned()),
        ("Status", status.label().to_owned()),
        ("Started", time(call.started_at)),
        ("Ended", time(call.ended_at)),
        (
            "Length",
            call.duration.map(clock_length).unwrap_or_default(),
        ),
        ("Error", call.error.clone().unwrap_or_default()),
    ];
    let lines = lines.iter().filter(|(_, value)| !value.is_empty());
    let mut text: String = lines
        .map(|(name, value)| format!("{name:<9}{}\n", clean(value)))
        .collect();
    let tables = [
        recordings(&call.recordings),
        participants(&view.participants),
    ];
    for table in tables.iter().filter(|table| !table.is_empty()) {
        text += &format!("\n{table}");
    }
    let more = view.more_participants;
    text.extend(more.map(|count| format!("and {count} more participants\n")));
    text.extend(call.recordings.iter().filter_map(note));
    text.extend(view.figures.as_ref().map(figures));
    text.extend(view.deliveries.iter().map(delivery));
    text
}

fn time(at: Option<Timestamp>) -> String {
    at.map(utc_seconds).unwrap_or_default()
}

fn recordings(recordings: &[RecordingView<'_>]) -> TextTable {
    let mut table = TextTable::new(&["RECORDING", "STATUS", "BYTES", "KEY", "ERROR"]);
    let mut by_time: Vec<_> = recordings.iter().collect();
    by_time.sort_by_key(|recording| recording.started_at);
    for recording in by_time {
        let bytes = recording.size.map(|size| size.to_string());
        table.push([
            recording.egress_id,
            recording.status,
            &bytes.unwrap_or_default(),
            recording.filename,
            recording.error.as_deref().unwrap_or_default(),
        ]);
    }
    table
}

/// The note about a recording, on its own line.
fn note(recording: &RecordingView<'_>) -> Option<String> {
    let note = recording.note.as_deref()?;
    Some(format!("\n{}: {}\n", recording.egress_id, clean(note)))
}

fn participants(participants: &[ParticipantView<'_>]) -> TextTable {
    let mut table = TextTable::new(&["PARTICIPANT", "NAME", "KIND", "JOINED", "LEFT"]);
    let mut by_time: Vec<_> = participants.iter().collect();
    by_time.sort_by_key(|participant| participant.joined_at);
    for participant in by_time {
        table.push([
            participant.identity,
            participant.name,
            participant.kind.as_str(),
            &time(participant.joined_at),
            &time(participant.left_at),
        ]);
    }
    table
}

/// The figures that are known.
fn figures(figures: &FiguresView) -> String {
    let mut table = TextTable::new(&["FIGURE", "VALUE"]);
    for (name, value) in figures.known() {
        table.push([name, &value]);
    }
    match table.is_empty() {
        true => String::new(),
        false => format!("\n{table}"),
    }
}

/// A delivery: its state, what happens next, and its last attempts, newest first.
fn delivery(delivery: &DeliveryView<'_>) -> String {
    let part = delivery.part.map(|part| format!(" {part}"));
    let mut text = format!(
        "\n{}{}: {}. {}\n",
        delivery.sink,
        part.unwrap_or_default(),
        delivery.state,
        delivery.next
    );
    for attempt in &delivery.history {
        let result = clean(&attempt.result());
        let measured = attempt.measured().map(|it| format!(" ({it})"));
        text += &format!(
            "  {}  {}{}\n",
            utc_seconds(attempt.at),
            result.trim_end(),
            measured.unwrap_or_default()
        );
    }
    text
}
