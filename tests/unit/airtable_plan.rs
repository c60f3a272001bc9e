//! The schema file, and the plan from a base to it.

use std::collections::BTreeMap;

use livekit_airtable::airtable::{Error, Plan, Schema, Step, Table, find_table};
use proptest::prelude::*;
use serde_json::{Value, json};

fn table(fields: Value) -> Table {
    serde_json::from_value(json!({"id": "tblCalls", "name": "Calls", "fields": fields})).unwrap()
}

/// The schema's own columns as a base has them after `bootstrap`, ids `fld00` and on.
fn complete(schema: &Schema) -> Vec<Value> {
    let with_id = |(index, column): (usize, &livekit_airtable::airtable::Column)| {
        let mut field = column.body();
        field["id"] = json!(format!("fld{index:02}"));
        field
    };
    schema.enabled().enumerate().map(with_id).collect()
}

fn ids(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, id)| (name.to_string(), id.to_string()))
        .collect()
}

/// A base that people have changed: renamed columns, a wrong type, a missing choice, missing columns and columns of
/// their own.
fn worked_on() -> Table {
    table(json!([
        {"id": "fld00", "name": "Call ID", "type": "singleLineText"},
        {"id": "fld01", "name": "Line", "type": "singleLineText"},
        {"id": "fld02", "name": "Status", "type": "singleSelect",
         "options": {"choices": [{"name": "Live"}, {"name": "Processing"}, {"name": "Complete"}, {"name": "Lost"}]}},
        {"id": "fld03", "name": "duration", "type": "number", "options": {"precision": 0}},
        {"id": "fld04", "name": "Follow-up", "type": "aiText"},
        {"id": "fld05", "name": "Error", "type": "multilineText"},
    ]))
}

#[test]
fn the_built_in_schema_has_the_contracts_columns() {
    let schema = Schema::built_in();
    let enabled: Vec<&str> = schema
        .enabled()
        .map(|column| column.name.as_str())
        .collect();
    let off: Vec<&str> = schema
        .columns
        .iter()
        .filter(|c| !c.enabled)
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(enabled.len(), 23);
    assert_eq!(
        off,
        [
            "Recording",
            "All recordings",
            "Summary",
            "Metadata",
            "Participants",
            "Job ID",
            "Caller turns",
            "Agent turns",
            "False interruptions",
            "Agent talk time",
            "Caller talk time",
            "Total silence",
            "Dead air",
            "First word after",
            "Response latency p95",
            "Response latency max",
            "LLM TTFT",
            "TTS TTFB",
            "End of turn delay",
            "LLM input tokens",
            "LLM output tokens",
            "LLM cached tokens",
            "TTS characters",
            "STT minutes",
            "Tools called",
            "Tools failed",
            "Languages heard",
            "STT confidence",
            "Errors by stage",
            "Session tags",
            "Reported agent",
            "Models used",
            "Call direction",
            "Cost",
            "SIP call ID",
            "SIP trunk ID",
            "Trunk number",
            "SIP status",
        ]
    );
    assert_eq!(schema.key().name, "Call ID");
    insta::assert_json_snapshot!(schema.table_body("Calls"));
}

#[test]
fn plan_of_an_empty_base() {
    let plan = Plan::compare(&Schema::built_in(), None, "Calls", &BTreeMap::new());
    assert_eq!((plan.writes(), plan.is_ok()), (1, false));
    insta::assert_snapshot!(plan);
}

#[test]
fn plan_of_a_base_people_have_worked_on() {
    let known = ids(&[("Room", "fld01")]);
    let plan = Plan::compare(&Schema::built_in(), Some(&worked_on()), "Calls", &known);
    assert_eq!((plan.writes(), plan.is_ok()), (18, false));
    insta::assert_snapshot!(plan);
    insta::assert_json_snapshot!(plan.as_json());
}

#[test]
fn plan_of_a_complete_base_does_nothing() {
    let schema = Schema::built_in();
    let mut fields = complete(&schema);
    fields[1]["name"] = json!("Line");
    fields.push(json!({"id": "fldTheirs", "name": "Notes", "type": "richText"}));
    let known = ids(&[("Room", "fld01")]);
    let plan = Plan::compare(&schema, Some(&table(json!(fields))), "Calls", &known);
    assert_eq!((plan.writes(), plan.is_ok()), (0, true));
    insta::assert_snapshot!(plan);
}

