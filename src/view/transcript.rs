//! A transcript.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::transcript::{Speaker, Transcript, Turn};

/// The answer to `GET /v1/calls/{call_id}/transcript`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallTranscriptView<'a> {
    /// The room's sid, `RM_…`.
    pub call_id: &'a str,
    /// The newest report's.
    pub transcript: TranscriptView<'a>,
}

/// Turns, or the plain text that an agent sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TranscriptView<'a> {
    /// In the order of the conversation.
    Turns(Vec<TurnView<'a>>),
    /// As the agent sent it.
    Text(&'a str),
}

/// One turn of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TurnView<'a> {
    /// The speaker.
    pub speaker: SpeakerView,
    /// The words.
    pub text: &'a str,
    /// Left out when false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// Left out when unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// The speaker of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeakerView {
    /// The agent, `assistant` in reports.
    Agent,
    /// The other side, `user` in reports.
    Caller,
}

impl<'a> CallTranscriptView<'a> {
    /// The transcript of the call with this id.
    pub fn new(call_id: &'a str, transcript: &'a Transcript) -> CallTranscriptView<'a> {
        CallTranscriptView {
            call_id,
            transcript: match transcript {
                Transcript::Turns(turns) => {
                    TranscriptView::Turns(turns.iter().map(TurnView::new).collect())
                }
                Transcript::Text(text) => TranscriptView::Text(text),
            },
        }
    }
}

impl<'a> TurnView<'a> {
    fn new(turn: &'a Turn) -> TurnView<'a> {
        TurnView {
            speaker: match turn.speaker {
                Speaker::Agent => SpeakerView::Agent,
                Speaker::Caller => SpeakerView::Caller,
            },
            text: &turn.text,
            interrupted: turn.interrupted,
            at: turn.at,
        }
    }
}
