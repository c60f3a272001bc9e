//! Where a call is elsewhere: its row, its session at LiveKit, its files; and commands that people copy.

use std::time::Duration;

use axum::http::{Method, StatusCode, request::Parts};

use crate::{
    domain::{Call, Sink, content_type},
    http::{App, error::Problem, local::is_this_machine},
    storage::{self, ObjectHead, Served},
    store::Delivery,
};

/// The shortest life of a URL: a player that was paused can resume.
const SHORTEST: Duration = Duration::from_secs(15 * 60);
/// The longest (SigV4).
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// The links of a call's page.
pub(super) struct Links {
    /// By name.
    pub(super) elsewhere: Vec<(&'static str, String)>,
    /// `rec…`; `None`: there is no row yet.
    pub(super) record: Option<String>,
    /// Asks the API for this call; the token is the reader's own.
    pub(super) curl: String,
    /// The origin of the bucket, from which the page may play.
    pub(super) media: Option<String>,
}

impl Links {
    /// `host`: the one that was asked for this page.
    pub(super) async fn of(
        app: &App,
        call: &Call,
        deliveries: &[Delivery],
        host: &str,
    ) -> Result<Links, Problem> {
        let row = deliveries.iter().find(|it| it.key.sink == Sink::Airtable);
        let row = row.and_then(Row::of);
        let row_address = row.zip(app.ops.rows.as_deref());
        let row_address = row_address.map(|(row, base)| row.address(base));
        let session = app.ops.sessions.as_ref();
        let session = session.map(|project| format!("{project}/{}", call.id));
        let elsewhere = [("Airtable row", row_address), ("LiveKit session", session)];
        let elsewhere = elsewhere
            .into_iter()
            .filter_map(|(name, address)| Some((name, address?)));
        let base = app.links.public_url.clone().unwrap_or_else(|| {
            let scheme = if is_this_machine(host) {
                "http"
            } else {
                "https"
            };
            format!("{scheme}://{host}")
        });
        Ok(Links {
            elsewhere: elsewhere.collect(),
            record: row.map(|row| row.record.to_owned()),
            curl: format!(
                "curl -H \"Authorization: Bearer $API_TOKEN\" {base}/v1/calls/{}",
                call.id
            ),
            media: media(app, call).await,
        })
    }
}

/// Without the bucket the page is there, and plays nothing.
async fn media(app: &App, call: &Call) -> Option<String> {
    let (recording, _) = call.playable_recording()?;
    app.storage.origin(&recording.key).await.ok()
}

/// The call's row, as the sink remembers it.
#[derive(Clone, Copy)]
struct Row<'a> {
    table: &'a str,
    record: &'a str,
}

impl Row<'_> {
    /// `None`: there is none yet.
    fn of(delivery: &Delivery) -> Option<Row<'_>> {
        let text = |name: &str| {
            let text = delivery.sink_state[name].as_str();
            text.filter(|it| !it.is_empty())
        };
        Some(Row {
            table: text("table")?,
            record: text("record")?,
        })
    }

    /// `base`: where people open the base.
    fn address(&self, base: &str) -> String {
        format!("{base}/{}/{}", self.table, self.record)
    }
}

/// A fresh URL of a recording's file; 410 when it is gone.
pub(super) async fn file(
    app: &App,
    call: &Call,
    egress_id: &str,
    request: &Parts,
) -> Result<String, Problem> {
    let recording = call.recordings.get(egress_id);
    let recording = recording.ok_or_else(|| Problem::not_found("this recording does not exist"))?;
    if call.is_contested(recording) {
        return Err(gone(
            "this recording's file is also claimed by another call and may hold the other conversation",
        ));
    }
    match app.storage.head(&recording.key).await {
        Ok(ObjectHead::Found { .. }) => {}
        Ok(ObjectHead::Missing) | Err(storage::Error::Forbidden) => {
            return Err(gone(
                "the recording is not in the bucket, or this service may not read it",
            ));
        }
        Err(error) => return Err(unavailable(&error)),
    }
    let is_download = request
        .uri
        .query()
        .is_some_and(|it| it.contains("download"));
    let name = recording.key.rsplit('/').next();
    let served = Served {
        content_type: Some(content_type(&recording.key)),
        download_name: name.filter(|_| is_download),
    };
    let method = match request.method {
        Method::HEAD => storage::Method::Head,
        _ => storage::Method::Get,
    };
    let length = recording.duration.unwrap_or_default().unsigned_abs();
    let life = (length * 2).clamp(SHORTEST, LONGEST);
    let url = app.storage.presign(&recording.key, life, method, served);
    url.await.map_err(|error| unavailable(&error))
}

fn gone(detail: &str) -> Problem {
    Problem::new(StatusCode::GONE, detail)
}

fn unavailable(error: &storage::Error) -> Problem {
    tracing::warn!(%error, "recording could not be played from the pages");
    Problem::unavailable("the storage is not available; try again in a moment")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_opened_in_its_base_and_table() {
        let row = Row {
            table: "tblCalls",
            record: "rec1",
        };
        let base = "https://airtable.com/app1";
        assert_eq!(row.address(base), "https://airtable.com/app1/tblCalls/rec1");
    }
}
