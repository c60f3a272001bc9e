//! Where an egress puts its file: what the request names, else the default storage of the egress service, else its disk.

use livekit_protocol as proto;
use proto::{AliOssUpload, AzureBlobUpload, GcpUpload, S3Upload};

/// Where a file goes.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// The bucket and its keys.
    S3(Box<S3Upload>),
    /// A provider that the stand-in does not have: it only says where the file would be.
    Named {
        /// The location without the key.
        location: String,
    },
    /// The request names nothing.
    Unnamed,
}

impl From<&S3Upload> for Target {
    fn from(upload: &S3Upload) -> Target {
        Target::S3(Box::new(upload.clone()))
    }
}

impl From<&GcpUpload> for Target {
    fn from(upload: &GcpUpload) -> Target {
        let location = format!("https://{}.storage.googleapis.com/", upload.bucket);
        Target::Named { location }
    }
}

impl From<&AzureBlobUpload> for Target {
    fn from(upload: &AzureBlobUpload) -> Target {
        let (account, container) = (&upload.account_name, &upload.container_name);
        let location = format!("https://{account}.blob.core.windows.net/{container}/");
        Target::Named { location }
    }
}

impl From<&AliOssUpload> for Target {
    fn from(upload: &AliOssUpload) -> Target {
        let location = format!("https://{}.{}/", upload.bucket, upload.endpoint);
        Target::Named { location }
    }
}

/// The storage of a file output of the first API.
pub(super) fn of_file(output: &proto::EncodedFileOutput) -> Target {
    use proto::encoded_file_output::Output;
    match &output.output {
        Some(Output::S3(upload)) => upload.into(),
        Some(Output::Gcp(upload)) => upload.into(),
        Some(Output::Azure(upload)) => upload.into(),
        Some(Output::AliOss(upload)) => upload.into(),
        None => Target::Unnamed,
    }
}

/// The storage of a track's file.
pub(super) fn of_track(output: &proto::DirectFileOutput) -> Target {
    use proto::direct_file_output::Output;
    match &output.output {
        Some(Output::S3(upload)) => upload.into(),
        Some(Output::Gcp(upload)) => upload.into(),
        Some(Output::Azure(upload)) => upload.into(),
        Some(Output::AliOss(upload)) => upload.into(),
        None => Target::Unnamed,
    }
}

/// The storage of an output of StartEgress, else that of its request.
pub(super) fn of_storage(storage: Option<&proto::StorageConfig>) -> Target {
    use proto::storage_config::Provider;
    match storage.and_then(|storage| storage.provider.as_ref()) {
        Some(Provider::S3(upload)) => upload.into(),
        Some(Provider::Gcp(upload)) => upload.into(),
        Some(Provider::Azure(upload)) => upload.into(),
        Some(Provider::AliOss(upload)) => upload.into(),
        None => Target::Unnamed,
    }
}
