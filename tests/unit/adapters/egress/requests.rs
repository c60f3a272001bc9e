//! What the echoed request of an egress tells: whether it records the room, and where its file goes.

use livekit_airtable::{
    domain::{
        EventPayload, Room,
        destination::{Provider, RequestedStorage, Upload},
    },
    livekit::{body, client::Egresses},
};
use livekit_protocol as proto;
use proto::egress_info::Request;
use serde_json::{Value, json};

use super::with;
use crate::adapters::server;

/// The storage of a recording of the room; `None`: it is no recording of the room.
fn storage(request: &Value) -> Option<RequestedStorage> {
    let mut info = json!({ "egressId": "EG_1", "roomId": "RM_1", "status": "EGRESS_ACTIVE" });
    let fields = request.as_object().unwrap().clone();
    info.as_object_mut().unwrap().extend(fields);
    match body::egress(&info, Room::default()) {
        EventPayload::Egress { destination, .. } => Some(destination.requested),
        _ => None,
    }
}

fn named(provider: Provider, bucket: &str, endpoint: &str) -> RequestedStorage {
    RequestedStorage::Named(Upload {
        provider,
        bucket: bucket.into(),
        endpoint: endpoint.into(),
    })
}

#[test]
fn recordings_of_the_room_are_distinguished_from_everything_else() {
    let s3 = json!({ "bucket": "b", "endpoint": "https://e", "accessKey": "{access_key}" });
    let file = json!({ "filepath": "a.mp3", "s3": s3 });
    let v2 = |source: Value, outputs: Value| {
        let mut request = json!({ "outputs": outputs, "storage": { "s3": s3 } });
        let source = source.as_object().unwrap().clone();
        request.as_object_mut().unwrap().extend(source);
        json!({ "egress": request })
    };
    let files = json!([{ "file": { "filepath": "a.mp3" } }]);
    let recordings = [
        json!({ "roomComposite": { "audioOnly": true, "fileOutputs": [file] } }),
        json!({ "roomComposite": { "file": file } }),
        json!({ "room_composite": { "file_outputs": [file], "segment_outputs": [{ "filename_prefix": "x" }] } }),
        v2(json!({ "template": {} }), files.clone()),
        v2(
            json!({ "media": { "audio": { "captureAll": true } } }),
            files.clone(),
        ),
    ];
    for request in recordings {
        let found = storage(&request);
        assert_eq!(
            found,
            Some(named(Provider::S3, "b", "https://e")),
            "{request}"
        );
    }
    let others = [
        json!({ "roomComposite": { "videoOnly": true, "fileOutputs": [file] } }),
        json!({ "roomComposite": { "imageOutputs": [{ "captureInterval": 5 }] } }),
        json!({ "roomComposite": { "streamOutputs": [{ "urls": ["rtmp://x"] }] } }),
        json!({ "roomComposite": { "segments": { "filenamePrefix": "x" } } }),
        json!({ "participant": { "identity": "i", "fileOutputs": [file] }, "fileResults": [{ "filename": "a.mp3" }] }),
        json!({ "web": { "url": "https://x", "fileOutputs": [file] } }),
        json!({ "trackComposite": { "audioTrackId": "TR_1", "fileOutputs": [file] } }),
        json!({ "track": { "trackId": "TR_1", "file": { "filepath": "a.ogg" } } }),
        v2(json!({ "template": { "videoOnly": true } }), files.clone()),
        v2(
            json!({ "media": { "audio": { "routes": [{ "trackId": "TR_1" }] } } }),
            files.clone(),
        ),
        v2(
            json!({ "media": { "videoTrackId": "TR_1" } }),
            files.clone(),
        ),
        v2(json!({ "web": { "url": "https://x" } }), files),
        v2(
            json!({ "template": {} }),
            json!([{ "segments": { "filenamePrefix": "x" } }]),
        ),
    ];
    for request in others {
        assert_eq!(storage(&request), None, "{request}");
    }
}

#[test]
fn the_storage_is_that_of_the_output_else_of_the_request_else_unknown() {
    let of = |output: Value| storage(&json!({ "roomComposite": { "fileOutputs": [output] } }));
    let cases = [
        (
            json!({ "filepath": "a.mp3" }),
            RequestedStorage::ConfiguredThere,
        ),
        (
            json!({ "filepath": "/out/a.mp3" }),
            RequestedStorage::LocalPath,
        ),
        (
            json!({ "filepath": "a", "gcp": { "bucket": "g" } }),
            named(Provider::Gcp, "g", ""),
        ),
        (
            json!({ "filepath": "a", "azure": { "containerName": "c" } }),
            named(Provider::Azure, "c", ""),
        ),
        (
            json!({ "filepath": "a", "aliOSS": { "bucket": "o", "endpoint": "e" } }),
            named(Provider::AliOss, "o", "e"),
        ),
    ];
    for (output, wanted) in cases {
        assert_eq!(of(output.clone()), Some(wanted), "{output}");
    }
    let request = json!({ "egress": { "template": {}, "storage": { "s3": { "bucket": "request" } },
        "outputs": [{ "file": {}, "storage": { "gcp": { "bucket": "output" } } }] } });
    assert_eq!(storage(&request), Some(named(Provider::Gcp, "output", "")));
    assert_eq!(storage(&json!({})), Some(RequestedStorage::Unstated));
}

/// LiveKit Cloud is upgraded first: values that this version does not know must not hide where the file goes.
#[tokio::test]
async fn a_value_of_tomorrow_hides_neither_scope_nor_storage() {
    let s3 = proto::S3Upload {
        bucket: "b".into(),
        ..Default::default()
    };
    let composite = proto::RoomCompositeEgressRequest {
        audio_mixing: 99,
        file_outputs: vec![proto::EncodedFileOutput {
            file_type: 99,
            output: Some(proto::encoded_file_output::Output::S3(s3.clone())),
            ..Default::default()
        }],
        ..Default::default()
    };
    let egress = proto::StartEgressRequest {
        source: Some(proto::start_egress_request::Source::Template(
            Default::default(),
        )),
        encoding: Some(proto::start_egress_request::Encoding::Preset(99)),
        outputs: vec![proto::Output {
            config: Some(proto::output::Config::File(proto::FileOutput {
                file_type: 99,
                ..Default::default()
            })),
            ..Default::default()
        }],
        storage: Some(proto::StorageConfig {
            provider: Some(proto::storage_config::Provider::S3(s3)),
        }),
        ..Default::default()
    };
    for request in [Request::RoomComposite(composite), Request::Egress(egress)] {
        let list = proto::ListEgressResponse {
            items: vec![proto::EgressInfo {
                egress_id: "EG_1".into(),
                request: Some(request),
                backup_storage_used: true,
                ..Default::default()
            }],
            ..Default::default()
        };
        let bytes = prost::Message::encode_to_vec(&list);
        let (client, _) = with([server::bytes(200, "application/protobuf", bytes)]).await;
        let listed = client.list(None, Egresses::All).await.unwrap();
        let info: Value = serde_json::from_str(&listed[0]).unwrap();
        let EventPayload::Egress { destination, .. } = body::egress(&info, Room::default()) else {
            panic!("{info:#}");
        };
        assert_eq!(
            destination.requested,
            named(Provider::S3, "b", ""),
            "{info:#}"
        );
        assert!(destination.backup_used);
    }
}
