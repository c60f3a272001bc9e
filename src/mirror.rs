//! The mirror: posts ended recordings to a URL of the user's, such as an n8n webhook, signed as specified by Standard
//! Webhooks (standardwebhooks.com).

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::{Response, StatusCode, header::CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Bytes of a response that are read: enough to recognise n8n's start-up text.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Where to post.
pub struct Config {
    /// May contain a secret itself, so no error contains it.
    pub url: String,
    /// `whsec_` followed by base64, or plain text; without a secret nothing is signed.
    pub secret: Option<SecretString>,
}

/// Posts to one address; cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    secret: Option<SecretString>,
}

/// The outcome of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostOutcome {
    /// With the status of its answer.
    Delivered { status: u16 },
    /// Not delivered; `error` is for people and says why. Without a status nobody answered.
    Retry { error: String, status: Option<u16> },
}

impl Client {
    /// `http` must not follow redirects: the body would become a GET, or be sent to another host.
    pub fn new(config: Config, http: reqwest::Client) -> Self {
        Self {
            http,
            url: config.url,
            secret: config.secret,
        }
    }

    /// Posts `body`, which is JSON. `id` is the same for every attempt, so that the receiver can detect duplicates.
    pub async fn post(&self, id: &str, body: String, now: Timestamp) -> PostOutcome {
        let timestamp = now.as_second().to_string();
        // Exactly this type: n8n treats any other, or one with a charset, as an empty body.
        let mut request = self
            .http
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json");
        request = request
            .header("webhook-id", id)
            .header("webhook-timestamp", &timestamp);
        if let Some(secret) = &self.secret {
            let signature = sign(secret, &[id, &timestamp, &body]);
            request = request.header("webhook-signature", signature);
        }
        match request.body(body).send().await {
            Ok(answer) => judge(answer).await,
            Err(e) if e.is_timeout() => again(None, "does not respond in time"),
            Err(e) if e.is_connect() => again(None, "cannot be reached"),
            Err(e) if e.is_builder() => again(None, "is not a valid URL for a request"),
            Err(_) => again(None, "closed the connection without a response"),
        }
    }
}

/// Whether the response says that the body was accepted.
async fn judge(answer: Response) -> PostOutcome {
    let status = answer.status();
    let code = status.as_u16();
    let again = |what: String| again(Some(code), &what);
    if status.is_redirection() {
        return again(format!(
            "answered {code}, a redirect, which is not followed (set the URL that it redirects to)"
        ));
    }
    if status == StatusCode::NOT_FOUND {
        return again("answered 404 (n8n does so until the workflow is active)".into());
    }
    if !status.is_success() {
        return again(format!("answered {code}"));
    }
    // While n8n starts, it answers 200 with this text and runs nothing (measured with 2.41.1).
    match beginning(answer)
        .await
        .trim_ascii_start()
        .starts_with(b"n8n is starting up")
    {
        true => again(format!("answered {code}, but n8n is still starting up")),
        false => PostOutcome::Delivered { status: code },
    }
}

/// The response body up to the limit. A response that breaks off is judged by its status and the part received.
async fn beginning(mut answer: Response) -> Vec<u8> {
    let mut read = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        let room = ANSWER_LIMIT - read.len();
        read.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if read.len() == ANSWER_LIMIT {
            break;
        }
    }
    read
}

fn again(status: Option<u16>, what: &str) -> PostOutcome {
    PostOutcome::Retry {
        status,
        error: format!("EGRESS_WEBHOOK_URL {what}"),
    }
}

/// `v1,` and the base64 of HMAC-SHA256 of the parts with dots between them.
fn sign(secret: &SecretString, parts: &[&str]) -> String {
    let secret = secret.expose_secret();
    let decoded = secret
        .strip_prefix("whsec_")
        .and_then(|s| BASE64_STANDARD.decode(s).ok());
    let key = decoded.unwrap_or_else(|| secret.as_bytes().to_vec());
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    for (n, part) in parts.iter().enumerate() {
        mac.update(if n == 0 { b"" } else { b"." });
        mac.update(part.as_bytes());
    }
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::sign;

    /// The example from the Standard Webhooks libraries.
    #[test]
    fn signs_as_standard_webhooks_does() {
        let content = [
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        ];
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(
            sign(
                &"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into(),
                &content
            ),
            expected
        );
    }

    #[test]
    fn a_plain_secret_is_its_own_key() {
        let encoded = sign(&"whsec_cGxhaW4=".to_owned().into(), &["a"]);
        assert_eq!(sign(&"plain".to_owned().into(), &["a"]), encoded);
    }
}
