//! Columns of the user's own schema file: from metadata, attributes and reports into the base.

use std::path::Path;

use livekit_airtable_sim::livekit::Person;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::{
    harness::{World, agent, caller},
    play::answer,
    process::run,
};

/// The built-in schema file with more columns at its end, which nothing else uses.
fn schema(folder: &Path, columns: &[&str]) -> String {
    let mut text = std::fs::read_to_string("schema/airtable.toml").unwrap();
    for column in columns {
        text += &format!("\n[[columns]]\n{column}\n");
    }
    let path = folder.join("columns.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn column(name: &str, kind: &str, options: &str, from: &str) -> String {
    let options = match options {
        "" => String::new(),
        options => format!("\noptions = {{ {options} }}"),
    };
    format!("name = \"{name}\"\ntype = \"{kind}\"\nfrom = \"{from}\"{options}")
}

async fn world(columns: &[String]) -> (World, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let path = schema(folder.path(), &columns);
    (World::with(&[("AIRTABLE_SCHEMA", &path)]).await, folder)
}

fn report(name: &str, call: &str, more: &Value) -> Value {
    let path = format!("tests/fixtures/agents/{name}.json");
    let text = std::fs::read_to_string(path).unwrap();
    let mut report: Value = serde_json::from_str(&text).unwrap();
    let fields = report.as_object_mut().unwrap();
    fields.insert("room_id".into(), json!(call));
    fields.extend(more.as_object().unwrap().clone());
    report
}

fn cells(row: &Map<String, Value>, wanted: &Value) -> Value {
    let names = wanted.as_object().unwrap().keys();
    let cell = |name: &String| (name.clone(), row.get(name).cloned().unwrap_or_default());
    Value::Object(names.map(cell).collect())
}

const ICON: &str = r#"icon = "check", color = "greenBright""#;
const UTC: &str =
    r#"timeZone = "utc", dateFormat = { name = "iso" }, timeFormat = { name = "24hour" }"#;
const TAGS: &str = r#"choices = [{ name = "Booked" }, { name = "Spring" }]"#;

/// A column of every type that holds something of the user's.
fn of_every_type() -> Vec<String> {
    vec![
        column("Patient", "singleLineText", "", "metadata.patient.id"),
        column(
            "Visits",
            "number",
            "precision = 0",
            "metadata.patient.visits",
        ),
        column("New", "checkbox", ICON, "metadata.patient.new"),
        column(
            "Born",
            "date",
            r#"dateFormat = { name = "iso" }"#,
            "metadata.patient.born",
        ),
        column("Due", "dateTime", UTC, "metadata.due"),
        column(
            "Budget",
            "currency",
            r#"precision = 2, symbol = "€""#,
            "metadata.budget",
        ),
        column("Share", "percent", "precision = 1", "metadata.share"),
        column("All", "multilineText", "", "metadata.patient"),
        column(
            "Trunk",
            "singleLineText",
            "",
            "attributes.sip.trunkPhoneNumber",
        ),
        column("Priority", "number", "precision = 0", "attributes.priority"),
        column(
            "Tokens",
            "number",
            "precision = 0",
            "report.usage.llm_usage.input_tokens",
        ),
        column("Voice", "singleLineText", "", "report.usage[0].model"),
        column("Errors", "number", "precision = 0", "report.errors.stt"),
        column(
            "Length",
            "duration",
            r#"durationFormat = "h:mm:ss""#,
            "report.seconds",
        ),
        column("Tags", "multipleSelects", TAGS, "report.tags"),
        column(
            "Stars",
            "rating",
            r#"max = 5, icon = "star", color = "yellowBright""#,
            "report.stars",
        ),
        column("Mail", "email", "", "report.mail"),
        column(
            "Region",
            "singleSelect",
            r#"choices = [{ name = "EU" }]"#,
            "constant:EU",
        ),
    ]
}

#[tokio::test]
async fn anything_in_a_call_becomes_a_cell_of_its_columns_type() {
    let (world, _folder) = world(&of_every_type()).await;
    let metadata = json!({
        "patient": {"id": "P-7", "visits": 3, "new": true, "born": "1980-02-29"},
        "due": 1_763_884_861, "budget": 12.5, "share": 0.25,
    });
    let call = world.livekit.open_room_with("desk", &metadata.to_string());
    let attributes = [("sip.trunkPhoneNumber", "+15550000000"), ("priority", "2")];
    let caller = Person {
        attributes: attributes.map(|(n, v)| (n.into(), v.into())).into(),
        ..caller("+15551234567")
    };
    world.livekit.join("desk", caller);
    let more = json!({"stars": 4, "mail": "ann@example.com", "seconds": "61"});
    let report = report("agents_py_session_report_usage", &call, &more);
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    let wanted = json!({
        "Patient": "P-7", "Visits": 3, "New": true, "Born": "1980-02-29", "Due": "2025-11-23T08:01:01.000Z",
        "Budget": 12.5, "Share": 0.25, "All": r#"{"born":"1980-02-29","id":"P-7","new":true,"visits":3}"#,
        "Trunk": "+15550000000", "Priority": 2, "Tokens": 1834, "Voice": "sonic-2", "Errors": 0, "Length": 61,
        "Tags": ["Booked", "Spring"], "Stars": 4, "Mail": "ann@example.com", "Region": "EU", "Error": null,
    });
    let row = world.row_where(&call, |row| {
        row.contains_key("Tokens") && row.contains_key("Trunk")
    });
    assert_eq!(cells(&row.await, &wanted), wanted);
}

#[tokio::test]
async fn a_value_of_the_wrong_kind_costs_its_cell_and_a_line_in_error() {
    let (world, _folder) = world(&of_every_type()).await;
    let metadata =
        json!({"patient": {"id": "P-7", "visits": "many", "born": "Tuesday"}, "budget": [1]});
    let call = world.livekit.open_room_with("desk", &metadata.to_string());
    let report = report(
        "agents_js_session_report",
        &call,
        &json!({"tags": ["spring", "gold"], "stars": 9}),
    );
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    let row = world.row_where(&call, |row| row.contains_key("Tags")).await;
    let wanted = json!({
        "Patient": "P-7", "Visits": null, "Born": null, "Budget": null, "Stars": null, "Tags": ["Spring"],
        "Transcript": "Caller: I'd like Tuesday.", "Status": "Live",
    });
    assert_eq!(cells(&row, &wanted), wanted);
    let lines = [
        "“Visits” (number) is empty: metadata.patient.visits is not a number.",
        "“Born” (date) is empty: metadata.patient.born is not a date.",
        "“Budget” (currency) is empty: metadata.budget is not a number.",
        "“Tags” (multipleSelects) is not complete: report.tags contains values that are not choices in the schema file.",
        "“Stars” (rating) is empty: report.stars is not a whole number in the rating's range.",
    ];
    assert_eq!(row["Error"], lines.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_base_without_a_column_for_errors_they_are_reported_once_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let visits = column(
        "Visits",
        "number",
        "precision = 0",
        "metadata.patient.visits",
    );
    let schema = schema(folder.path(), &[&visits]);
    let settings = [
        ("AIRTABLE_SCHEMA", schema.as_str()),
        ("RECORD_ON", "manual"),
    ];
    let mut world = World::with(&settings).await;
    world.stop().await;
    assert!(world.airtable.delete_field("Calls", "Error"));
    let serve = world.serve_apart().await;
    let metadata = json!({"patient": {"visits": "a secret"}});
    let call = world.livekit.open_room_with("desk", &metadata.to_string());
    world.row_is(&call, "Live").await;
    world.processed(&call, "airtable").await;
    world.livekit.close_room("desk");
    world.row_is(&call, "No recording").await;
    world.processed(&call, "airtable").await;
    let warning = "“Visits” (number) is empty: metadata.patient.visits is not a number. Fix the value or the column.";
    let said = serve.said();
    let reported: Vec<&str> = said.lines().filter(|line| line.contains(warning)).collect();
    assert_eq!(reported.len(), 1, "{said}");
    assert!(
        reported[0].contains("WARN") && reported[0].contains(&call),
        "{said}"
    );
    assert!(!said.contains("a secret"), "{said}");
    let arguments = ["calls", "show", call.as_str()];
    let shown = run(world.folder.path(), &arguments, world.settings()).await;
    let tries = shown.stdout.matches("HTTP 200").count();
    let remarks = shown.stdout.matches(&format!("; {warning}")).count();
    assert_eq!((tries, remarks), (2, 1), "{shown:?}");
    let due_deliveries = answer(world.get(&format!("/v1/calls/{call}")).await, 200).await;
    assert_eq!(
        due_deliveries["deliveries"][0]["last_error"],
        json!(null),
        "{due_deliveries:#}"
    );
}

#[tokio::test]
async fn a_jobs_metadata_is_found_when_the_room_has_none() {
    let columns = [
        column("Campaign", "singleLineText", "", "metadata.campaign"),
        column("Why", "singleLineText", "", "report.close_reason"),
        column("Job", "singleLineText", "", "job_id"),
    ];
    let (world, _folder) = world(&columns).await;
    let named = world.livekit.open_room("job");
    let job = json!({"id": "AJ_job", "metadata": r#"{"campaign":"spring"}"#, "room": {"sid": named, "name": "job"}});
    world
        .hook(&json!({"event": "agent_job_started", "id": "EV_job", "createdAt": "1763884861", "job": job}))
        .await;
    let row = world
        .row_where(&named, |row| row.contains_key("Campaign"))
        .await;
    let wanted = json!({"Campaign": "spring", "Job": "AJ_job"});
    assert_eq!(cells(&row, &wanted), wanted);

    let sent = world.livekit.open_room("sent");
    world.livekit.join("sent", agent());
    let more = json!({"job_metadata": r#"{"campaign":"autumn"}"#});
    let report = report("agents_js_session_report", &sent, &more);
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    let row = world
        .row_where(&sent, |row| row.contains_key("Campaign"))
        .await;
    let wanted = json!({"Campaign": "autumn", "Job": "AJ_1", "Why": "participant_disconnected"});
    assert_eq!(cells(&row, &wanted), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_columns_added_to_the_file_come_into_the_base() {
    let (mut world, folder) = world(&[]).await;
    let metadata = r#"{"patient_id": "P-7"}"#;
    let call = world.livekit.open_room_with("desk", metadata);
    world.livekit.join("desk", caller("+15551234567"));
    world.row_is(&call, "Live").await;
    world.stop().await;
    let three = [
        column("Patient", "singleLineText", "", "metadata.patient_id"),
        column("Number", "phoneNumber", "", "attributes.sip.phoneNumber"),
        column("Summary of the call", "multilineText", "", "report.summary"),
    ];
    schema(folder.path(), &three.each_ref().map(String::as_str));
    let settings: Vec<_> = world.settings().to_vec();
    let done = run(world.folder.path(), &["bootstrap"], &settings).await;
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{done:?}");
    assert!(done.stdout.contains("3 to create"), "{done:?}");
    let checked = run(world.folder.path(), &["bootstrap", "--check"], &settings).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    world.start().await;
    let report =
        json!({"room_id": call, "transcript": "Hello.", "summary": "Wants an appointment."});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    let row = world
        .row_where(&call, |row| row.contains_key("Summary of the call"))
        .await;
    let wanted = json!({
        "Patient": "P-7", "Number": "+15551234567", "Summary of the call": "Wants an appointment.",
    });
    assert_eq!(cells(&row, &wanted), wanted);
}
