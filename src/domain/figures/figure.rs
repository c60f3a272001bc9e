//! The figures by name.

use std::str::FromStr;

use super::{
    end_reason::{EndReason, EndedBy},
    outcome::Outcome,
};
use crate::domain::name::{UnknownName, by_name};

/// A figure of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// How the call ended.
    EndReason,
    /// Who ended it.
    EndedBy,
    /// Messages with words, of both sides.
    Turns,
    /// How often the caller interrupted the agent.
    Interruptions,
    /// Seconds from the caller's last word to the agent's answer, the median.
    ResponseLatency,
    /// The agent's share of the time in which somebody spoke.
    TalkShare,
    /// The longest time in which nobody spoke, in seconds.
    LongestSilence,
    /// Success or failure, as the agent said with a tag.
    Outcome,
    /// Messages with words of the caller.
    CallerTurns,
    /// Messages with words of the agent.
    AgentTurns,
    /// How often the agent stopped although nobody interrupted it.
    FalseInterruptions,
    /// Seconds that the agent spoke.
    AgentTalkTime,
    /// Seconds that the caller spoke.
    CallerTalkTime,
    /// Seconds of silence between the first and the last word.
    Silence,
    /// Seconds of silences that were longer than 3 seconds.
    DeadAir,
    /// Seconds from the caller's joining to the agent's first word.
    FirstWordAfter,
    /// The 95th percentile of the response latency, in seconds.
    ResponseLatencyP95,
    /// The longest response latency, in seconds.
    ResponseLatencyMax,
    /// Seconds to the model's first token, the median.
    LlmTtft,
    /// Seconds from the first token to the first sound of the voice, the median.
    TtsTtfb,
    /// Seconds to the decision that the caller's turn is over, the median.
    EndOfTurnDelay,
    /// Tokens that models read.
    InputTokens,
    /// Tokens that models wrote.
    OutputTokens,
    /// Tokens that models read from a cache.
    CachedTokens,
    /// Characters that were spoken.
    TtsCharacters,
    /// Minutes of sound that were transcribed.
    SttMinutes,
    /// Calls of tools.
    ToolsCalled,
    /// Calls of tools that failed.
    ToolsFailed,
    /// Languages that were recognized.
    Languages,
    /// The speech recognizer's confidence, the mean, from 0 to 1.
    SttConfidence,
    /// Errors by stage, as `llm 1`.
    Errors,
    /// The session's tags, without its outcome.
    Tags,
    /// The agent's name in its report.
    AgentName,
    /// The models that were used.
    Models,
    /// Inbound or Outbound, of a phone call.
    Direction,
    /// What the models cost in US dollars, by the price list of PRICES_FILE.
    Cost,
}

/// What the values of a figure are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FigureKind {
    /// One of these texts.
    Choice(Vec<&'static str>),
    Number,
    Text,
    Texts,
}

/// The choices of `direction`.
pub(super) const DIRECTIONS: [&str; 2] = ["Inbound", "Outbound"];

impl Figure {
    /// Every figure: first those that the table has by default.
    pub const ALL: [Figure; 36] = [
        Figure::EndReason,
        Figure::EndedBy,
        Figure::Turns,
        Figure::Interruptions,
        Figure::ResponseLatency,
        Figure::TalkShare,
        Figure::LongestSilence,
        Figure::Outcome,
        Figure::CallerTurns,
        Figure::AgentTurns,
        Figure::FalseInterruptions,
        Figure::AgentTalkTime,
        Figure::CallerTalkTime,
        Figure::Silence,
        Figure::DeadAir,
        Figure::FirstWordAfter,
        Figure::ResponseLatencyP95,
        Figure::ResponseLatencyMax,
        Figure::LlmTtft,
        Figure::TtsTtfb,
        Figure::EndOfTurnDelay,
        Figure::InputTokens,
        Figure::OutputTokens,
        Figure::CachedTokens,
        Figure::TtsCharacters,
        Figure::SttMinutes,
        Figure::ToolsCalled,
        Figure::ToolsFailed,
        Figure::Languages,
        Figure::SttConfidence,
        Figure::Errors,
        Figure::Tags,
        Figure::AgentName,
        Figure::Models,
        Figure::Direction,
        Figure::Cost,
    ];

