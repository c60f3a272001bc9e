//! A webhook of our own, signed as LiveKit signs its webhooks: to see where an address leads.

use std::time::Duration;

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};

/// How long whoever is there may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the signature is valid, in seconds.
const LIFE: i64 = 300;

/// A signed webhook that is about no room.
pub struct TrialWebhook {
    body: String,
    token: String,
}

impl TrialWebhook {
    /// With this id in its body.
    pub fn new(id: &str, (key, secret): (&str, &SecretString), now: Timestamp) -> TrialWebhook {
        let seconds = now.as_second();
        let body = json!({ "event": "doctor", "id": id, "createdAt": seconds.to_string() });
        let body = body.to_string();
        let hash = BASE64_STANDARD.encode(Sha256::digest(&body));
        let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({ "alg": "HS256", "typ": "JWT" }));
        let claims =
            json!({ "iss": key, "nbf": seconds - 5, "exp": seconds + LIFE, "sha256": hash });
        let signed = format!("{header}.{}", part(claims));
        // HMAC accepts keys of any length, so this cannot fail.
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
        let tag = mac.map(|mac| mac.chain_update(&signed).finalize().into_bytes());
        let tag = BASE64_URL_SAFE_NO_PAD.encode(tag.unwrap_or_default());
        TrialWebhook {
            token: format!("{signed}.{tag}"),
            body,
        }
    }

    /// Sends it; the answer may have any status. `http` must not follow redirects.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(
        self,
        http: &reqwest::Client,
        url: &str,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let request = http.post(url).header(AUTHORIZATION, self.token);
        let request = request.header(CONTENT_TYPE, "application/webhook+json");
        request.body(self.body).timeout(TIMEOUT).send().await
    }
}
