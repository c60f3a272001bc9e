//! Stores an upload: the audio as a file that the message names, the rest as a report like any other.

use axum::http::HeaderMap;

use super::{
    header::Header,
    parts::{Audio, Parts, Words},
    refusal::{Refused, not_spooled, too_large, without_rest},
    summary::report,
};
use crate::{
    domain::{
        Room,
        agent_audio::{ReportedAudio, UploadedAudio},
        sha256,
        transcript::ReportOrigin,
    },
    http::{
        App,
        error::Problem,
        post_transcript::TRANSCRIPT_BYTES,
        readable,
        report_body::{self, BodyFormat},
        report_message::{StoredHead, stored, unreadable},
        report_room,
    },
    spool::{HeldFile, Incoming},
    store::InboxMessage,
};

/// What was said in a session.
enum Conversation {
    /// JSON; `None`: nothing was uploaded.
    Read(Option<String>),
    /// It is kept as it came, with the reason.
    Unreadable { text: Vec<u8>, problem: Problem },
}

/// Stores it, with what can be used of it. Notes the room that it names.
///
/// # Errors
/// When nothing was stored, or the words alone.
pub(super) async fn keep(
    app: &App,
    parts: Parts,
    message: InboxMessage,
    named: &mut String,
) -> Result<Refused, Problem> {
    let Some(header) = parts.header else {
        return Err(Problem::bad_request("the part `header` is missing"));
    };
    let header = Header::read(&header)?;
    named.clone_from(&header.room_id);
    let room = header.room();
    let message = message.about(&room.sid);
    let signer = message.signer();
    let claim = signer.as_ref().and_then(|signer| signer.claim());
    // 403 if the call is another project's.
    report_room::call(app, &room, claim.as_ref()).await?;
    let length = parts.words.bytes();
    let key = signer.map(|signer| signer.key);
    app.admission.charge(&(&key, &header.room_id), length)?;
    if !app.store.has_room_for(length) {
        return Err(Problem::disk_full());
    }
    let largest = length.max(header.session_summary.len());
    let parsing = app.admission.parsing(largest).await;
    let words = parts.words.read().await?;
    let (body, unreadable) = parsing.work(|| match conversation(words) {
        Conversation::Read(chat) => (report(&header, chat), None),
        Conversation::Unreadable { text, problem } => {
            (report(&header, None), Some((text, problem)))
        }
    });
    let turn = parsing.end_small();
    let mut refused = Refused::default();
    if let Some((text, problem)) = unreadable {
        let of_call = claim.is_some().then_some(header.room_id.as_str());
        let kept = keep_unreadable(&message, &room, of_call, (text, &problem))?;
        app.take(kept).await.map_err(Problem::not_stored)?;
        refused.words = Some(problem);
    }
    let (audio, held, lost) = keep_audio(parts.audio, &header, &message.id).await;
    if let Some(ReportedAudio::Refused(why)) = audio {
        refused.audio = Some(why);
    }
    let head = StoredHead {
        room: &room,
        authorized_room: None,
        origin: ReportOrigin::Uploaded,
        audio,
        refused_words: refused.words.as_ref().map(Problem::detail),
    };
    let body = stored(body, &head)?.into();
    let taken = app.take(InboxMessage { body, ..message }).await;
    drop(turn);
    if let Err(error) = taken {
        // The sender sends the audio again.
        held.map(HeldFile::delete);
        return Err(Problem::not_stored(error));
    }
    match lost {
        Some(problem) => Err(without_rest(&problem)),
        None => Ok(refused),
    }
}

impl Words {
    fn bytes(&self) -> usize {
        let bytes = match self {
            Words::None => 0,
            Words::Received(words) | Words::TooLarge(words) => words.bytes(),
        };
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    async fn read(self) -> Result<(Vec<u8>, Option<Problem>), Problem> {
        let read = async |words: Incoming| words.read().await.map_err(not_spooled);
        Ok(match self {
            Words::None => (Vec::new(), None),
            Words::Received(words) => (read(words).await?, None),
            Words::TooLarge(words) => {
                let problem = too_large("a transcript may have at most 16 MiB");
                (read(words).await?, Some(problem))
            }
        })
    }
}

/// The conversation of a part, which is empty if there is none. The problem: it is too large.
fn conversation((text, problem): (Vec<u8>, Option<Problem>)) -> Conversation {
    if let Some(problem) = problem {
        return Conversation::Unreadable { text, problem };
    }
    if text.is_empty() {
        return Conversation::Read(None);
    }
    // Without a copy, if it can be read.
    let text = axum::body::Bytes::from(text);
    let chat = readable::text(&HeaderMap::new(), text.clone(), TRANSCRIPT_BYTES);
    let chat = chat.map(|chat| report_body::as_json(chat, BodyFormat::Json));
    match chat.and_then(|chat| report_body::read(&chat).map(|_| chat)) {
        Ok(chat) => Conversation::Read(Some(chat)),
        Err(problem) => Conversation::Unreadable {
            text: text.into(),
            problem,
        },
    }
}

/// The message with words that cannot be read, once however often they come.
fn keep_unreadable(
    message: &InboxMessage,
    room: &Room,
    of_call: Option<&str>,
    (text, problem): (Vec<u8>, &Problem),
) -> Result<InboxMessage, Problem> {
    let dedupe = format!("unreadable-{}-{}", room.sid, sha256(&text));
    let reason = format!("the transcript of an upload: {}", problem.detail());
    let body = unreadable(&text, room, &reason)?;
    let mut kept = InboxMessage::new(message.kind, body, message.received_at);
    kept.dedupe = Some(dedupe);
    kept.signed_by.clone_from(&message.signed_by);
    kept.standing.clone_from(&message.standing);
    Ok(match of_call {
        Some(id) => kept.of_call(id),
        None => kept,
    })
}

/// What the report says of the audio, its file, and why there is none although there should be.
async fn keep_audio(
    audio: Audio,
    header: &Header,
    message_id: &str,
) -> (Option<ReportedAudio>, Option<HeldFile>, Option<Problem>) {
    let started_at = header.audio_started_at();
    match audio {
        Audio::None => (None, None, None),
        Audio::Refused(why) => (Some(ReportedAudio::Refused(why)), None, None),
        Audio::Received(audio) => {
            let bytes = audio.bytes();
            match audio.keep(message_id, started_at).await {
                Ok(held) => {
                    let received = UploadedAudio { started_at, bytes };
                    (Some(ReportedAudio::Received(received)), Some(held), None)
                }
                // The words are stored all the same.
                Err(error) => (None, None, Some(not_spooled(error))),
            }
        }
    }
}
