//! Kinds of events that tell who speaks: `user-transcription` (Pipecat), `outputTranscription` (Gemini Live),
//! `conversation.item.input_audio_transcription.completed` (OpenAI Realtime).

use super::{
    field_name::name_words,
    label::{Label, label},
    report::Speaker,
};

/// Last words of kinds whose text comes again, as a whole.
const INTERIM: [&str; 3] = ["delta", "partial", "interim"];
/// The longest name of a kind, in bytes.
const LONGEST: usize = 80;

/// The speaker of a kind of transcription. `Unknown` for other kinds.
pub(super) fn by_kind(kind: &str) -> Label {
    if kind.len() > LONGEST {
        return Label::Unknown;
    }
    let words = name_words(kind);
    if !words.iter().any(|word| word.starts_with("transcri")) {
        return Label::Unknown;
    }
    if words
        .last()
        .is_some_and(|last| INTERIM.contains(&last.as_str()))
    {
        return Label::Silent;
    }
    let mut speakers = words.iter().filter_map(|word| match word.as_str() {
        "input" => Some(Speaker::Caller),
        "output" | "response" => Some(Speaker::Agent),
        word => match label(word) {
            Label::Speaker(speaker) => Some(speaker),
            _ => None,
        },
    });
    match speakers.next() {
        Some(first) if speakers.all(|other| other == first) => Label::Speaker(first),
        _ => Label::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_transcriptions_tell_who_speaks() {
        let cases = [
            ("user-transcription", Label::Speaker(Speaker::Caller)),
            ("user_input_transcribed", Label::Speaker(Speaker::Caller)),
            (
                "conversation.item.input_audio_transcription.completed",
                Label::Speaker(Speaker::Caller),
            ),
            ("bot-transcription", Label::Speaker(Speaker::Agent)),
            (
                "response.output_audio_transcript.done",
                Label::Speaker(Speaker::Agent),
            ),
            ("outputTranscription", Label::Speaker(Speaker::Agent)),
            ("response.audio_transcript.delta", Label::Silent),
            ("transcription", Label::Unknown),
            ("agent_user_transcript", Label::Unknown),
            ("response.done", Label::Unknown),
        ];
        for (kind, meaning) in cases {
            assert_eq!(by_kind(kind), meaning, "{kind}");
        }
    }
}
