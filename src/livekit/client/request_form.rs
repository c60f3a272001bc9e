//! The request in an EgressInfo, in the form of LiveKit's webhooks. LiveKit repeats it without the storage's keys.

use livekit_protocol as proto;
use proto::egress_info::Request;
use serde_json::{Value, json};

/// The request under the name of its field.
pub(super) fn request_field(request: &Request) -> (&'static str, Value) {
    let (name, written) = match request {
        Request::Egress(it) => ("egress", form(it, simple_egress)),
        Request::Replay(it) => ("replay", form(it, |_| {})),
        Request::RoomComposite(it) => ("roomComposite", form(it, simple_composite)),
        Request::Web(it) => ("web", form(it, |_| {})),
        Request::Participant(it) => ("participant", form(it, |_| {})),
        Request::TrackComposite(it) => ("trackComposite", form(it, |_| {})),
        Request::Track(it) => ("track", form(it, |_| {})),
    };
    // The name alone tells something, too.
    (
        name,
        written.unwrap_or_else(|| json!({ "requested": true })),
    )
}

/// `simplify` takes out enums: a value that this version does not know cannot be written.
fn form<M: serde::Serialize + Clone>(request: &M, simplify: fn(&mut M)) -> Option<Value> {
    let written = serde_json::to_value(request).or_else(|_| {
        let mut simple = request.clone();
        simplify(&mut simple);
        serde_json::to_value(simple)
    });
    let filled = |value: &Value| value.as_object().is_some_and(|fields| !fields.is_empty());
    written.ok().filter(filled)
}

#[expect(deprecated, reason = "older clients still ask with a single `file`")]
fn simple_composite(request: &mut proto::RoomCompositeEgressRequest) {
    use proto::room_composite_egress_request::Output;
    (request.audio_mixing, request.options) = (0, None);
    let single = match &mut request.output {
        Some(Output::File(file)) => Some(file),
        _ => None,
    };
    for file in request.file_outputs.iter_mut().chain(single) {
        file.file_type = 0;
    }
    for segments in &mut request.segment_outputs {
        (segments.protocol, segments.filename_suffix) = (0, 0);
    }
    for images in &mut request.image_outputs {
        (images.filename_suffix, images.image_codec) = (0, 0);
    }
    for stream in &mut request.stream_outputs {
        stream.protocol = 0;
    }
}

fn simple_egress(request: &mut proto::StartEgressRequest) {
    use proto::{output::Config, start_egress_request::Source};
    request.encoding = None;
    if let Some(Source::Media(media)) = &mut request.source
        && let Some(audio) = &mut media.audio
    {
        audio.routes.clear();
    }
    for output in &mut request.outputs {
        match &mut output.config {
            Some(Config::File(file)) => file.file_type = 0,
            _ => output.config = None,
        }
    }
}
