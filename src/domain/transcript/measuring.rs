//! Gathers what a report measured, from the items of its conversation and from its events.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    close_reason::CloseReason,
    measures::{Delay, Measures, STAGES, Span},
    report::Turn,
    time::{Moment, moment},
    turn::Item,
};
use crate::domain::hash::hash;

/// The maximum number of each kind of measurement; the call of a whole day has fewer.
const MOST: usize = 8_192;
/// The maximum number of languages, and of bytes of one's name.
const MOST_LANGUAGES: usize = 16;
const LONGEST_LANGUAGE: usize = 35;
/// The longest turn or delay that can be meant, in milliseconds.
const LONGEST: i64 = 24 * 3_600_000;

impl Measures {
    /// Adds an item of the conversation, as it came and as it was read.
    pub(super) fn add_item(&mut self, value: &Value, item: &Item) {
        let Some(fields) = value.as_object() else {
            return;
        };
        let id = || match fields.get("id").and_then(Value::as_str) {
            Some(id) => hash(&id),
            None => hash(&value.to_string()),
        };
        match fields.get("type").and_then(Value::as_str) {
            Some("function_call") => self.add_tool(fields, id()),
            Some("function_call_output") => {
                let is_error = first(fields, &["is_error", "isError"]);
                if is_error == Some(&Value::Bool(true)) {
                    insert(&mut self.failed_tools, id());
                }
            }
            _ => {}
        }
        if let Item::Turn(turn) = item {
            self.add_turn(fields, turn, &id);
        }
    }

    fn add_tool(&mut self, fields: &Map<String, Value>, id: u64) {
        insert(&mut self.tools, id);
        let created = first(fields, &["created_at", "createdAt"]);
        if let Some(Moment::At(at)) = created.and_then(moment)
            && self.tool_times.len() < MOST
        {
            self.tool_times.insert(id, at.as_millisecond());
        }
    }

    fn add_turn(&mut self, fields: &Map<String, Value>, turn: &Turn, id: &dyn Fn() -> u64) {
        let metrics = fields.get("metrics").and_then(Value::as_object);
        let span = match metrics {
            Some(metrics) => spoken(metrics),
            None => timed(turn),
        };
        let is_known = turn.label.is_none();
        if let Some((start, end)) = span.filter(|_| is_known && self.spans.len() < MOST) {
            let speaker = turn.speaker;
            self.spans.push(Span {
                speaker,
                start,
                end,
            });
        }
        let delays = [
            (&mut self.latencies, ["e2e_latency", "e2eLatency"]),
            (&mut self.llm_delays, ["llm_node_ttft", "llmNodeTtft"]),
            (&mut self.tts_delays, ["tts_node_ttfb", "ttsNodeTtfb"]),
            (
                &mut self.turn_delays,
                ["end_of_turn_delay", "endOfTurnDelay"],
            ),
        ];
        for (list, names) in delays {
            let value = metrics.and_then(|metrics| first(metrics, &names));
            push(list, id, value);
        }
        let names = ["transcript_confidence", "transcriptConfidence"];
        push(&mut self.confidences, id, first(fields, &names));
    }

    /// Adds an event of the session.
    pub(super) fn add_event(&mut self, event: &Value) {
        let Some(fields) = event.as_object() else {
            return;
        };
        match fields.get("type").and_then(Value::as_str) {
            Some("close") => {
                let reason = fields.get("reason").and_then(CloseReason::read);
                self.closed = reason.or(self.closed);
            }
            Some("overlapping_speech") => {
                let is_interruption = first(fields, &["is_interruption", "isInterruption"]);
                self.interruptions += u64::from(is_interruption == Some(&Value::Bool(true)));
            }
            Some("agent_false_interruption") => self.false_interruptions += 1,
            Some("user_input_transcribed") => self.add_language(fields),
            Some("error") => self.add_error(fields),
            _ => {}
        }
    }

    fn add_language(&mut self, fields: &Map<String, Value>) {
        let is_final = first(fields, &["is_final", "isFinal"]) != Some(&Value::Bool(false));
        let language = fields.get("language").and_then(Value::as_str);
        let language = language.map(str::trim).filter(|language| {
            is_final && !language.is_empty() && language.len() <= LONGEST_LANGUAGE
        });
        if let Some(language) = language
            && self.languages.len() < MOST_LANGUAGES
        {
            self.languages.insert(language.to_owned());
        }
    }

    fn add_error(&mut self, fields: &Map<String, Value>) {
        let kind = fields.get("error").and_then(|error| error.get("type"));
        let kind = kind.and_then(Value::as_str).unwrap_or_default();
        let Some((stage, _)) = STAGES.iter().find(|(_, known)| *known == kind) else {
            return;
        };
        match self.errors.iter_mut().find(|(known, _)| known == stage) {
            Some((_, count)) => *count += 1,
            None => self.errors.push((stage, 1)),
        }
    }
}

