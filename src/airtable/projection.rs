//! The projection of a call to the cells of its row. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::cell::{self, LONGEST};
use super::column::Column;
use super::convert::iso;
use super::path;
use super::schema::Schema;
use super::source::Source;
use crate::domain::{
    Call, EgressId, Recording, TranscriptTimes,
    figures::{Figure, FigureValue, Figures},
    nanoseconds::seconds,
    people,
    transcript::{TimedLines, Transcript},
};

/// The links of a call's row, as they are when it is sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowLinks {
    /// Leads to the recording.
    pub recording: Option<String>,
    /// When `recording` expires; `None` for a link that never does.
    pub expires: Option<Timestamp>,
    /// The links of all playable recordings, by egress ID; only if a column lists them.
    pub parts: BTreeMap<EgressId, String>,
    /// The full transcript, if the one in the cell is cut.
    pub transcript: Option<String>,
    /// Why the full transcript is missing from the bucket, if it should be there.
    pub transcript_missing: Option<String>,
    /// When the links of a row that has none were revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The content of a call's row.
pub struct Projection {
    /// Column name to cell, for every enabled column; null empties a cell. What a purged call does not know any more
    /// is left out, so that the row keeps it.
    pub cells: Map<String, Value>,
    /// Values that their columns cannot hold, one line for each; the cell is empty. The column filled from `error` also
    /// contains these lines.
    pub invalid_values: Vec<String>,
    /// What models used that has no price in the price list.
    pub unpriced: BTreeSet<String>,
}

/// The row of a call. It depends on its arguments alone.
pub fn project(call: &Call, schema: &Schema, links: &RowLinks) -> Projection {
    let (mut cells, mut invalid_values) = (Map::new(), Vec::new());
    let shown = Shown::new(call, schema, links);
    for column in schema.enabled() {
        let Found::Value(from, value) = shown.find(column) else {
            continue;
        };
        let cell = cell::fit(column.kind, &column.options, value);
        invalid_values.extend(cell.invalid.map(|why| line(column, from, &cell.value, why)));
        cells.insert(column.name.clone(), cell.value);
    }
    if let Some(error) = schema.error() {
        let lines = [call.error()].into_iter().chain(invalid_values.clone());
        let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
        let text = Value::String(lines.join("\n"));
        let cell = cell::fit(error.kind, &error.options, text);
        cells.insert(error.name.clone(), cell.value);
    }
    let figures = shown.figures.as_ref();
    Projection {
        cells,
        invalid_values,
        unpriced: figures.map(Figures::unpriced).cloned().unwrap_or_default(),
    }
}

/// The value for a column's cell.
enum Found<'a> {
    /// Null: the cell is empty.
    Value(&'a Source, Value),
    /// The value may have been purged: the cell stays as it is.
    Purged,
}

/// What the cells of a row come from.
struct Shown<'a> {
    call: &'a Call,
    schema: &'a Schema,
    links: &'a RowLinks,
    /// `None`: unknown, or shown by no column.
    figures: Option<Figures>,
}

impl<'a> Shown<'a> {
    fn new(call: &'a Call, schema: &'a Schema, links: &'a RowLinks) -> Shown<'a> {
        let mut sources = schema.enabled().flat_map(Column::sources);
        let has_figures = sources.any(Source::is_figure);
        Shown {
            call,
            schema,
            links,
            figures: has_figures
                .then(|| call.figures(schema.prices.as_deref()))
                .flatten(),
        }
    }

    /// The value of the first source that has one.
    fn find<'c>(&self, column: &'c Column) -> Found<'c> {
        let has_caller = column.sources().any(|from| *from == Source::Caller);
        for from in column.sources() {
            let value = match from {
                Source::Transcript => {
                    transcript_cell(self.call, self.schema, &cut_note(self.schema, self.links))
                }
                // Beside the caller, it is the caller's attribute.
                Source::Attribute(name) if has_caller => {
                    people::caller_attribute(self.call, name).map(Value::String)
                }
                Source::Figure(figure) => self.figure(*figure, column),
                from => value(self.call, from, self.links),
            };
            match value {
                Some(value) => return Found::Value(from, value),
                None if self.call.is_purged() && from.is_reported() => return Found::Purged,
                None => {}
            }
        }
        Found::Value(&column.from, Value::Null)
    }

    fn figure(&self, figure: Figure, column: &Column) -> Option<Value> {
        match self.figures.as_ref()?.get(figure)? {
            FigureValue::Texts(texts) if column.kind.is_text() => {
                Some(Value::String(texts.join(", ")))
            }
            value => Some(value.to_json()),
        }
    }
}

/// The last line of a transcript that was cut: where the rest is.
fn cut_note(schema: &Schema, links: &RowLinks) -> String {
    let link = schema.filled_from(&Source::TranscriptUrl);
    match (link, &links.transcript_missing) {
        (_, Some(_)) => "[… cut here: the full text is not in the bucket yet, see Error]".into(),
        (Some(link), None) => format!("[… cut here: the full text is linked in {}]", link.name),
        (None, None) => "[… cut here: the full text is in the bucket]".into(),
    }
}

