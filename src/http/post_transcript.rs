//! `POST /v1/transcripts`: an agent's report of its session, before, during or after the call.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::HttpBody,
    extract::{Query, Request, State, rejection::QueryRejection},
    http::StatusCode,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    App,
    auth::{self, Grant},
    error::Problem,
    openapi::{AnyRefusal, BodyRefusals, EncodingRefusal, ReportBody, SenderRefusals},
    readable,
    report_body::{self, BodyFormat},
    report_message::{StoredHead, stored},
    report_room::{self, RoomQuery, Unmatched},
    wait::wait_for_message,
};
use crate::{
    domain::{Call, Room, event::InvalidId, is_id, transcript},
    store::{InboxMessage, LARGE, MessageKind, Turn},
};

/// Bytes of the largest body.
pub(super) const TRANSCRIPT_BYTES: usize = 16 << 20;

/// How long the answer waits for intake to find the call.
const INTAKE_TIMEOUT: Duration = Duration::from_secs(1);

/// What was understood of a report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TranscriptReceipt)]
pub(super) struct Receipt {
    /// The room's sid; null while the call is not known.
    #[schema(required = true)]
    call_id: Option<String>,
    /// What the report waits for, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Turns without a known speaker or without words, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored: Option<usize>,
    /// The room's name.
    room_name: String,
    /// Turns that are in the transcript.
    turns: usize,
}

/// Sends a transcript
///
/// An agent's report of its session, before, during or after the call, and several times: of each `job_id` the newest counts.
/// The room may be named in the body (`room`, `room_name`, `room_id`), else in the query, else by the LiveKit token. The body
/// may be compressed with gzip. Takes API_TOKEN, a token with the scope `transcripts`, or a LiveKit token with `roomAdmin` for
/// the room. At most 16 MiB each, and 256 MiB per hour and token.
#[utoipa::path(
    post, path = "/v1/transcripts", operation_id = "post_transcript", tag = "calls",
    params(RoomQuery),
    request_body(content = ReportBody, description = "The report"),
    responses(
        (status = 202, description = "It is stored", body = Receipt),
        BodyRefusals, EncodingRefusal, SenderRefusals, AnyRefusal,
    ),
    security(("api_token" = ["transcripts"]), ("livekit_token" = ["roomAdmin"])),
)]
pub(super) async fn receive(
    State(app): State<Arc<App>>,
    query: Result<Query<RoomQuery>, QueryRejection>,
    request: Request,
) -> Result<(StatusCode, Json<Receipt>), Problem> {
    let bearer = auth::sender(&app, request.headers(), Grant::Report)?;
    let Query(query) = query?;
    let headers = request.headers().clone();
    let sent_query = request.uri().query().map(str::to_owned);
    let announced = announced(&request);
    if !app.store.has_room_for(announced) {
        return Err(Problem::disk_full());
    }
    bearer.charge(&app.admission, announced)?;
    let too_large = "a transcript may have at most 16 MiB";
    let received = app
        .admission
        .receive(request.into_body(), TRANSCRIPT_BYTES, too_large);
    let received = received.await?;
    let length = readable::length(&received.bytes, LARGE);
    let parsing = app.admission.parsing(length).await;
    let text = parsing.work(|| readable::text(&headers, received.bytes, TRANSCRIPT_BYTES))?;
    // A body without a length, or a compressed one, has more than was announced.
    if !app.store.has_room_for(text.len()) {
        return Err(Problem::disk_full());
    }
    bearer.charge(&app.admission, text.len().saturating_sub(announced))?;
    let (text, mut outline) = parsing.work(|| read(text, BodyFormat::of(&headers)))?;
    let own = std::mem::take(&mut outline.room);
    let room = report_room::room(own, query, sent_query.as_deref(), bearer.room());
    if room.sid.is_empty() && room.name.is_empty() {
        return Err(Problem::bad_request(
            "the room is missing: set `room_id`, `room` or `room_name` in the body or the query",
        ));
    }
    let claim = bearer.claim();
    let meant = report_room::meant(&app, &room, claim.as_ref()).await?;
    let call = match (outline.labels.is_empty(), room.sid.is_empty()) {
        (true, true) => None,
        (true, false) => report_room::call(&app, &meant, claim.as_ref()).await?,
        // Participants who have just joined may still be in the inbox.
        (false, _) => report_room::call_with(&app, &meant, claim.as_ref(), &outline).await?,
    };
    let name = report_room::room_name(call.as_ref(), &meant, bearer.room());
    bearer.is_for(&name)?;
    let unmatched = report_room::unmatched(call.as_ref(), &meant, (app.clock)());
    let turns = understood(&outline, call.as_ref(), unmatched)?;
    let head = StoredHead::sent(&room, bearer.room());
    let stored = stored(text, &head)?;
    // While a large body is written, there are several copies of it. Small ones share a transaction.
    let turn = parsing.end_small();
    let message = InboxMessage::new(MessageKind::Report, stored, (app.clock)());
    let message = message.about(&room.sid);
    let message = match bearer.signer() {
        Some(signer) => message.signed(signer.clone()),
        None => message,
    };
    let call_id = keep(&app, message, turn).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(answer(call_id, &name, &room, &turns)),
    ))
}