/// The first of these fields that is there and not null.
fn first<'a>(fields: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    let mut found = names.iter().filter_map(|name| fields.get(*name));
    found.find(|value| !value.is_null())
}

/// When the words were spoken, by the SDK's metrics: both ends, or nothing.
fn spoken(metrics: &Map<String, Value>) -> Option<(i64, i64)> {
    let at = |names: [&str; 2]| match first(metrics, &names).and_then(moment)? {
        Moment::At(at) => Some(at.as_millisecond()),
        Moment::Offset(_) => None,
    };
    let start = at(["started_speaking_at", "startedSpeakingAt"])?;
    let end = at(["stopped_speaking_at", "stoppedSpeakingAt"])?;
    Some((start, end)).filter(|(start, end)| (1..=LONGEST).contains(&(end - start)))
}

/// When the words were spoken, in a report without metrics that has both ends.
fn timed(turn: &Turn) -> Option<(i64, i64)> {
    let start = turn.at.map(|at| at.as_millisecond()).or(turn.offset_ms)?;
    let length = turn
        .length_ms
        .filter(|length| (1..=LONGEST).contains(length))?;
    Some((start, start.checked_add(length)?))
}

/// Adds seconds, or a share, as thousandths.
fn push(list: &mut Vec<Delay>, item: &dyn Fn() -> u64, value: Option<&Value>) {
    let thousandths = value.and_then(Value::as_f64).map(|value| value * 1e3);
    let thousandths = thousandths.filter(|value| (0.0..=LONGEST as f64).contains(value));
    if let Some(value) = thousandths.filter(|_| list.len() < MOST) {
        list.push(Delay {
            item: item(),
            milliseconds: value.round() as u32,
        });
    }
}

fn insert(items: &mut BTreeSet<u64>, id: u64) {
    if items.len() < MOST {
        items.insert(id);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::transcript::{speaker::Speaker, turn::item};

    fn measured(values: &[Value]) -> Measures {
        let mut measures = Measures::default();
        for value in values {
            measures.add_item(value, &item(value));
        }
        measures
    }

    fn message(role: &str, metrics: Value) -> Value {
        json!({ "id": "item_1", "type": "message", "role": role, "content": ["Hi."], "metrics": metrics, "created_at": 1763884801.0 })
    }

    #[test]
    fn both_spellings_of_metrics_are_read() {
        let snake = json!({ "started_speaking_at": 1763884801.0, "stopped_speaking_at": 1763884804.2, "e2e_latency": 0.84 });
        let camel = json!({ "startedSpeakingAt": 1763884801.0, "stoppedSpeakingAt": 1763884804.2, "e2eLatency": 0.84 });
        for metrics in [snake, camel] {
            let measures = measured(&[message("assistant", metrics)]);
            let [span] = measures.spans.as_slice() else {
                panic!("{measures:?}");
            };
            assert_eq!(
                (span.speaker, span.end - span.start),
                (Speaker::Agent, 3_200)
            );
            assert_eq!(measures.latencies[0].milliseconds, 840);
        }
    }

    #[test]
    fn metrics_without_both_ends_give_no_span() {
        for metrics in [
            json!({}),
            json!({ "stopped_speaking_at": 1763884804.2 }),
            json!({ "started_speaking_at": 1763884804.2, "stopped_speaking_at": 1763884801.0 }),
            json!({ "started_speaking_at": 1.0, "stopped_speaking_at": 1763884801.0, "e2e_latency": -1 }),
            json!({ "started_speaking_at": null, "stopped_speaking_at": "soon", "e2e_latency": "x" }),
        ] {
            let measures = measured(&[message("user", metrics)]);
            assert_eq!(measures, Measures::default());
        }
    }

    #[test]
    fn tools_are_called_at_a_time() {
        let at = |id: &str, created_at: Value| json!({ "id": id, "type": "function_call", "name": "book", "created_at": created_at });
        let values = [
            at("1", json!(1763884801.5)),
            at("2", json!(1763884802500_i64)),
            at("3", json!("x")),
        ];
        let measures = measured(&values);
        let mut times: Vec<i64> = measures.tool_times.into_values().collect();
        times.sort_unstable();
        assert_eq!(times, [1_763_884_801_500, 1_763_884_802_500]);
        assert_eq!(measures.tools.len(), 3);
    }

    #[test]
    fn the_space_is_bounded() {
        let metrics = json!({ "started_speaking_at": 1763884801.0, "stopped_speaking_at": 1763884804.2, "e2e_latency": 0.84 });
        let all = vec![message("assistant", metrics); MOST + 10];
        let measures = measured(&all);
        assert_eq!(
            (measures.spans.len(), measures.latencies.len()),
            (MOST, MOST)
        );
    }
}
