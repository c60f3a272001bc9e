//! A transcript.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{
    Call,
    transcript::{Speaker, Transcript, Turn, position},
};

/// The answer to `GET /v1/calls/{call_id}/transcript`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Transcript)]
pub struct CallTranscriptView<'a> {
    /// The room's sid, `RM_…`.
    pub call_id: &'a str,
    /// In the order of the conversation, from all of the agents' jobs; empty if the agent sent plain text.
    pub turns: Vec<TurnView<'a>>,
    /// The plain text that an agent sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    /// Seconds by which the report's clock was corrected; null if the times are the clocks'.
    #[schema(required = true)]
    pub offset: Option<f64>,
    /// How sure it is that the words are where the times say, from 0 to 1; below 0.5, the times are the clocks'.
    pub confidence: f64,
}

/// One turn of the conversation.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Turn)]
pub struct TurnView<'a> {
    /// `agent` (`assistant` in reports), `caller` (`user` in reports), or a voice that has only a number, `Speaker 1`.
    pub speaker: &'a str,
    /// The spoken text.
    pub text: &'a str,
    /// Whether the other side interrupted it.
    pub interrupted: bool,
    /// When it began; left out when unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// When it began, in seconds of the file that the row's link plays; null if that is unknown or outside of the file.
    #[schema(required = true)]
    pub start: Option<f64>,
    /// When it ended, likewise.
    #[schema(required = true)]
    pub end: Option<f64>,
}

impl<'a> CallTranscriptView<'a> {
    /// The transcript of this call.
    pub fn new(call: &'a Call, transcript: &'a Transcript) -> CallTranscriptView<'a> {
        let start = call.recording_start();
        let end = call.file_length().unwrap_or(f64::INFINITY);
        let turn = |turn: &'a Turn| {
            // Before the file, or in another part of the call, is not in the file.
            let position = position(turn, start).filter(|at| (0.0..end).contains(at));
            TurnView::new(turn, position)
        };
        CallTranscriptView {
            call_id: &call.id,
            turns: match transcript {
                Transcript::Turns(turns) => turns.iter().map(turn).collect(),
                Transcript::Text(_) => Vec::new(),
            },
            text: match transcript {
                Transcript::Turns(_) => None,
                Transcript::Text(text) => Some(text),
            },
            offset: None,
            confidence: 0.0,
        }
    }
}

impl<'a> TurnView<'a> {
    /// `start`: seconds of the file that the row's link plays.
    fn new(turn: &'a Turn, start: Option<f64>) -> TurnView<'a> {
        let length = turn.length_ms.map(|length| length as f64 / 1e3);
        let end = start.zip(length).map(|(start, length)| start + length);
        TurnView {
            speaker: match (&turn.label, turn.speaker) {
                (Some(voice), _) => voice,
                (None, Speaker::Agent) => "agent",
                (None, Speaker::Caller) => "caller",
            },
            text: &turn.text,
            interrupted: turn.interrupted,
            at: turn.at,
            start: start.map(to_milliseconds),
            end: end.map(to_milliseconds),
        }
    }
}

fn to_milliseconds(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
