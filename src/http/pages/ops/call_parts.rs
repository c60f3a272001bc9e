//! The smaller parts of a call's page.

use maud::{Markup, html};

use super::marks;
use crate::{
    domain::{Call, transcript::ToolCall},
    view::{CallDetailView, ParticipantKindView, RecordingView},
};

/// When it was, and how long.
pub(super) fn facts(view: &CallDetailView<'_>) -> Markup {
    let call = &view.call;
    html! {
        section.card aria-labelledby="facts" {
            h2 #facts { "Call" }
            dl.list {
                dt { "Room" } dd { (marks::room(call.room_name)) }
                dt { "Started" } dd { (marks::time(call.started_at)) }
                dt { "Ended" } dd { (marks::time(call.ended_at)) }
                dt { "Length" } dd { (marks::length(call.duration)) }
            }
        }
    }
}

/// The class of a recording's status; nobody did anything wrong when nobody spoke.
fn recording_tone(status: &str, is_silent: bool) -> &'static str {
    match status {
        _ if is_silent => "calm",
        "complete" => "good",
        "limit_reached" => "warn",
        "failed" | "aborted" => "bad",
        _ => "busy",
    }
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
                        span.kind { (kind(person.kind)) } " "
                        @let name = if person.name.is_empty() { person.identity } else { person.name };
                        @match person.kind {
                            ParticipantKindView::Agent | ParticipantKindView::Egress => span { (name) },
                            _ => (marks::private(name)),
                        }
                        @if let Some(number) = person.attributes.get("sip.phoneNumber").filter(|it| it.as_str() != name) {
                            " " (marks::private(number))
                        }
                        span.when {
                            @match (person.joined_at, person.left_at) {
                                (joined_at, Some(left_at)) => { (marks::time(joined_at)) " – " (marks::time(Some(left_at))) },
                                (joined_at, None) => { "since " (marks::time(joined_at)) },
                            }
                        }
                    }
                }
            }
            @if let Some(more) = view.more_participants { p.hint { "and " (more) " more" } }
        }
    }
}

fn kind(kind: ParticipantKindView) -> &'static str {
    match kind {
        ParticipantKindView::Agent => "Agent",
        ParticipantKindView::Egress => "Recorder",
        ParticipantKindView::Sip => "Phone",
        ParticipantKindView::Standard => "Person",
        ParticipantKindView::Ingress => "Stream",
        ParticipantKindView::Connector => "App",
    }
}

/// The recordings with what became of each, and links to those that are in the bucket.
pub(super) fn recordings(call: &Call, view: &CallDetailView<'_>, root: &str) -> Markup {
    let mut recordings: Vec<&RecordingView<'_>> = view.call.recordings.iter().collect();
    let is_there = |egress_id: &str| {
        let recording = call.recordings.get(egress_id);
        recording.is_some_and(|it| call.is_playable(it))
    };
    let is_silent = |egress_id: &str| {
        let recording = call.recordings.get(egress_id);
        recording.is_some_and(|it| call.is_silent(it))
    };
    recordings.sort_by_key(|it| it.started_at);
    html! {
        section.card aria-labelledby="recordings" {
            h2 #recordings { "Recordings" }
            @if recordings.is_empty() { p.empty { "There is none." } }
            @for recording in recordings {
                div.recording {
                    p { code { (recording.egress_id) } " " span class={ "pill " (recording_tone(recording.status, is_silent(recording.egress_id))) } { (recording.status.replace('_', " ")) } " "
                        button.copy type="button" data-copy=(recording.egress_id) hidden { "Copy ID" } }
                    dl.list {
                        dt { "Length" } dd { (marks::length(recording.duration)) }
                        @if let Some(size) = recording.size { dt { "Size" } dd { (marks::count(size as i64)) " bytes" } }
                        dt { "File" } dd { code { (recording.filename) } }
                    }
                    @if let Some(error) = &recording.error { p.answer { (error) } }
                    @if let Some(note) = &recording.note { p.hint { (note) } }
                    @if is_there(recording.egress_id) {
                        p { a href={ (root) "ops/recordings/" (recording.egress_id) "?download=1" } { "Download" } }
                    }
                }
            }
        }
    }
}
