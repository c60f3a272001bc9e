//! Whether LiveKit has an egress worker: one is started in a room of doctor's own, where nobody speaks, and stopped.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    examined::{Examined, not_configured},
    finding::{Finding, Level, Severity},
    row::Row,
    traces::Trace,
    trial_room::{TrialRoom, doctor_key, severity},
};
use crate::{
    domain::{EgressStatus, EventPayload, Recording, Room},
    livekit::{
        body,
        client::{Client, Egresses, Error, Stopped},
    },
    service::recording::output,
};

/// The room stays open so long without anybody in it.
const OPEN_FOR: Duration = Duration::from_secs(120);
/// How long the egress may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(250);
const LOG: &str = "LIVEKIT_URL, self-hosted: look at the log of the egress service; LiveKit Cloud: status.livekit.io";

/// Starts and stops a recording.
pub(super) async fn check(examined: &Examined, client: &Client) -> Finding {
    let settings = &examined.settings;
    let (Some(storage), Some(recording)) = (&settings.storage, &settings.recording) else {
        return not_configured("S3_* or RECORDING_*");
    };
    let output = output(storage, recording);
    let room = match TrialRoom::open(examined, client, OPEN_FOR).await {
        Ok(room) => room,
        Err(why) => return why,
    };
    let extension = recording.file_type.as_str();
    let key = doctor_key(examined).file(&room.id, extension);
    // Nothing is uploaded unless somebody speaks.
    examined.traces.add(Trace::Object(key.clone()));
    let found = match client.start(&room.id, &key, &output).await {
        Ok(info) => stopped(examined, client, (&room.id, &info)).await,
        Err(error) => refused(&error),
    };
    if found.level == Level::Ok {
        examined.traces.remove(&Trace::Object(key));
    }
    room.close(examined, client).await;
    found
}

/// Stops the egress and waits for its end.
async fn stopped(examined: &Examined, client: &Client, (room, info): (&str, &str)) -> Finding {
    let Some(started) = egress(info) else {
        return failed("LiveKit's answer to the start names no egress");
    };
    let id = started.egress_id.as_str();
    let trace = Trace::Egress(id.to_owned());
    examined.traces.add(trace.clone());
    let mut last = match client.stop(id).await {
        Ok(Stopped::Yes(info)) => egress(&info),
        Ok(Stopped::AlreadyOver) => None,
        Err(error) => return refused(&error),
    };
    let deadline = Instant::now() + END_TIMEOUT;
    while Instant::now() < deadline {
        if let Some(last) = last.filter(|last| last.status.is_over()) {
            examined.traces.remove(&trace);
            return judge(&last);
        }
        tokio::time::sleep(POLL).await;
        let listed = client.list(Some(room), Egresses::All).await;
        let listed = listed.unwrap_or_default();
        let mut listed = listed.iter().filter_map(|info| egress(info));
        last = listed.find(|it| it.egress_id == id);
    }
    failed("an egress worker started, and did not end within 20 s after it was stopped")
}

fn egress(info: &str) -> Option<Box<Recording>> {
    let value = serde_json::from_str(info).ok()?;
    match body::egress(&value, Room::default()) {
        EventPayload::Egress { recording, .. } => Some(recording),
        _ => None,
    }
}

fn judge(ended: &Recording) -> Finding {
    match ended.status {
        EgressStatus::Failed => failed(&format!("the egress failed: {}", ended.error.as_str())),
        status => Finding::ok(format!("one started and was stopped ({})", status.as_str())),
    }
}

fn failed(detail: &str) -> Finding {
    Finding::failure(Severity::Failed, detail, LOG, Row::Egress)
}

fn refused(error: &Error) -> Finding {
    let (detail, remedy) = match error.answered() {
        Some(429) => (
            format!("the project's limit of concurrent egresses is reached: {error}"),
            "LIVEKIT_API_KEY: cloud.livekit.io → your project → Settings → Billing shows the plan's limit".to_owned(),
        ),
        Some(503) => (
            format!("no egress worker is free: {error}"),
            format!("{LOG}, and whether it uses the same Redis as livekit-server"),
        ),
        None | Some(500..) => (
            format!("LiveKit did not start a recording: {error}"),
            LOG.to_owned(),
        ),
        Some(_) => (
            format!("LiveKit did not start a recording: {error}"),
            "LIVEKIT_API_KEY: cloud.livekit.io → your project → Settings shows what the project may do".to_owned(),
        ),
    };
    Finding::failure(severity(error), detail, &remedy, Row::Egress)
}
