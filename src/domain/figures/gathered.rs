//! The figures of a call, from what was gathered of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::{
    delays::{mean, median, percentile_95, sorted},
    end_reason::{EndReason, Evidence},
    figure::{DIRECTIONS, Figure},
    outcome::{Outcome, tags},
    prices::Prices,
    speech::Speech,
    usage::Usage,
    value::FigureValue,
};
use crate::domain::transcript::{Delay, Measures, Report, Speaker, Transcript, stages};

/// Tags that are listed.
const MOST_TAGS: usize = 100;

/// What the figures of a call follow from.
#[derive(Debug)]
pub struct Gathered<'a> {
    /// Of its agents; not empty, the newest first.
    pub reports: Vec<&'a Report>,
    /// The conversation of all of them.
    pub transcript: &'a Transcript,
    pub evidence: Evidence,
    pub outcome: Option<Outcome>,
    /// When the caller joined.
    pub joined_at: Option<Timestamp>,
    /// Whether a phone called or was called; `None` in a call without a phone.
    pub is_inbound: Option<bool>,
    /// When the call began.
    pub began_at: Option<Timestamp>,
    /// Without a price list, the cost is unknown.
    pub prices: Option<&'a Prices>,
}

/// The figures of a call; those that are unknown are left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    known: BTreeMap<Figure, FigureValue>,
    unpriced: BTreeSet<String>,
}

impl Figures {
    /// The value of a figure.
    pub fn get(&self, figure: Figure) -> Option<&FigureValue> {
        self.known.get(&figure)
    }

    /// What was used and has no price in the price list, so that the cost is unknown: model and unit, for people.
    pub fn unpriced(&self) -> &BTreeSet<String> {
        &self.unpriced
    }

    /// Every figure by its name, as in the schema file behind `figures.`; null where it is unknown.
    pub fn by_name(&self) -> impl Iterator<Item = (&'static str, Value)> {
        Figure::ALL.into_iter().map(|figure| {
            let value = self.get(figure);
            let json = value.map_or(Value::Null, FigureValue::to_json);
            (figure.name(), json)
        })
    }

    /// The figures that follow from this.
    pub fn of(gathered: &Gathered<'_>) -> Figures {
        let mut figures = Figures::default();
        figures.add_end(gathered);
        figures.add_turns(gathered);
        figures.add_speech(gathered);
        figures.add_delays(gathered);
        figures.add_usage(gathered);
        figures.add_tools(gathered);
        figures.add_reported(gathered);
        figures
    }

    fn set(&mut self, figure: Figure, value: Option<FigureValue>) {
        if let Some(value) = value {
            self.known.insert(figure, value);
        }
    }

    fn set_text(&mut self, figure: Figure, text: Option<&str>) {
        self.set(figure, text.map(|text| FigureValue::Text(text.to_owned())));
    }

    fn add_end(&mut self, gathered: &Gathered<'_>) {
        let reason = EndReason::of(&gathered.evidence);
        self.set_text(Figure::EndReason, reason.map(EndReason::label));
        let by = reason.map(|reason| reason.ended_by().label());
        self.set_text(Figure::EndedBy, by);
        let [inbound, outbound] = DIRECTIONS;
        let direction = gathered.is_inbound;
        let direction = direction.map(|is_inbound| if is_inbound { inbound } else { outbound });
        self.set_text(Figure::Direction, direction);
    }

    /// Of a plain text nobody knows how many messages it was.
    fn add_turns(&mut self, gathered: &Gathered<'_>) {
        let Transcript::Turns(turns) = gathered.transcript else {
            return;
        };
        let count = |count: usize| Some(FigureValue::Count(count as u64));
        let of = |speaker| turns.iter().filter(move |turn| turn.speaker == speaker);
        self.set(Figure::Turns, count(turns.len()));
        self.set(Figure::AgentTurns, count(of(Speaker::Agent).count()));
        self.set(Figure::CallerTurns, count(of(Speaker::Caller).count()));
        let interrupted = turns.iter().filter(|turn| turn.interrupted).count() as u64;
        // A detector also hears interruptions before the first word of an answer.
        let heard = gathered.sum(|measures| measures.interruptions);
        let interruptions = FigureValue::Count(interrupted.max(heard));
        self.set(Figure::Interruptions, Some(interruptions));
        let false_ones = gathered.sum(|measures| measures.false_interruptions);
        let false_ones = FigureValue::Count(false_ones);
        self.set(Figure::FalseInterruptions, Some(false_ones));
    }

    fn add_speech(&mut self, gathered: &Gathered<'_>) {
        let spans = gathered.measures().flat_map(|measures| &measures.spans);
        let speech = Speech::of(spans);
        if speech.is_empty() {
            return;
        }
        let seconds = |milliseconds: i64| Some(FigureValue::thousandths(milliseconds as f64));
        let share = speech.share();
        let share = share.map(|share| FigureValue::thousandths(share * 1e3));
        self.set(Figure::TalkShare, share);
        let silence = speech.longest_silence().and_then(seconds);
        self.set(Figure::LongestSilence, silence);
        self.set(Figure::Silence, seconds(speech.silence()));
        self.set(Figure::DeadAir, seconds(speech.dead_air()));
        let of = |speaker| seconds(speech.talk_time(speaker));
        self.set(Figure::AgentTalkTime, of(Speaker::Agent));
        self.set(Figure::CallerTalkTime, of(Speaker::Caller));
        let joined = gathered.joined_at.map(|at| at.as_millisecond());
        let after = speech.first_word().zip(joined);
        // The agent's clock may be behind.
        let after = after.map(|(word, joined)| (word - joined).max(0));
        self.set(Figure::FirstWordAfter, after.and_then(seconds));
    }

