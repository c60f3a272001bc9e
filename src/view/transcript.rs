//! A transcript.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::time::to_milliseconds;
use crate::domain::{
    Call, EgressId,
    alignment::Alignment,
    call::{Position, Timeline},
    transcript::{Speaker, Transcript, Turn},
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
    /// When it began, in seconds of the recording; null if that is unknown, or no file has it.
    #[schema(required = true)]
    pub start: Option<f64>,
    /// When it ended, likewise.
    #[schema(required = true)]
    pub end: Option<f64>,
    /// The report says only when the turn was created, so `start` may be some seconds off; else left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub approximate: bool,
    /// The recording, if it is another part of the call than the one that the row's link plays; else left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_id: Option<&'a str>,
}

impl<'a> CallTranscriptView<'a> {
    /// The transcript of this call; `timeline`: the call's.
    pub fn new(
        call: &'a Call,
        timeline: &'a Timeline,
        transcript: &'a Transcript,
    ) -> CallTranscriptView<'a> {
        let turns = |turns: &'a [Turn]| {
            let positions = timeline.positions(turns);
            let turns = turns.iter().zip(positions);
            turns.map(|(turn, position)| TurnView::new(turn, position))
        };
        CallTranscriptView {
            call_id: &call.id,
            turns: match transcript {
                Transcript::Turns(said) => turns(said).collect(),
                Transcript::Text(_) => Vec::new(),
            },
            text: match transcript {
                Transcript::Turns(_) => None,
                Transcript::Text(text) => Some(text),
            },
            offset: call.alignment().and_then(Alignment::offset),
            confidence: call.alignment().map_or(0.0, Alignment::confidence),
        }
    }
}

impl<'a> TurnView<'a> {
    fn new(turn: &'a Turn, position: Option<Position<'a>>) -> TurnView<'a> {
        TurnView {
            speaker: match (&turn.label, turn.speaker) {
                (Some(voice), _) => voice,
                (None, Speaker::Agent) => "agent",
                (None, Speaker::Caller) => "caller",
            },
            text: &turn.text,
            interrupted: turn.interrupted,
            at: turn.at,
            start: position.map(|it| to_milliseconds(it.start)),
            end: position.and_then(|it| it.end).map(to_milliseconds),
            approximate: position.is_some_and(|it| it.is_estimated),
            egress_id: position.and_then(|it| it.part).map(EgressId::as_str),
        }
    }
}
