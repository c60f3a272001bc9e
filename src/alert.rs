//! ALERT_WEBHOOK_URL: a person is told, in the shape that Slack's incoming webhooks take (and Mattermost's, Discord's
//! under `/slack`): <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(10);

/// Where alerts go. Who knows the address may post there, so it is in no error.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: SecretString,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("ALERT_WEBHOOK_URL answers {0}")]
    Refused(u16),
    #[error(
        "ALERT_WEBHOOK_URL answers {0} with a redirect, which is not followed (set the address it leads to)"
    )]
    Redirected(u16),
    #[error("ALERT_WEBHOOK_URL cannot be reached or does not answer in time")]
    Away,
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
        let request = self.http.post(self.url.expose_secret()).timeout(PATIENCE);
        let request = request.json(&json!({ "text": escaped(text) }));
        let answer = request.send().await.map_err(|_| Error::Away)?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status if status.is_redirection() => Err(Error::Redirected(status.as_u16())),
            status => Err(Error::Refused(status.as_u16())),
        }
    }
}

/// The three characters that Slack reads as its own.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}