    fn add_delays(&mut self, gathered: &Gathered<'_>) {
        let thousandths = |value: Option<f64>| value.map(FigureValue::thousandths);
        let latencies = gathered.sorted(|measures| &measures.latencies);
        let longest = latencies.last().copied().map(f64::from);
        self.set(Figure::ResponseLatency, thousandths(median(&latencies)));
        let high = thousandths(percentile_95(&latencies));
        self.set(Figure::ResponseLatencyP95, high);
        self.set(Figure::ResponseLatencyMax, thousandths(longest));
        type Part = fn(&Measures) -> &Vec<Delay>;
        let parts: [(Figure, Part); 3] = [
            (Figure::LlmTtft, |measures| &measures.llm_delays),
            (Figure::TtsTtfb, |measures| &measures.tts_delays),
            (Figure::EndOfTurnDelay, |measures| &measures.turn_delays),
        ];
        for (figure, part) in parts {
            self.set(figure, thousandths(median(&gathered.sorted(part))));
        }
        let confidences = gathered.sorted(|measures| &measures.confidences);
        self.set(Figure::SttConfidence, thousandths(mean(&confidences)));
    }

    fn add_usage(&mut self, gathered: &Gathered<'_>) {
        let usage = Usage::of(gathered.reports.iter().copied());
        if let Some(tokens) = usage.llm {
            let count = |count| Some(FigureValue::Count(count));
            self.set(Figure::InputTokens, count(tokens.input));
            self.set(Figure::OutputTokens, count(tokens.output));
            self.set(Figure::CachedTokens, count(tokens.cached));
        }
        self.set(Figure::TtsCharacters, usage.tts.map(FigureValue::Count));
        let minutes = usage.stt.map(|seconds| seconds / 60.0);
        let minutes = minutes.map(|minutes| FigureValue::thousandths(minutes * 1e3));
        self.set(Figure::SttMinutes, minutes);
        if let Some(prices) = gathered.prices {
            let day = gathered
                .began_at
                .map(|at| TimeZone::UTC.to_datetime(at).date());
            let cost = prices.cost(&usage.entries, day);
            self.set(Figure::Cost, cost.usd.map(FigureValue::dollars));
            self.unpriced = cost.unpriced;
        }
        let models = usage.models.into_iter().collect();
        self.set(Figure::Models, FigureValue::texts(models));
    }

    fn add_tools(&mut self, gathered: &Gathered<'_>) {
        if !matches!(gathered.transcript, Transcript::Turns(_)) {
            return;
        }
        let count = |of: fn(&Measures) -> &BTreeSet<u64>| {
            let all: BTreeSet<u64> = gathered.measures().flat_map(of).copied().collect();
            Some(FigureValue::Count(all.len() as u64))
        };
        self.set(Figure::ToolsCalled, count(|measures| &measures.tools));
        self.set(
            Figure::ToolsFailed,
            count(|measures| &measures.failed_tools),
        );
    }

    /// What the reports say in so many words.
    fn add_reported(&mut self, gathered: &Gathered<'_>) {
        let reports = || gathered.reports.iter().copied();
        self.set_text(Figure::Outcome, gathered.outcome.map(Outcome::label));
        let is_other = |tag: &&str| Outcome::of_tag(tag).is_none();
        let tags: BTreeSet<&str> = reports().flat_map(tags).filter(is_other).collect();
        let tags = tags.into_iter().take(MOST_TAGS).map(str::to_owned);
        self.set(Figure::Tags, FigureValue::texts(tags.collect()));
        let name = reports().find_map(|report| {
            let name = report.fields.get("agent_name")?.as_str()?.trim();
            Some(name).filter(|name| !name.is_empty())
        });
        self.set_text(Figure::AgentName, name);
        let languages = gathered.measures().flat_map(|measures| &measures.languages);
        let languages: BTreeSet<&String> = languages.collect();
        let languages = languages.into_iter().cloned().collect();
        self.set(Figure::Languages, FigureValue::texts(languages));
        let counts = stages().map(|stage| (stage, reports().map(|it| errors(it, stage)).sum()));
        let counts = counts.filter(|(_, count): &(_, u64)| *count > 0);
        let counts = counts.map(|(stage, count)| format!("{stage} {count}"));
        self.set(Figure::Errors, FigureValue::texts(counts.collect()));
    }
}

impl<'a> Gathered<'a> {
    fn measures(&self) -> impl Iterator<Item = &'a Measures> {
        self.reports.iter().map(|report| &report.measures)
    }

    fn sum(&self, of: fn(&Measures) -> u64) -> u64 {
        self.measures().map(of).sum()
    }

    fn sorted(&self, of: fn(&Measures) -> &Vec<Delay>) -> Vec<u32> {
        sorted(self.measures().flat_map(of))
    }
}

/// The errors of a stage, as the report counts them, else by its events.
fn errors(report: &Report, stage: &str) -> u64 {
    let counted = report.fields.get("errors").and_then(|all| all.get(stage));
    let by_event = || {
        let mut errors = report.measures.errors.iter();
        errors.find_map(|(name, count)| (*name == stage).then_some(*count))
    };
    let counted = counted.and_then(Value::as_u64);
    counted.or_else(by_event).unwrap_or(0)
}