/// What is wrong with a value, without the value, which may be private.
fn line(column: &Column, from: &Source, cell: &Value, why: &str) -> String {
    let left = if cell.is_null() {
        "is empty"
    } else {
        "is not complete"
    };
    let (name, kind) = (&column.name, &column.kind);
    format!("“{name}” ({kind}) {left}: {from} {why}.")
}

/// The full transcript as the row would have it, when it does not fit into a cell.
pub fn long_transcript(call: &Call, schema: &Schema) -> Option<String> {
    let transcript = call.transcript()?;
    match timed_lines(call, schema, &transcript) {
        Some(timed) => timed.cut(LONGEST, "").map(|_| timed.text()),
        None => transcript.cut(LONGEST, "").map(|_| transcript.text()),
    }
}

fn value(call: &Call, from: &Source, links: &RowLinks) -> Option<Value> {
    let recording = call.primary_recording();
    let text = |text: String| Some(Value::String(text));
    let value = match from {
        Source::CallId => text(call.id.to_string()),
        Source::RoomName => text(call.room_name.to_string()),
        Source::Status => text(call.status().label().to_owned()),
        Source::StartedAt => call.started_at().map(iso),
        Source::EndedAt => call.ended_at().map(iso),
        Source::Duration => call
            .duration()
            .map(|duration| json!(seconds(duration).round())),
        Source::Caller => people::caller(call).map(Value::String),
        Source::Agent => people::agent(call).map(Value::String),
        Source::TranscriptUrl => links.transcript.clone().map(Value::String),
        Source::RecordingUrl => links.recording.clone().map(Value::String),
        Source::RecordingUrlExpires => links.expires.map(iso),
        Source::AllRecordings => text(all_recordings(call, links)),
        Source::RecordingSize => call.playable_recording().map(|(_, size)| json!(size)),
        // Not a projection: the transcript depends on its cut, the copy is sent once and stays in the cell, and figures are
        // computed together.
        Source::Transcript | Source::RecordingAttachment | Source::Figure(_) => None,
        // A recording found in the bucket has no LiveKit ID.
        Source::EgressId => recording
            .filter(|r| !r.was_found())
            .map(|r| Value::String(r.egress_id.to_string())),
        Source::Error => text(call.error()),
        Source::Metadata => metadata(call).next(),
        Source::Participants => text(people::participants(call)),
        Source::Summary => report(call, "summary"),
        Source::JobId => report(call, "job_id").or_else(|| text(call.job.id.clone())),
        Source::MetadataPath(path) => metadata(call).find_map(|json| some(path::at(&json, path))),
        Source::Attribute(name) => people::attribute(call, name).map(Value::String),
        Source::ReportPath(path) => report(call, path),
        Source::Constant(constant) => text(constant.clone()),
    };
    value.filter(|value| !is_blank(value))
}

/// Text without a visible character is no value.
fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// One line per recording, by time: its egress, its length and its link, or why there is no file.
fn all_recordings(call: &Call, links: &RowLinks) -> String {
    let line = |part: &&Recording| match links.parts.get(&part.egress_id) {
        Some(link) => format!("{} {link}", call.part_summary(part)),
        None => call.part_summary(part),
    };
    let lines: Vec<String> = call.parts().iter().map(line).collect();
    lines.join("\n")
}

/// The room's; else the agent's job's, as LiveKit reports it; else what the agent sent as `job_metadata` or `metadata`.
fn metadata(call: &Call) -> impl Iterator<Item = Value> {
    let of_livekit = [call.metadata.value(), &call.job.metadata];
    let of_livekit = of_livekit.map(|text| Some(Value::String(text.clone())));
    let of_agent = ["job_metadata", "metadata"].map(|name| report(call, name));
    let all = of_livekit.into_iter().chain(of_agent);
    all.flatten().filter(|value| !is_blank(value))
}

fn report(call: &Call, path: &str) -> Option<Value> {
    call.reports
        .find(|report| some(path::among(&report.fields, path)))
}

fn some(value: Option<Value>) -> Option<Value> {
    value.filter(|value| !value.is_null())
}

fn transcript_cell(call: &Call, schema: &Schema, cut_note: &str) -> Option<Value> {
    let transcript = call.transcript()?;
    let text = match timed_lines(call, schema, &transcript) {
        Some(timed) => timed.cut(LONGEST, cut_note).unwrap_or_else(|| timed.text()),
        None => transcript
            .cut(LONGEST, cut_note)
            .unwrap_or_else(|| transcript.text()),
    };
    Some(Value::String(text)).filter(|text| text != "")
}

/// The turns with their times in the file that the row's link plays (TRANSCRIPT_TIMES).
fn timed_lines<'a>(
    call: &Call,
    schema: &Schema,
    transcript: &'a Transcript,
) -> Option<TimedLines<'a>> {
    let (Transcript::Turns(turns), TranscriptTimes::On) = (transcript, schema.transcript_times)
    else {
        return None;
    };
    let timeline = call.timeline();
    let positions = timeline.positions(turns);
    let in_file = positions.map(|it| it.filter(|it| it.part.is_none()));
    let times = in_file.map(|it| it.map(|it| it.start as u32));
    Some(TimedLines::new(turns, times.collect()))
}
