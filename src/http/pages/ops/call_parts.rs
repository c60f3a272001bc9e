//! The smaller parts of a call's page.

use maud::{Markup, html};
use serde_json::Value;

use super::marks;
use crate::domain::transcript::ToolCall;
use crate::view::{CallDetailView, ParticipantKindView, RecordingView};

/// When it was, and how long.
pub(super) fn facts(view: &CallDetailView<'_>) -> Markup {
    let call = &view.call;
    html! {
        section.card aria-labelledby="facts" {
            h2 #facts { "Call" }
            dl.list {
                dt { "Room" } dd { (marks::private(call.room_name)) }
                dt { "Started" } dd { (marks::time(call.started_at)) }
                dt { "Ended" } dd { (marks::time(call.ended_at)) }
                dt { "Length" } dd { (marks::length(call.duration)) }
            }
        }
    }
}

/// The figures that are known, as they are in the row.
pub(super) fn figures(view: &CallDetailView<'_>) -> Markup {
    let Some(figures) = &view.figures else {
        return html! {};
    };
    html! {
        section.card aria-labelledby="figures" {
            h2 #figures { "Figures" }
            dl.list {
                @for (name, value) in figures.values() {
                    dt { (label(name)) }
                    dd data-figure=(name) data-value=(value) { (figure(name, value)) }
                }
            }
        }
    }
}

/// `Talk share`
fn label(name: &str) -> String {
    let mut label = name.replace('_', " ");
    if let Some(first) = label.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    label
}

/// A figure as Airtable shows it: shares in percent, times in seconds.
fn figure(name: &str, value: &Value) -> String {
    let number = value.as_f64();
    match (name, number) {
        ("talk_share" | "stt_confidence", Some(share)) => format!("{:.1}\u{202f}%", share * 100.0),
        ("stt_minutes", Some(minutes)) => format!("{minutes:.2}\u{202f}min"),
        (_, Some(seconds)) if is_time(name) => {
            format!("{seconds:.3}")
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned()
                + "\u{202f}s"
        }
        (_, Some(_)) => value.to_string(),
        (_, None) => match value {
            Value::String(text) => text.clone(),
            Value::Array(texts) => {
                let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
                texts.join(", ")
            }
            other => other.to_string(),
        },
    }
}

/// The class of a recording's status.
fn recording_tone(status: &str) -> &'static str {
    match status {
        "complete" => "good",
        "limit_reached" => "warn",
        "failed" | "aborted" => "bad",
        _ => "busy",
    }
}

fn is_time(name: &str) -> bool {
    let times = [
        "longest_silence",
        "agent_talk_time",
        "caller_talk_time",
        "silence",
        "dead_air",
        "first_word_after",
        "llm_ttft",
        "tts_ttfb",
        "end_of_turn_delay",
    ];
    name.starts_with("response_latency") || times.contains(&name)
}

/// What agents called, folded.
pub(super) fn tools(tools: &[ToolCall]) -> Markup {
    if tools.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="tools" {
            h2 #tools { "Tools" }
            @for call in tools {
                details.tool {
                    summary { code { (call.name) } @if call.is_error { " " span.pill.bad { "error" } } }
                    p.hint { "Arguments" }
                    pre { (call.arguments) }
                    @if let Some(output) = &call.output { p.hint { "Output" } pre { (output) } }
                }
            }
        }
    }
}

/// Who was in the room. Names and identities of people may be numbers.
pub(super) fn participants(view: &CallDetailView<'_>) -> Markup {
    let mut people: Vec<_> = view.participants.iter().collect();
    people.sort_by_key(|it| it.joined_at);
    html! {
        section.card aria-labelledby="participants" {
            h2 #participants { "Participants" }
            @if people.is_empty() { p.empty { "Nobody was seen in the room." } }
            ul.people {
                @for person in people {
                    li {
                        span.kind { (person.kind.as_str()) } " "
                        @let name = if person.name.is_empty() { person.identity } else { person.name };
                        @match person.kind {
                            ParticipantKindView::Agent | ParticipantKindView::Egress => span { (name) },
                            _ => (marks::private(name)),
                        }
                        @if let Some(number) = person.attributes.get("sip.phoneNumber").filter(|it| it.as_str() != name) {
                            " " (marks::private(number))
                        }
                        span.when { (marks::time(person.joined_at)) " – " (marks::time(person.left_at)) }
                    }
                }
            }
            @if let Some(more) = view.more_participants { p.hint { "and " (more) " more" } }
        }
    }
}

/// The recordings with what became of each.
pub(super) fn recordings(view: &CallDetailView<'_>, root: &str) -> Markup {
    let mut recordings: Vec<&RecordingView<'_>> = view.call.recordings.iter().collect();
    recordings.sort_by_key(|it| it.started_at);
    html! {
        section.card aria-labelledby="recordings" {
            h2 #recordings { "Recordings" }
            @if recordings.is_empty() { p.empty { "There is none." } }
            @for recording in recordings {
                div.recording {
                    p { code { (recording.egress_id) } " " span class={ "pill " (recording_tone(recording.status)) } { (recording.status.replace('_', " ")) } " "
                        button.copy type="button" data-copy=(recording.egress_id) hidden { "Copy ID" } }
                    dl.list {
                        dt { "Length" } dd { (marks::length(recording.duration)) }
                        @if let Some(size) = recording.size { dt { "Size" } dd { (marks::count(size as i64)) " bytes" } }
                        dt { "File" } dd { code { (recording.filename) } }
                    }
                    @if let Some(error) = &recording.error { p.answer { (error) } }
                    @if let Some(note) = &recording.note { p.hint { (note) } }
                    p { a href={ (root) "ops/recordings/" (recording.egress_id) "?download=1" } { "Download" } }
                }
            }
        }
    }
}