/// The report as JSON, and what it is about.
fn read(text: String, format: BodyFormat) -> Result<(String, transcript::Outline), Problem> {
    let text = report_body::as_json(text, format);
    let outline = report_body::read(&text)?;
    Ok((text, outline))
}

/// The length of the body according to its sender. A length beyond the limit is refused when the body is received.
fn announced(request: &Request) -> usize {
    let length = request.body().size_hint().lower();
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > TRANSCRIPT_BYTES { 0 } else { length }
}

/// Stores the message in its turn. Returns its call if intake, whose turn comes then, finds it soon.
async fn keep(app: &App, message: InboxMessage, turn: Turn) -> Result<Option<String>, Problem> {
    let awaited = app.wake.awaited.message(&message.id);
    app.take(message).await.map_err(Problem::not_stored)?;
    drop(turn);
    let processed = wait_for_message(app, INTAKE_TIMEOUT, &awaited);
    // The report is stored, whether or not its call is known by now.
    Ok(processed.await.and_then(|s| s.call_id))
}

/// The number of turns by what is known of their speakers.
struct Turns {
    understood: usize,
    /// Without a known speaker.
    ignored: usize,
    /// Without words in a known field.
    wordless: usize,
    /// Only a participant of a call that is not known yet can be their speaker.
    undecided: usize,
}

/// Counts the turns whose speaker is known, if necessary as a participant of the call. A report that has none, and can get
/// none, is refused.
fn understood(
    outline: &transcript::Outline,
    call: Option<&Call>,
    unmatched: Unmatched,
) -> Result<Turns, Problem> {
    let nobody = Call::default();
    let mut turns = Turns {
        understood: outline.turns,
        ignored: outline.unknown,
        wordless: outline.wordless,
        undecided: 0,
    };
    for (label, count) in &outline.labels {
        let is_known = call.unwrap_or(&nobody).speaker(label).is_some();
        match (is_known || transcript::voice(label).is_some(), unmatched) {
            (true, _) => turns.understood += count,
            (false, Unmatched::Ignored) => turns.ignored += count,
            (false, Unmatched::Undecided) => turns.undecided += count,
        }
    }
    match turns.understood + turns.undecided > 0 || turns.missing() == 0 {
        true => Ok(turns),
        false => Err(Problem::bad_request(turns.why_none())),
    }
}

impl Turns {
    /// How many are not in the transcript.
    fn missing(&self) -> usize {
        self.ignored + self.wordless
    }

    /// Why none of them was understood.
    fn why_none(&self) -> String {
        let why = match self.ignored {
            0 => {
                "none has its words in a known field: put them in `content` or `text` of each turn"
            }
            _ => {
                "nothing tells who speaks: set `role` or `speaker` of each to `assistant` or `user`, or to the identity of a participant of the call"
            }
        };
        let all = self.missing();
        format!("none of the {all} turns was understood, because {why}")
    }
}

/// The response. If the call is not known yet, it names the room for which the report waits.
fn answer(call_id: Option<String>, room_name: &str, room: &Room, turns: &Turns) -> Receipt {
    let mut details = Vec::new();
    if !room.sid.is_empty() && !is_id(&room.sid) {
        details.push(format!(
            "{}: the report is kept, but no call gets it",
            InvalidId::Room
        ));
    } else if call_id.is_none() {
        let names: Vec<String> = match (room.sid.is_empty(), room.other_names.is_empty()) {
            (false, _) => vec![room.sid.to_string()],
            (true, true) => vec![format!("“{room_name}”")],
            (true, false) => room.names().map(|name| format!("“{name}”")).collect(),
        };
        let names = names.join(" or ");
        details.push(format!(
            "no call of the room {names} is known yet: the report waits up to an hour for one"
        ));
    }
    if turns.undecided > 0 {
        details.push(format!(
            "the speakers of {} turns are read when the participants of the call are known",
            turns.undecided
        ));
    }
    Receipt {
        call_id,
        detail: (!details.is_empty()).then(|| details.join("; ")),
        ignored: (turns.missing() > 0).then(|| turns.missing()),
        room_name: room_name.to_owned(),
        turns: turns.understood,
    }
}
