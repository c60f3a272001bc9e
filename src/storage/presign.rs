//! URLs that need no key.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use url::Url;

use super::{client::Client, error::Error};

const A_MINUTE: Duration = Duration::from_secs(60);

/// The method that a presigned URL is for: a URL signed for GET answers 403 to HEAD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
}

/// How the storage serves an object, whatever was stored with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served<'a> {
    /// Its content type; None: the stored one.
    pub content_type: Option<&'a str>,
    /// A browser saves the file under this name; None: it plays or shows it.
    pub download_name: Option<&'a str>,
}

impl<'a> Served<'a> {
    /// A browser saves the file under this name.
    pub fn download(name: &'a str) -> Served<'a> {
        Served {
            download_name: Some(name),
            ..Served::default()
        }
    }
}

impl Client {
    /// A URL that works without credentials for `ttl` (at most 7 days) from now; treat it as a secret until it expires.
    /// Sends no request to the storage.
    pub async fn presign(
        &self,
        key: &str,
        ttl: Duration,
        method: Method,
        served: Served<'_>,
    ) -> Result<String, Error> {
        let life = PresigningConfig::expires_in(ttl).map_err(|e| Error::Presign(e.into()))?;
        let disposition = served.download_name.map(content_disposition);
        let content_type = served.content_type.map(str::to_owned);
        let (bucket, key) = (self.bucket.as_str(), key);
        let signed = match method {
            Method::Get => {
                let get = self
                    .session()?
                    .s3
                    .get_object()
                    .bucket(bucket)
                    .key(key)
                    .set_response_content_disposition(disposition)
                    .set_response_content_type(content_type);
                get.presigned(life)
                    .await
                    .map_err(|e| Error::Presign(e.into()))?
            }
            Method::Head => {
                let head = self
                    .session()?
                    .s3
                    .head_object()
                    .bucket(bucket)
                    .key(key)
                    .set_response_content_disposition(disposition)
                    .set_response_content_type(content_type);
                head.presigned(life)
                    .await
                    .map_err(|e| Error::Presign(e.into()))?
            }
        };
        Ok(signed.uri().to_owned())
    }

    /// The origin of an object's URL, `https://bucket.example.com:8443`. Sends no request to the storage.
    pub async fn origin(&self, key: &str) -> Result<String, Error> {
        let url = self.presign(key, A_MINUTE, Method::Get, Served::default());
        let url = url.await?;
        let url = Url::parse(&url).map_err(|e| Error::Presign(e.into()))?;
        Ok(url.origin().ascii_serialization())
    }
}

/// RFC 6266 with the RFC 5987 form for non-ASCII names; old browsers use the plain one.
fn content_disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || " .-_+".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let encoded = name.bytes().fold(String::new(), |mut text, byte| {
        match byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            true => text.push(byte.into()),
            false => text.push_str(&format!("%{byte:02X}")),
        }
        text
    });
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::content_disposition;

    #[test]
    fn a_download_keeps_its_name() {
        let name = content_disposition("Büro +1555 \"a\"/b.mp3");
        let expected = "attachment; filename=\"B_ro +1555 _a__b.mp3\"; \
                        filename*=UTF-8''B%C3%BCro%20+1555%20%22a%22%2Fb.mp3";
        assert_eq!(name, expected);
    }
}
