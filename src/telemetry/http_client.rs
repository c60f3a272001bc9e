//! The HTTP client of the adapters.

use std::time::Duration;

/// The client for everything that is not the storage: connections in 10 s, complete requests in 30 s unless a request
/// says otherwise. No redirect is followed: a token must not travel to another host, and a POST must not become a GET.
///
/// # Errors
/// When the machine's certificates cannot be read.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("livekit-airtable/", env!("CARGO_PKG_VERSION")))
        .build()
}
