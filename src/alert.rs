//! ALERT_WEBHOOK_URL: messages for people, in the shape of Slack's incoming webhooks, which Mattermost takes, too, and
//! Discord under `/slack`: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// Limit of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Posts alerts. The URL is a secret, for it is all that is needed to post, so no error contains it.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: SecretString,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A status that is neither a success nor a redirect.
    #[error("ALERT_WEBHOOK_URL answered {0}")]
    Refused(u16),
    /// A redirect: the client follows none.
    #[error(
        "ALERT_WEBHOOK_URL answers {0}, a redirect, which is not followed (set the URL that it redirects to)"
    )]
    Redirected(u16),
    /// No answer.
    #[error("ALERT_WEBHOOK_URL cannot be reached or does not respond in time")]
    Unreachable,
}

impl Client {
    /// `http` must not follow redirects.
    pub fn new(url: SecretString, http: reqwest::Client) -> Client {
        Client { http, url }
    }

    /// Posts one message.
    ///
    /// # Errors
    /// Anything but a 2xx.
    pub async fn post(&self, text: &str) -> Result<(), Error> {
        let request = self
            .http
            .post(self.url.expose_secret())
            .timeout(REQUEST_TIMEOUT);
        let request = request.json(&json!({ "text": escaped(text) }));
        let answer = request.send().await.map_err(|_| Error::Unreachable)?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status if status.is_redirection() => Err(Error::Redirected(status.as_u16())),
            status => Err(Error::Refused(status.as_u16())),
        }
    }
}

/// Escapes the three characters that have a meaning in Slack's markup.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}
