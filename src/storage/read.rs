//! Reads an object piece by piece.

use aws_sdk_s3::{error::SdkError, operation::get_object::GetObjectError, primitives::ByteStream};

use super::{client::Client, error::Error};

/// An object that is being read.
pub struct ObjectBody(ByteStream);

impl Client {
    /// Begins to read an object.
    pub async fn read(&self, key: &str) -> Result<ObjectBody, Error> {
        let session = self.session()?;
        let get = session.s3.get_object().bucket(&self.bucket).key(key);
        let got = get.send().await;
        let failed = |error: SdkError<GetObjectError>| session.failed(error);
        Ok(ObjectBody(got.map_err(failed)?.body))
    }
}

impl ObjectBody {
    /// The next piece; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + Send + use<>>, Error> {
        self.0.try_next().await.map_err(|error| Error::Away {
            what: "the connection broke".into(),
            status: None,
            source: error.into(),
        })
    }
}