#[test]
fn swapped_names_follow_the_ids() {
    let schema = Schema::built_in();
    let mut fields = complete(&schema);
    fields[1]["name"] = json!("Agent");
    fields[7]["name"] = json!("Room");
    let known = ids(&[("Room", "fld01"), ("Agent", "fld07")]);
    let (mapping, problems) = schema.map(&table(json!(fields)), &known).unwrap();
    assert!(problems.is_empty());
    assert_eq!(
        (
            mapping.columns["Room"].as_str(),
            mapping.columns["Agent"].as_str()
        ),
        ("fld01", "fld07")
    );
}

#[test]
fn a_writer_leaves_out_what_cannot_be_written_and_gets_a_warning() {
    let (mapping, problems) = Schema::built_in()
        .map(&worked_on(), &ids(&[("Room", "fld01")]))
        .unwrap();
    assert_eq!(
        mapping.columns,
        ids(&[
            ("Call ID", "fld00"),
            ("Room", "fld01"),
            ("Status", "fld02"),
            ("Error", "fld05")
        ])
    );
    assert_eq!(problems.len(), 20);
    assert!(
        matches!(&problems[0], Step::MissingChoice { choices, .. } if choices == &["No recording", "Failed"])
    );
    let again: livekit_airtable::airtable::Mapping =
        serde_json::from_value(serde_json::to_value(&mapping).unwrap()).unwrap();
    assert_eq!(again, mapping);
}

#[test]
fn without_its_key_column_nothing_can_be_written() {
    let schema = Schema::built_in();
    let none = BTreeMap::new();
    let missing = schema.map(&table(json!([])), &none).unwrap_err();
    assert!(matches!(missing, Error::NoKey { .. }), "{missing}");
    let number =
        json!([{"id": "fld00", "name": "Call ID", "type": "number", "options": {"precision": 0}}]);
    let mistyped = schema.map(&table(number), &none).unwrap_err();
    assert!(matches!(mistyped, Error::KeyType { .. }), "{mistyped}");
}

#[test]
fn a_table_is_found_by_id_remembered_id_or_name_in_any_case() {
    let tables = [table(json!([]))];
    for (wanted, known) in [
        ("tblCalls", None),
        ("Calls", None),
        ("calls", None),
        ("Old name", Some("tblCalls")),
    ] {
        assert!(find_table(&tables, wanted, known).is_some(), "{wanted}");
    }
    assert!(find_table(&tables, "Others", None).is_none());
}

#[test]
fn all_errors_of_a_wrong_file_are_reported_at_once_with_lines_and_sources() {
    let text = r#"
colums = 1
[table]
name = "Calls"
[[columns]]
name = "Call ID"
type = "number"
from = "call_id"
key = true
[[columns]]
name = "call id"
type = "createdTime"
from = "sip.phoneNumber"
enabled = "no"
[[columns]]
name = "Note"
type = "singleLineText"
options = { precision = 0 }
from = "constant:"
[[columns]]
name = "Status"
type = "singleSelect"
from = "status"
options = { choices = [ "Live" ] }
key = true
[[columns]]
type = "url"
from = "recording_attachment"
"#;
    insta::assert_snapshot!(Schema::parse("my.toml", text).unwrap_err());
}

/// A file with the key column and one more.
fn with(column: &str) -> String {
    let key = "name = \"K\"\ntype = \"singleLineText\"\nfrom = \"call_id\"\nkey = true\n";
    format!("[[columns]]\n{key}[[columns]]\n{column}\n")
}

