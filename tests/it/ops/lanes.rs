//! Who spoke when, above the waveform of a call's page: as the report has it, also without the words; and the figures, as the row
//! has them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    harness::{API_TOKEN, World},
    words_in_time::{File, ROOM, both, ended, message, session},
};

const FILES: [File; 2] = [
    File {
        egress: "one",
        begin: 2.0,
        length: 30.0,
    },
    File {
        egress: "two",
        begin: 40.0,
        length: 20.0,
    },
];

fn spoken(role: &str, words: &str, from: f64, to: f64, interrupted: bool) -> Value {
    let at = |second: f64| ROOM as f64 + second;
    let metrics = json!({ "started_speaking_at": at(from), "stopped_speaking_at": at(to) });
    let mut item = message(role, words, at(to), metrics);
    item["interrupted"] = json!(interrupted);
    item
}

/// A conversation over both files, with a silence of 5.5 s, a tool call and an interruption.
fn report(call: &str) -> Value {
    let tool = json!({ "id": "tool", "type": "function_call", "call_id": "1", "name": "book", "arguments": "{}", "created_at": ROOM as f64 + 10.0 });
    let items = [
        spoken("assistant", "Hello, how can I help you?", 3.0, 5.0, false),
        spoken("user", "A table for two.", 6.0, 8.5, false),
        tool,
        spoken("assistant", "There is one at", 14.0, 16.0, true),
        spoken("user", "Fine, thank you.", 15.75, 17.0, false),
        spoken("assistant", "Are you still there?", 41.0, 43.0, false),
        spoken("user", "Yes, goodbye.", 44.0, 45.5, false),
    ];
    session(call, &items)
}

/// The bars of a part of the page, by class: beginning and width.
fn bars(page: &str, part: usize) -> BTreeMap<String, Vec<(f64, f64)>> {
    let (_, rest) = page.split_once(&format!("data-part=\"{part}\"")).unwrap();
    let part = rest.split("<audio").next().unwrap();
    let mut found: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for bar in part.split("<rect ").skip(1) {
        let value = |name: &str| {
            let (_, rest) = bar.split_once(&format!("{name}=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let place = (
            value("x").parse().unwrap(),
            value(" width").parse().unwrap(),
        );
        found.entry(value("class")).or_default().push(place);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_are_the_reports_intervals_in_each_part() {
    for world in both(&[]).await {
        let call = "RM_lanes";
        ended(&world, call, &FILES).await;
        assert_eq!(
            world.post("/v1/transcripts", &report(call)).await.status(),
            202
        );
        world
            .row_where(call, |row| row.contains_key("Transcript"))
            .await;
        let visitor = world.visitor(API_TOKEN).await;
        for path in [format!("/ops/calls/{call}"), format!("/ops/words/{call}")] {
            let page = visitor.page(&path).await;
            assert!(
                page.contains("Part 1 of 2") && page.contains("Part 2 of 2"),
                "{page}"
            );
            // In seconds of each file.
            let first = bars(&page, 0);
            assert_eq!(first["agent"], [(1.0, 2.0), (12.0, 2.0)], "{path}");
            assert_eq!(first["caller"], [(4.0, 2.5), (13.75, 1.25)], "{path}");
            assert_eq!(first["silence"], [(6.5, 5.5)], "{path}");
            assert_eq!(first["interruption"], [(14.0, 0.15)], "{path}");
            assert_eq!(first["tool"], [(8.0, 0.15)], "{path}");
            let second = bars(&page, 1);
            assert_eq!(second["agent"], [(1.0, 2.0)], "{path}");
            assert_eq!(second["caller"], [(4.0, 1.5)], "{path}");
            assert_eq!(second.len(), 2, "{second:?}");
            assert!(page.contains("1 silence of more than 3 seconds, 1 interruption, 1 tool call"));
            let has_words = page.contains("A table for two.");
            assert_eq!(has_words, path.contains("/words/"), "{path}");
        }
        figures_are_those_of_the_row(&world, call).await;
    }
}

/// The column of each figure, as the schema has it.
fn columns() -> Vec<(String, String)> {
    let schema: toml::Table = std::fs::read_to_string("schema/airtable.toml")
        .unwrap()
        .parse()
        .unwrap();
    let columns = schema["columns"].as_array().unwrap().iter();
    let text = |column: &toml::Value, name: &str| {
        let text = column[name].as_str().unwrap_or_default();
        text.to_owned()
    };
    let enabled = columns.filter(|it| it.get("enabled") != Some(&toml::Value::Boolean(false)));
    let all = enabled.map(|it| (text(it, "from"), text(it, "name")));
    let figures =
        all.filter_map(|(from, name)| Some((from.strip_prefix("figures.")?.to_owned(), name)));
    figures.collect()
}

async fn figures_are_those_of_the_row(world: &World, call: &str) {
    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.page(&format!("/ops/calls/{call}")).await;
    let row = world.row(call).await.unwrap();
    let mut compared = 0;
    for (figure, column) in columns() {
        let shown = page.split_once(&format!("data-figure=\"{figure}\" data-value=\""));
        let shown = shown.map(|(_, rest)| rest.split('"').next().unwrap().to_owned());
        let Some(cell) = row.get(&column) else {
            assert_eq!(shown, None, "{figure}");
            continue;
        };
        let shown = shown.unwrap_or_else(|| panic!("{figure}: {page}"));
        let is_same = match cell {
            Value::String(text) => shown.trim_matches(|c| c == '"') == text,
            number => shown.parse::<f64>().unwrap() == number.as_f64().unwrap(),
        };
        assert!(is_same, "{figure}: {shown}, {cell}");
        compared += 1;
    }
    assert!(compared >= 4, "{row:?}");
}
