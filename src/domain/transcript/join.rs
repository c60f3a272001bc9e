//! Merges the reports of all of the agents' jobs into the conversation of a call.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    diarized::voice,
    markup::spoken,
    plain::plain,
    report::{Report, Speaker, Transcript, Turn},
};

/// Turns of two jobs with the same words within this time are the same turn: both jobs heard the caller.
const SAME_TURN: SignedDuration = SignedDuration::from_secs(2);
/// How many turns back such a duplicate is looked for.
const NEAR: usize = 16;

/// Whether a conversation can be shown as it was reported: all speakers are known, and a text has no markup.
pub fn is_complete(transcript: &Transcript) -> bool {
    match transcript {
        Transcript::Turns(turns) => turns.iter().all(|turn| turn.label.is_none()),
        // The agent's lines may have markup.
        Transcript::Text(text) => !text.contains(['<', '[']),
    }
}

/// One conversation from all reports, by time. `speaker` resolves a label; turns with another label are left out, except
/// those of a voice that has only a number.
/// `start`: when the recording began.
pub fn join(
    reports: &[&Report],
    speaker: impl Fn(&str) -> Option<Speaker>,
    start: Option<Timestamp>,
) -> Transcript {
    let mut reports: Vec<&Report> = reports.to_vec();
    // Without times, the reports stay in the order in which they arrived.
    if reports.iter().all(|report| begin(report, start).is_some()) {
        reports.sort_by_key(|report| begin(report, start));
    }
    let texts = reports
        .iter()
        .any(|report| matches!(report.transcript, Transcript::Text(_)));
    if texts {
        let texts = reports.iter().map(|report| match &report.transcript {
            Transcript::Text(text) => plain(text, &speaker),
            Transcript::Turns(_) => Transcript::Turns(named(report, &speaker)).text(),
        });
        let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
        return Transcript::Text(texts.join("\n"));
    }
    // Merging needs much memory, and one conversation stays as it is.
    if let [only] = reports.as_slice() {
        return Transcript::Turns(named(only, &speaker));
    }
    let conversations: Vec<Vec<Turn>> = reports
        .iter()
        .map(|report| named(report, &speaker))
        .collect();
    Transcript::Turns(merge(without_copies(conversations), start))
}

/// When a turn began, by the clock.
fn time_of(turn: &Turn, start: Option<Timestamp>) -> Option<Timestamp> {
    let offset = || {
        let offset = SignedDuration::from_millis(turn.offset_ms?);
        start?.checked_add(offset).ok()
    };
    turn.at.or_else(offset)
}

fn begin(report: &Report, start: Option<Timestamp>) -> Option<Timestamp> {
    let first = match &report.transcript {
        Transcript::Turns(turns) => turns.iter().find_map(|turn| time_of(turn, start)),
        Transcript::Text(_) => None,
    };
    first.or(report.at)
}

/// The turns whose speaker is known, or is a voice that a speech recognizer distinguished: those keep a label.
fn named(report: &Report, speaker: impl Fn(&str) -> Option<Speaker>) -> Vec<Turn> {
    let Transcript::Turns(turns) = &report.transcript else {
        return Vec::new();
    };
    let turns = turns.iter().filter_map(|turn| {
        let mut turn = turn.clone();
        let Some(label) = turn.label.take() else {
            return Some(turn);
        };
        let words_at = turn.words_at.take();
        let known = speaker(&label);
        turn.label = voice(&label).filter(|_| known.is_none()).map(Into::into);
        match (known, words_at) {
            (None, None) if turn.label.is_none() => return None,
            (None, Some(_)) if turn.label.is_none() => turn.speaker = Speaker::Caller,
            (known, words_at) => {
                turn.speaker = known.unwrap_or(Speaker::Caller);
                let words = turn.text.get(words_at.unwrap_or(0) as usize..);
                turn.text = words.unwrap_or_default().to_owned();
            }
        }
        if turn.speaker == Speaker::Agent {
            turn.text = spoken(&turn.text).into_owned();
        }
        (!turn.text.is_empty()).then_some(turn)
    });
    turns.collect()
}

/// Removes conversations that another report repeats as its beginning: a job may take over another's history.
fn without_copies(conversations: Vec<Vec<Turn>>) -> Vec<Vec<Turn>> {
    let mut kept: Vec<Vec<Turn>> = Vec::new();
    for conversation in conversations {
        let begins_with = |long: &[Turn], short: &[Turn]| {
            let mut pairs = short.iter().zip(long);
            short.len() <= long.len() && pairs.all(|(a, b)| is_same(a, b))
        };
        kept.retain(|earlier| !begins_with(&conversation, earlier));
        if !kept.iter().any(|longer| begins_with(longer, &conversation)) {
            kept.push(conversation);
        }
    }
    kept
}

fn is_same(a: &Turn, b: &Turn) -> bool {
    a.speaker == b.speaker && a.label == b.label && a.text == b.text
}

/// A turn of one of the jobs.
struct Timed {
    at: Timestamp,
    job: usize,
    /// If false, `at` is the time of the turn before it.
    has_time: bool,
    turn: Turn,
}

/// Merges by time; a turn without a time follows the turn before it.
fn merge(conversations: Vec<Vec<Turn>>, start: Option<Timestamp>) -> Vec<Turn> {
    let mut all: Vec<Timed> = Vec::new();
    let mut before = Timestamp::MIN;
    for (job, conversation) in conversations.into_iter().enumerate() {
        let mut latest = Timestamp::MIN;
        for turn in conversation {
            let own = time_of(&turn, start);
            before = own.unwrap_or(before);
            // Within a job, the order of the report is kept, even if its clock was set back.
            latest = latest.max(before);
            all.push(Timed {
                at: latest,
                job,
                has_time: own.is_some(),
                turn,
            });
        }
    }
    all.sort_by_key(|timed| timed.at);
    let mut merged: Vec<Timed> = Vec::with_capacity(all.len());
    // The job that has each item of a history first.
    let mut owners: HashMap<Box<str>, usize> = HashMap::new();
    for timed in all {
        let item = timed.turn.item.clone();
        let owner = item.map(|item| *owners.entry(item).or_insert(timed.job));
        if owner.is_some_and(|owner| owner != timed.job) {
            continue;
        }
        if !merged
            .iter()
            .rev()
            .take(NEAR)
            .any(|other| is_copy(&timed, other))
        {
            merged.push(timed);
        }
    }
    merged.into_iter().map(|timed| timed.turn).collect()
}

fn is_copy(timed: &Timed, other: &Timed) -> bool {
    let near = timed.at.duration_since(other.at) <= SAME_TURN;
    let timed_both = timed.has_time && other.has_time;
    timed_both && near && timed.job != other.job && is_same(&timed.turn, &other.turn)
}
