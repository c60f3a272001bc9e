//! The bucket's objects: s3s-fs without two of its limits. It stores an object's metadata in a file named after the full key, which
//! fails for keys over about 150 bytes; and objects that were put without a content type have none.

use std::path::{Path, PathBuf};

use futures_util::TryStreamExt;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, GetObjectInput,
    GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
    ListBucketsInput, ListBucketsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, PutObjectInput, PutObjectOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};
use s3s_fs::FileSystem;
use uuid::Uuid;

/// Objects in a folder, one file each.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    files: FileSystem,
}

impl Folder {
    /// The folder must exist.
    pub(super) fn new(root: &Path) -> std::io::Result<Self> {
        let files =
            FileSystem::new(root).map_err(|error| std::io::Error::other(format!("{error:?}")))?;
        Ok(Self {
            root: root.to_owned(),
            files,
        })
    }

    /// Writes an object without metadata.
    async fn put_bare(&self, input: PutObjectInput) -> S3Result<S3Response<PutObjectOutput>> {
        let inside = |part: &str| !matches!(part, "." | "..");
        if !input.key.split('/').all(inside) {
            return Err(S3Error::new(S3ErrorCode::InvalidArgument));
        }
        let body = input
            .body
            .ok_or_else(|| S3Error::new(S3ErrorCode::IncompleteBody))?;
        let bytes = body
            .map_ok(|bytes| bytes.to_vec())
            .try_concat()
            .await
            .map_err(|error| S3Error::with_source(S3ErrorCode::IncompleteBody, error))?;
        let path = self
            .root
            .join(&input.bucket)
            .join(input.key.trim_start_matches('/'));
        let unfinished = self.root.join(format!(".put-{}", Uuid::now_v7()));
        if !self.root.join(&input.bucket).is_dir() {
            return Err(S3Error::new(S3ErrorCode::NoSuchBucket));
        }
        let parent = path.parent().unwrap_or(&self.root);
        tokio::fs::create_dir_all(parent)
            .await
            .map_err(S3Error::internal_error)?;
        tokio::fs::write(&unfinished, bytes)
            .await
            .map_err(S3Error::internal_error)?;
        tokio::fs::rename(&unfinished, path)
            .await
            .map_err(S3Error::internal_error)?;
        Ok(S3Response::new(PutObjectOutput::default()))
    }
}

#[async_trait::async_trait]
impl S3 for Folder {
    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        if fits(&request.input.bucket, &request.input.key) {
            return self.files.put_object(request).await;
        }
        self.put_bare(request.input).await
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let by_name = content_type(&request.input.key);
        let mut response = self.files.get_object(request).await?;
        let kept = response.output.content_type.take();
        response.output.content_type = kept.or_else(|| Some(by_name.to_owned()));
        Ok(response)
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let by_name = content_type(&request.input.key);
        let mut response = self.files.head_object(request).await?;
        let kept = response.output.content_type.take();
        response.output.content_type = kept.or_else(|| Some(by_name.to_owned()));
        Ok(response)
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.files.delete_object(request).await
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        self.files.delete_objects(request).await
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.files.head_bucket(request).await
    }

    async fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        self.files.list_buckets(request).await
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        self.files.list_objects(request).await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.files.list_objects_v2(request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.files.create_multipart_upload(request).await
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        self.files.upload_part(request).await
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        self.files.complete_multipart_upload(request).await
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.files.abort_multipart_upload(request).await
    }
}

/// Whether the name of the metadata file fits into 255 bytes: base64 of bucket and key, and 30 bytes around them.
fn fits(bucket: &str, key: &str) -> bool {
    let encoded = |name: &str| (name.len() * 4).div_ceil(3);
    encoded(bucket) + encoded(key) + 30 <= 255
}

fn content_type(key: &str) -> &'static str {
    match key.rsplit('.').next() {
        Some("mp3") => "audio/mpeg",
        Some("ogg") => "audio/ogg",
        Some("mp4") => "video/mp4",
        Some("txt") => "text/plain; charset=utf-8",
        Some("json") => "application/json",
        _ => "binary/octet-stream",
    }
}
