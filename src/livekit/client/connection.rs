//! LiveKit's API for one project.

use secrecy::SecretString;

use super::twirp::Twirp;

/// Where LiveKit is, and the key to its API.
pub struct Config {
    /// `http://…` or `https://…`
    pub url: String,
    pub api_key: String,
    pub api_secret: SecretString,
}

/// LiveKit's API with one key; cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(super) twirp: Twirp,
}

impl Client {
    /// `http` carries the limits of time and the TLS roots.
    pub fn new(config: Config, http: reqwest::Client) -> Self {
        Self {
            twirp: Twirp {
                http,
                url: config.url,
                api_key: config.api_key,
                api_secret: config.api_secret,
            },
        }
    }

    /// LIVEKIT_API_KEY, which is no secret.
    pub fn api_key(&self) -> &str {
        &self.twirp.api_key
    }
}
