//! The request as EgressInfo repeats it: without the storage's keys (protocol's `egress/redact.go`).

use livekit_protocol as proto;
use proto::{S3Upload, egress_info::Request};

/// The request without the storage's keys.
pub(super) fn redacted(mut request: Request) -> Request {
    match &mut request {
        Request::RoomComposite(it) => composite(it),
        Request::Participant(it) => it.file_outputs.iter_mut().for_each(file),
        Request::TrackComposite(it) => it.file_outputs.iter_mut().for_each(file),
        Request::Web(it) => it.file_outputs.iter_mut().for_each(file),
        Request::Track(it) => track(it),
        Request::Egress(it) => {
            it.storage.iter_mut().for_each(storage);
            let outputs = it.outputs.iter_mut();
            outputs
                .filter_map(|it| it.storage.as_mut())
                .for_each(storage);
        }
        Request::Replay(_) => {}
    }
    request
}

#[expect(deprecated, reason = "older clients still ask with a single `file`")]
fn composite(request: &mut proto::RoomCompositeEgressRequest) {
    use proto::room_composite_egress_request::Output;
    request.file_outputs.iter_mut().for_each(file);
    if let Some(Output::File(single)) = &mut request.output {
        file(single);
    }
}

fn file(output: &mut proto::EncodedFileOutput) {
    use proto::encoded_file_output::Output;
    match &mut output.output {
        Some(Output::S3(upload)) => s3(upload),
        Some(Output::Gcp(upload)) => "{credentials}".clone_into(&mut upload.credentials),
        Some(Output::Azure(upload)) => azure(upload),
        Some(Output::AliOss(upload)) => alibaba(upload),
        None => {}
    }
}

fn track(request: &mut proto::TrackEgressRequest) {
    use proto::{direct_file_output::Output, track_egress_request::Output as TrackOutput};
    if let Some(TrackOutput::File(file)) = &mut request.output
        && let Some(Output::S3(upload)) = &mut file.output
    {
        s3(upload);
    }
}

fn storage(storage: &mut proto::StorageConfig) {
    use proto::storage_config::Provider;
    match &mut storage.provider {
        Some(Provider::S3(upload)) => s3(upload),
        Some(Provider::Gcp(upload)) => "{credentials}".clone_into(&mut upload.credentials),
        Some(Provider::Azure(upload)) => azure(upload),
        Some(Provider::AliOss(upload)) => alibaba(upload),
        None => {}
    }
}

fn s3(upload: &mut S3Upload) {
    "{access_key}".clone_into(&mut upload.access_key);
    "{secret}".clone_into(&mut upload.secret);
    if !upload.session_token.is_empty() {
        "{session_token}".clone_into(&mut upload.session_token);
    }
}

fn azure(upload: &mut proto::AzureBlobUpload) {
    "{account_name}".clone_into(&mut upload.account_name);
    "{account_key}".clone_into(&mut upload.account_key);
}

fn alibaba(upload: &mut proto::AliOssUpload) {
    "{access_key}".clone_into(&mut upload.access_key);
    "{secret}".clone_into(&mut upload.secret);
}
