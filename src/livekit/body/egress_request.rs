//! The request of an egress, which LiveKit repeats in its EgressInfo without the storage's keys: its source and the
//! destination of its file.

use serde_json::Value;

use super::value::{first, string};
use crate::domain::destination::{Provider, RequestedStorage, Upload};

/// Requests that do not record the whole room: single tracks, one participant, a web page, a replay.
const OTHERS: [&str; 6] = [
    "participant",
    "track",
    "trackComposite",
    "track_composite",
    "web",
    "replay",
];
const ROOM_COMPOSITE: [&str; 2] = ["roomComposite", "room_composite"];
const FILE_OUTPUTS: [&str; 2] = ["fileOutputs", "file_outputs"];
const OTHER_OUTPUTS: [&str; 8] = [
    "streamOutputs",
    "stream_outputs",
    "segmentOutputs",
    "segment_outputs",
    "imageOutputs",
    "image_outputs",
    "stream",
    "segments",
];

/// What an egress records to a file, according to its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The audio of all participants.
    WholeRoom,
    /// Something else, or no file.
    Other,
    /// The message does not say.
    Unstated,
}

/// What the egress records.
pub(super) fn scope(info: &Value) -> Scope {
    if let Some(request) = object(info, &ROOM_COMPOSITE) {
        return match file_of(request) {
            _ if flag(request, &["videoOnly", "video_only"]) => Scope::Other,
            Some(_) => Scope::WholeRoom,
            None if any_filled(request, &OTHER_OUTPUTS) => Scope::Other,
            None => Scope::Unstated,
        };
    }
    if let Some(request) = object(info, &["egress"]) {
        return match v2_file(request) {
            Some(_) if captures_room(request) => Scope::WholeRoom,
            _ => Scope::Other,
        };
    }
    match any_filled(info, &OTHERS) {
        true => Scope::Other,
        false => Scope::Unstated,
    }
}

/// The storage that the request names for the file.
pub(super) fn storage(info: &Value) -> RequestedStorage {
    if let Some(request) = object(info, &ROOM_COMPOSITE) {
        return file_of(request).map_or(RequestedStorage::Unstated, |file| named(file, [file]));
    }
    let Some(request) = object(info, &["egress"]) else {
        return RequestedStorage::Unstated;
    };
    match v2_file(request) {
        Some(output) => named(&output["file"], [&output["storage"], &request["storage"]]),
        None => RequestedStorage::Unstated,
    }
}

/// The first file of a room composite; older clients send a single `file`.
fn file_of(request: &Value) -> Option<&Value> {
    let listed = first(request, &FILE_OUTPUTS).and_then(|files| files.get(0));
    listed.or_else(|| object(request, &["file"]))
}

/// The first output of a StartEgress request that is a file.
fn v2_file(request: &Value) -> Option<&Value> {
    let outputs = request["outputs"].as_array()?;
    outputs.iter().find(|output| output["file"].is_object())
}

/// Whether a StartEgress request takes the audio of all participants.
fn captures_room(request: &Value) -> bool {
    let template = object(request, &["template"]);
    let media = object(request, &["media"]);
    let all = |media: &Value| flag(&media["audio"], &["captureAll", "capture_all"]);
    template.is_some_and(|it| !flag(it, &["videoOnly", "video_only"])) || media.is_some_and(all)
}

/// The storage from the first of these objects that has one.
fn named<const N: usize>(file: &Value, storages: [&Value; N]) -> RequestedStorage {
    let upload = storages.into_iter().find_map(upload);
    match upload {
        Some(upload) => RequestedStorage::Named(upload),
        None if string(file, &["filepath"]).starts_with('/') => RequestedStorage::LocalPath,
        None => RequestedStorage::ConfiguredThere,
    }
}

fn upload(storage: &Value) -> Option<Upload> {
    let providers: [(&[&str], Provider); 4] = [
        (&["s3"], Provider::S3),
        (&["gcp"], Provider::Gcp),
        (&["azure"], Provider::Azure),
        (&["aliOSS", "ali_oss", "aliOss"], Provider::AliOss),
    ];
    let (names, provider) = providers
        .into_iter()
        .find(|(names, _)| object(storage, names).is_some())?;
    let target = object(storage, names)?;
    Some(Upload {
        provider,
        bucket: string(target, &["bucket", "containerName", "container_name"]),
        endpoint: string(target, &["endpoint"]),
    })
}

fn object<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    first(value, names).filter(|value| value.is_object())
}

/// Whether the field with one of these names is true.
pub(super) fn flag(value: &Value, names: &[&str]) -> bool {
    first(value, names).and_then(Value::as_bool) == Some(true)
}

/// Whether a field with one of these names has something in it.
pub(super) fn any_filled(value: &Value, names: &[&str]) -> bool {
    names.iter().any(|name| is_filled(&value[*name]))
}

/// An object or a list with something in it.
fn is_filled(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}
