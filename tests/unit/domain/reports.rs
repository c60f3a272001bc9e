//! Which of a call's reports count, in any order of their arrival.

use std::sync::Arc;

use jiff::Timestamp;
use livekit_airtable::domain::transcript::{
    Report, Reports, Speaker, Transcript, Turn, outline, read,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json, value::RawValue};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_763_884_800 + second).unwrap()
}

/// A report of a job (empty: it says none), dated or not, with these words or none.
fn report(job: &str, dated: Option<i64>, words: &str) -> Arc<Report> {
    let mut fields = Map::new();
    if !job.is_empty() {
        fields.insert("job_id".into(), json!(job));
    }
    let turns = (!words.is_empty()).then(|| Turn::new(Speaker::Agent, words));
    Arc::new(Report {
        at: dated.map(at),
        transcript: Transcript::Turns(turns.into_iter().collect()),
        fields,
        ..Report::default()
    })
}

fn words(reports: &Reports) -> Vec<String> {
    let counted = reports.counted();
    counted
        .iter()
        .map(|report| report.transcript.text())
        .collect()
}

#[test]
fn every_order_of_arrival_ends_in_the_same_reports_which_are_stored_and_read_again() {
    let all = [
        (report("AJ_1", Some(1), "one, early"), at(1)),
        (report("AJ_1", Some(5), "one"), at(5)),
        (report("AJ_1", Some(9), ""), at(9)),
        (report("AJ_2", None, "two"), at(7)),
        (report("", Some(3), "nobody's"), at(3)),
        (report("AJ_3", Some(8), ""), at(8)),
    ];
    let mut orders = vec![Vec::new()];
    for n in 0..all.len() {
        orders = orders
            .iter()
            .flat_map(|order: &Vec<usize>| {
                let at_each = 0..=order.len();
                at_each.map(|place| {
                    let mut longer = order.clone();
                    longer.insert(place, n);
                    longer
                })
            })
            .collect();
    }
    let mut seen: Option<Reports> = None;
    for order in orders {
        let mut reports = Reports::default();
        for n in order.iter().chain(&order[..2]) {
            reports.add(&all[*n].0, all[*n].1);
        }
        assert_eq!(words(&reports), ["Agent: one", "Agent: two"], "{order:?}");
        assert_eq!(
            *seen.get_or_insert_with(|| reports.clone()),
            reports,
            "{order:?}"
        );
        let stored = serde_json::to_string(&reports).unwrap();
        assert_eq!(serde_json::from_str::<Reports>(&stored).unwrap(), reports);
    }
}

#[test]
fn an_earlier_version_finds_the_newest_report_where_it_was() {
    let mut reports = Reports::default();
    reports.add(&report("AJ_1", Some(1), "one"), at(1));
    let one: Value = serde_json::to_value(&reports).unwrap();
    assert_eq!(
        one.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["dated", "undated"]
    );
    reports.add(&report("AJ_2", Some(2), "two"), at(2));
    let two: Value = serde_json::to_value(&reports).unwrap();
    assert_eq!(two["dated"][1]["fields"]["job_id"], "AJ_2");
    assert_eq!(two["others"][0][1]["fields"]["job_id"], "AJ_1");
}

#[test]
fn without_a_job_the_newest_wins_over_all() {
    let mut reports = Reports::default();
    reports.add(&report("AJ_1", Some(1), "one"), at(1));
    reports.add(&report("", None, "corrected"), at(2));
    assert_eq!(words(&reports), ["Agent: corrected"]);
    reports.add(&report("AJ_2", Some(3), "two"), at(3));
    assert_eq!(words(&reports), ["Agent: one", "Agent: two"]);
}

/// Texts full of what markup, labels and times are made of.
fn noise() -> impl Strategy<Value = String> {
    let parts = [
        "<", "</", "<break", "<expr ", "spell", ">", "/>", "=\"", "\"", "[", "laughs", "]", "](",
        "Agent", "Caller", ":", "：", "é", "😀", " ", "\n", "&amp;", "<!--", "<#", "?>", "1:05",
        "\u{0}", "e\u{301}", "-->", "{", "[\"",
    ];
    let part = proptest::sample::select(parts.to_vec());
    proptest::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_words_are_read_and_the_callers_stay(text in noise(), key in noise()) {
        let body = json!({ "room": text, "turns": [
            { "role": "user", "content": text }, { "role": "assistant", "content": text }, text, { "role": key, key.clone(): text },
            { "speaker": text, "text": text, "created_at": text }, [key, text],
        ], "events": [{ "type": "user_input_transcribed", "transcript": text, "is_final": true }] });
        for body in [body.clone(), json!({ "transcript": text }), body["turns"].clone()] {
            let body: Box<RawValue> = serde_json::value::to_raw_value(&body).unwrap();
            let counted = outline(&body).unwrap();
            let (_, report) = read(&body).unwrap();
            if let Transcript::Turns(turns) = report.transcript {
                let labelled: usize = counted.labels.values().sum();
                prop_assert_eq!(turns.len(), counted.turns + labelled);
                let words = text.trim();
                let is_callers = |turn: &Turn| turn.speaker == Speaker::Caller && turn.text == words;
                let has_turns = body.get().contains("\"role\"");
                prop_assert!(!has_turns || words.is_empty() || turns.iter().any(is_callers));
            }
        }
    }
}
