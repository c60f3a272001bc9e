//! One request to LiveKit's API.
//!
//! The messages and the token are LiveKit's own (`livekit-protocol`, `livekit-api`); the request is not sent with
//! `livekit-api`'s clients, which lose the HTTP status of an answer that is not Twirp (a wrong secret, a proxy's page),
//! drop the token of the next page, and do not say whether the request was sent when the response is lost. Enum values newer
//! than our `livekit-protocol` come through as numbers.

use std::time::Duration;

use livekit_api::access_token::{AccessToken, VideoGrants};
use prost::Message;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};

use super::{
    answer::{Repeats, limited, lost, refused, transport},
    error::Error,
};

/// How long LiveKit has to answer anything but a start.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// LiveKit's address and key.
#[derive(Clone)]
pub(super) struct Twirp {
    pub http: reqwest::Client,
    /// Without a slash at its end.
    pub url: String,
    pub api_key: String,
    pub api_secret: SecretString,
}

/// An endpoint of LiveKit's API.
#[derive(Clone, Copy)]
pub(super) struct Endpoint {
    pub service: &'static str,
    pub name: &'static str,
    pub timeout: Duration,
    pub repeats: Repeats,
}

impl Twirp {
    /// Sends one request with a token for these grants and reads the answer.
    pub(crate) async fn post<A: Message + Default>(
        &self,
        endpoint: Endpoint,
        grants: VideoGrants,
        request: &impl Message,
    ) -> Result<A, Error> {
        let token = AccessToken::with_api_key(&self.api_key, self.api_secret.expose_secret())
            .with_ttl(Duration::from_secs(600))
            .with_grants(grants)
            .to_jwt()
            .map_err(|_| Error::Token)?;
        let url = format!(
            "{}/twirp/livekit.{}/{}",
            self.url, endpoint.service, endpoint.name
        );
        let sent = self
            .http
            .post(url)
            .bearer_auth(token)
            .header(CONTENT_TYPE, "application/protobuf")
            .body(request.encode_to_vec())
            .timeout(endpoint.timeout)
            .send();
        let answer = sent.await.map_err(|e| transport(endpoint.repeats, e))?;
        let status = answer.status().as_u16();
        let body = limited(endpoint.repeats, answer).await?;
        if status == 200 {
            return A::decode(body.as_slice()).map_err(|source| Error::Answer {
                kind: lost(endpoint.repeats),
                source: Some(source),
            });
        }
        Err(refused(endpoint.repeats, status, &body))
    }
}