    /// Its name: `figures.NAME` in the schema file, and the key in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Figure::EndReason => "end_reason",
            Figure::EndedBy => "ended_by",
            Figure::Turns => "turns",
            Figure::Interruptions => "interruptions",
            Figure::ResponseLatency => "response_latency",
            Figure::TalkShare => "talk_share",
            Figure::LongestSilence => "longest_silence",
            Figure::Outcome => "outcome",
            Figure::CallerTurns => "caller_turns",
            Figure::AgentTurns => "agent_turns",
            Figure::FalseInterruptions => "false_interruptions",
            Figure::AgentTalkTime => "agent_talk_time",
            Figure::CallerTalkTime => "caller_talk_time",
            Figure::Silence => "silence",
            Figure::DeadAir => "dead_air",
            Figure::FirstWordAfter => "first_word_after",
            Figure::ResponseLatencyP95 => "response_latency_p95",
            Figure::ResponseLatencyMax => "response_latency_max",
            Figure::LlmTtft => "llm_ttft",
            Figure::TtsTtfb => "tts_ttfb",
            Figure::EndOfTurnDelay => "end_of_turn_delay",
            Figure::InputTokens => "input_tokens",
            Figure::OutputTokens => "output_tokens",
            Figure::CachedTokens => "cached_tokens",
            Figure::TtsCharacters => "tts_characters",
            Figure::SttMinutes => "stt_minutes",
            Figure::ToolsCalled => "tools_called",
            Figure::ToolsFailed => "tools_failed",
            Figure::Languages => "languages",
            Figure::SttConfidence => "stt_confidence",
            Figure::Errors => "errors",
            Figure::Tags => "tags",
            Figure::AgentName => "agent_name",
            Figure::Models => "models",
            Figure::Direction => "direction",
            Figure::Cost => "cost",
        }
    }

    /// What its values are.
    pub fn kind(self) -> FigureKind {
        match self {
            Figure::EndReason => FigureKind::Choice(EndReason::ALL.map(EndReason::label).into()),
            Figure::EndedBy => FigureKind::Choice(EndedBy::ALL.map(EndedBy::label).into()),
            Figure::Outcome => FigureKind::Choice(Outcome::ALL.map(Outcome::label).into()),
            Figure::Direction => FigureKind::Choice(DIRECTIONS.into()),
            Figure::AgentName => FigureKind::Text,
            Figure::Languages | Figure::Errors | Figure::Tags | Figure::Models => FigureKind::Texts,
            Figure::Turns
            | Figure::Interruptions
            | Figure::ResponseLatency
            | Figure::TalkShare
            | Figure::LongestSilence
            | Figure::CallerTurns
            | Figure::AgentTurns
            | Figure::FalseInterruptions
            | Figure::AgentTalkTime
            | Figure::CallerTalkTime
            | Figure::Silence
            | Figure::DeadAir
            | Figure::FirstWordAfter
            | Figure::ResponseLatencyP95
            | Figure::ResponseLatencyMax
            | Figure::LlmTtft
            | Figure::TtsTtfb
            | Figure::EndOfTurnDelay
            | Figure::InputTokens
            | Figure::OutputTokens
            | Figure::CachedTokens
            | Figure::TtsCharacters
            | Figure::SttMinutes
            | Figure::ToolsCalled
            | Figure::ToolsFailed
            | Figure::SttConfidence
            | Figure::Cost => FigureKind::Number,
        }
    }
}

impl FromStr for Figure {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Figure, UnknownName> {
        by_name(&Figure::ALL, Figure::name, name)
    }
}
