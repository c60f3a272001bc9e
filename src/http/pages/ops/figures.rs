//! The figures of a call, named for people who do not know what they are computed from.

use maud::{Markup, html};
use serde_json::Value;

use crate::{domain::figures::Figure, view::CallDetailView};

/// The figures that are known, as they are in the row.
pub(super) fn figures(view: &CallDetailView<'_>) -> Markup {
    let Some(figures) = &view.figures else {
        return html! {};
    };
    let named = |(name, value): (&str, _)| Some((name.parse::<Figure>().ok()?, value));
    let values = figures.values();
    let mut known: Vec<(Figure, &Value)> = values.filter_map(named).collect();
    known.sort_by_key(|(figure, _)| *figure);
    html! {
        section.card aria-labelledby="figures" {
            h2 #figures { "Figures" }
            @if known.is_empty() { p.empty { "The agent's report has none." } }
            dl.list {
                @for (figure, value) in known {
                    dt { (label(figure)) }
                    dd data-figure=(figure.name()) data-value=(value) { (text(figure, value)) }
                }
            }
        }
    }
}

/// Its name in plain words.
fn label(figure: Figure) -> &'static str {
    match figure {
        Figure::EndReason => "How it ended",
        Figure::EndedBy => "Ended by",
        Figure::Turns => "Turns",
        Figure::Interruptions => "Interruptions",
        Figure::ResponseLatency => "Response time, median",
        Figure::ResponseLatencyP95 => "Response time, 95 %",
        Figure::ResponseLatencyMax => "Response time, longest",
        Figure::TalkShare => "Agent's share of speech",
        Figure::LongestSilence => "Longest silence",
        Figure::Outcome => "Outcome",
        Figure::CallerTurns => "Caller's turns",
        Figure::AgentTurns => "Agent's turns",
        Figure::FalseInterruptions => "False interruptions",
        Figure::AgentTalkTime => "Agent spoke",
        Figure::CallerTalkTime => "Caller spoke",
        Figure::Silence => "Silence in all",
        Figure::DeadAir => "Silences over 3 s",
        Figure::FirstWordAfter => "Agent's first word after",
        Figure::LlmTtft => "Model's first token after",
        Figure::TtsTtfb => "Voice's first sound after",
        Figure::EndOfTurnDelay => "End of turn noticed after",
        Figure::InputTokens => "Tokens read",
        Figure::OutputTokens => "Tokens written",
        Figure::CachedTokens => "Tokens read from cache",
        Figure::TtsCharacters => "Characters spoken",
        Figure::SttMinutes => "Minutes transcribed",
        Figure::ToolsCalled => "Tools called",
        Figure::ToolsFailed => "Tools failed",
        Figure::Languages => "Languages",
        Figure::SttConfidence => "Transcription's confidence",
        Figure::Errors => "Errors",
        Figure::Tags => "Tags",
        Figure::AgentName => "Agent's name",
        Figure::Models => "Models",
        Figure::Direction => "Direction",
        Figure::Cost => "Cost",
    }
}

/// A figure as Airtable shows it: shares in percent, times in seconds.
fn text(figure: Figure, value: &Value) -> String {
    match (value, value.as_f64()) {
        (_, Some(number)) => number_text(figure, number, value),
        (Value::String(text), _) => text.clone(),
        (Value::Array(texts), _) => {
            let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
            texts.join(", ")
        }
        (other, _) => other.to_string(),
    }
}

fn number_text(figure: Figure, number: f64, value: &Value) -> String {
    match figure {
        Figure::TalkShare | Figure::SttConfidence => format!("{:.1}\u{202f}%", number * 100.0),
        Figure::SttMinutes => format!("{number:.2}\u{202f}min"),
        Figure::LongestSilence
        | Figure::AgentTalkTime
        | Figure::CallerTalkTime
        | Figure::Silence
        | Figure::DeadAir
        | Figure::FirstWordAfter
        | Figure::LlmTtft
        | Figure::TtsTtfb
        | Figure::EndOfTurnDelay
        | Figure::ResponseLatency
        | Figure::ResponseLatencyP95
        | Figure::ResponseLatencyMax => seconds(number),
        _ => value.to_string(),
    }
}

/// To the millisecond, without zeros at the end.
fn seconds(number: f64) -> String {
    let text = format!("{number:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}\u{202f}s")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_shown_with_their_units() {
        for (figure, value, shown) in [
            (Figure::TalkShare, json!(0.667), "66.7\u{202f}%"),
            (Figure::LlmTtft, json!(0.42), "0.42\u{202f}s"),
            (Figure::LongestSilence, json!(4), "4\u{202f}s"),
            (Figure::Turns, json!(12), "12"),
            (Figure::Models, json!(["a", "b"]), "a, b"),
            (Figure::Outcome, json!("Success"), "Success"),
        ] {
            assert_eq!(text(figure, &value), shown);
        }
    }
}