#[test]
fn every_kind_of_mistake_is_reported_with_its_line_and_what_is_valid() {
    let mistakes = [
        "name = \"A\"\ntype = \"singleLineText\"\nform = \"agent\"",
        "name = \"A\"\ntype = \"singlelinetext\"\nfrom = \"agent\"",
        "name = \"A\"\ntype = \"button\"\nfrom = \"agent\"",
        "name = \"A\"\ntype = \"url\"\nfrom = \"recording-url\"",
        "name = \"A\"\ntype = \"url\"\nfrom = \"metadata.\"",
        "name = \" k \"\ntype = \"url\"\nfrom = \"recording_url\"",
        "name = \"A\"\ntype = \"number\"\nfrom = \"transcript\"\noptions = { precision = 0 }",
        "name = \"A\"\ntype = \"date\"\nfrom = \"duration\"\noptions = { dateFormat = { name = \"iso\" } }",
        "name = \"A\"\ntype = \"number\"\nfrom = \"constant:many\"\noptions = { precision = 0 }",
        "name = \"A\"\ntype = \"number\"\nfrom = \"report.n\"\noptions = { precision = \"0\" }",
        "name = \"A\"\ntype = \"duration\"\nfrom = \"duration\"\noptions = { format = \"h:mm\" }",
        "name = \"A\"\ntype = \"dateTime\"\nfrom = \"started_at\"\noptions = { timeZone = \"UTC\", dateFormat = \"iso\", timeFormat = { name = \"24\" } }",
        "name = \"A\"\ntype = \"rating\"\nfrom = \"report.stars\"\noptions = { max = 11, icon = \"sun\", color = \"gold\" }",
        "name = \"A\"\ntype = \"checkbox\"\nfrom = \"report.ok\"",
        "name = \"A\"\ntype = \"singleSelect\"\nfrom = \"status\"\noptions = { choices = [{ name = \"Live\" }, { name = \"Live\", color = \"pinkest\" }] }",
        "name = \"A\"\ntype = \"singleSelect\"\nfrom = \"report.x\"\noptions = { choices = [] }",
        "name = \"A\"\nname = \"B\"",
        "name = 5\ntype = true\nfrom = []",
    ];
    let reported = |text: &&str| {
        let wrong = Schema::parse("my.toml", &with(text)).unwrap_err();
        format!("{text}\n{wrong}\n\n")
    };
    insta::assert_snapshot!(mistakes.iter().map(reported).collect::<String>());
}

#[test]
fn a_key_that_is_not_the_first_column_is_fine_and_mentioned() {
    let schema = Schema::built_in();
    let mut fields = complete(&schema);
    fields.insert(
        0,
        json!({"id": "fldName", "name": "Name", "type": "singleLineText"}),
    );
    let there =
        json!({"id": "tblCalls", "name": "Calls", "primaryFieldId": "fldName", "fields": fields});
    let there: Table = serde_json::from_value(there).unwrap();
    let plan = Plan::compare(&schema, Some(&there), "Calls", &BTreeMap::new());
    assert_eq!((plan.writes(), plan.is_ok()), (0, true));
    let line = plan.to_string();
    let line = line.lines().find(|line| line.contains('~')).unwrap();
    assert!(line.contains("Change primary field"), "{line}");
    assert_eq!(
        schema
            .map(&there, &BTreeMap::new())
            .unwrap()
            .0
            .columns
            .len(),
        23
    );
}

#[test]
fn a_file_that_is_not_toml_or_not_there_says_so() {
    insta::assert_snapshot!(
        Schema::parse("my.toml", "[table]\ndescription = \"\n[[columns]\n").unwrap_err()
    );
    assert!(
        Schema::parse("my.toml", "")
            .unwrap_err()
            .to_string()
            .contains("no [[columns]]")
    );
    let gone = Schema::read(std::path::Path::new("/nowhere/my.toml")).unwrap_err();
    assert!(
        gone.to_string()
            .starts_with("/nowhere/my.toml: cannot be read"),
        "{gone}"
    );
}

#[test]
fn open_sources_are_taken() {
    for from in [
        "metadata.customer.id",
        "attributes.sip.trunkID",
        "report.usage.0.input_tokens",
        "constant:EU",
    ] {
        let column = format!("name = \" X \"\ntype = \"singleLineText\"\nfrom = \"{from}\"");
        let schema = Schema::parse("f", &with(&column)).unwrap();
        assert_eq!(
            (
                schema.columns[1].from.to_string(),
                schema.columns[1].name.as_str()
            ),
            (from.to_owned(), "X")
        );
    }
}

proptest! {
    /// A typing error anywhere in the file is reported or harmless; it never crashes the program.
    #[test]
    fn a_slip_in_the_file_is_reported_by_its_line(at in 0.0..1.0_f64, gone in 0..40_usize, slip in "[\\[\\]{}=\"a\n]{0,3}") {
        let text = include_str!("../../schema/airtable.toml");
        let place = |bytes: usize| text.floor_char_boundary(bytes.min(text.len()));
        let start = place((at * text.len() as f64) as usize);
        let slipped = format!("{}{slip}{}", &text[..start], &text[place(start + gone)..]);
        match Schema::parse("my.toml", &slipped) {
            Ok(schema) => prop_assert_eq!(schema.key().from.name(), "call_id"),
            Err(wrong) => {
                prop_assert!(!wrong.faults.is_empty());
                let lines = slipped.lines().count() + 1;
                prop_assert!(wrong.faults.iter().all(|fault| fault.line <= lines), "{}", wrong);
            }
        }
    }
}
