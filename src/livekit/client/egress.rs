//! Recordings at LiveKit: start, list, stop.

use std::time::Duration;

use livekit_api::access_token::VideoGrants;
use livekit_protocol as proto;

use super::{
    answer::{Repeats, lost},
    connection::Client,
    error::{Error, ErrorKind},
    info::webhook_form,
    output::Output,
    twirp::{Endpoint, TIMEOUT},
};

/// A start takes as long as LiveKit looks for a free egress worker: 6-9 s, and 20-24 s were measured. A start that is
/// cut off may have been made, so a late answer is better than none.
const START_TIMEOUT: Duration = Duration::from_secs(45);

/// The outcome of a stop request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// The recording is ending; the EgressInfo as JSON.
    Yes(String),
    /// The recording had already ended, or LiveKit does not know it (any more).
    AlreadyOver,
}

/// Which recordings a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Egresses {
    /// Those that have not ended.
    Running,
    /// Those of the last day, too.
    All,
}

impl Client {
    /// Starts a recording into the object `path`: the EgressInfo, as JSON in the form of LiveKit's webhooks.
    ///
    /// LiveKit has no idempotency key. After an error of kind [`ErrorKind::UnknownOutcome`] the recording may run: list before
    /// another start.
    pub async fn start(
        &self,
        room_name: &str,
        path: &str,
        output: &Output,
    ) -> Result<String, Error> {
        let endpoint = Endpoint {
            service: "Egress",
            name: "StartRoomCompositeEgress",
            timeout: START_TIMEOUT,
            repeats: Repeats::Unsafe,
        };
        let request = output.request(room_name, path)?;
        let info = self.twirp.post(endpoint, recording(), &request).await?;
        Ok(webhook_form(&named(info, endpoint)?).to_string())
    }

    /// Recordings of one room, or of all for `None`, as JSON in the form of LiveKit's webhooks, in no order. LiveKit keeps
    /// ended ones for a day.
    pub async fn list(
        &self,
        room_name: Option<&str>,
        which: Egresses,
    ) -> Result<Vec<String>, Error> {
        let endpoint = Endpoint {
            service: "Egress",
            name: "ListEgress",
            timeout: TIMEOUT,
            repeats: Repeats::Safe,
        };
        let mut request = proto::ListEgressRequest {
            room_name: room_name.unwrap_or_default().to_owned(),
            active: which == Egresses::Running,
            ..Default::default()
        };
        let mut found = Vec::new();
        loop {
            let page: proto::ListEgressResponse =
                self.twirp.post(endpoint, recording(), &request).await?;
            found.extend(page.items.iter().map(|item| webhook_form(item).to_string()));
            let next = page
                .next_page_token
                .map(|t| t.token)
                .filter(|t| !t.is_empty());
            // A server that repeats its token would keep us in this loop forever.
            let last = request.page_token.take().map(|t| t.token);
            match next {
                Some(token) if Some(&token) != last.as_ref() => {
                    request.page_token = Some(proto::TokenPagination { token });
                }
                _ => return Ok(found),
            }
        }
    }

    /// Stops a recording; the part recorded so far is uploaded.
    pub async fn stop(&self, egress_id: &str) -> Result<Stopped, Error> {
        let endpoint = Endpoint {
            service: "Egress",
            name: "StopEgress",
            timeout: TIMEOUT,
            repeats: Repeats::Safe,
        };
        let request = proto::StopEgressRequest {
            egress_id: egress_id.to_owned(),
        };
        let stopped = self.twirp.post(endpoint, recording(), &request).await;
        let stopped = stopped.and_then(|info| named(info, endpoint));
        match stopped {
            Ok(info) => Ok(Stopped::Yes(webhook_form(&info).to_string())),
            Err(e) if e.kind() == ErrorKind::NotFound || e.status() == Some(412) => {
                Ok(Stopped::AlreadyOver)
            }
            Err(e) => Err(e),
        }
    }
}

/// An EgressInfo without an ID is an empty answer, as a proxy may give it: the outcome is unknown.
fn named(info: proto::EgressInfo, endpoint: Endpoint) -> Result<proto::EgressInfo, Error> {
    match info.egress_id.as_str() {
        "" => Err(Error::Answer {
            kind: lost(endpoint.repeats),
            source: None,
        }),
        _ => Ok(info),
    }
}

fn recording() -> VideoGrants {
    VideoGrants {
        room_record: true,
        ..Default::default()
    }
}
