//! Tables without columns for figures, users' own columns, and what is no source.

use serde_json::{Value, json};

use super::{MANUAL, WebhookCall, both, expected, figures, report};
use crate::{harness::World, process::run, reader::Row};

/// The built-in schema file without the figures, as earlier versions had it.
fn before() -> String {
    let schema = std::fs::read_to_string("schema/airtable.toml").unwrap();
    let columns = schema.split("\n[[columns]]\n");
    let kept: Vec<&str> = columns
        .filter(|column| !column.contains("from = \"figures."))
        .collect();
    kept.join("\n[[columns]]\n")
}

async fn ends(world: &World, sid: &str) {
    let call = WebhookCall { world, sid };
    call.begins().await;
    call.reports(&report()).await;
    call.leaves("caller", "SIP", 60, &json!("CLIENT_INITIATED"))
        .await;
    call.finishes(&json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_wait_for_bootstrap_without_a_word_and_replay_fills_them() {
    for mut world in both().await {
        // The settings of a world that has run before: its table has no figures.
        world.stop().await;
        let path = world.folder.path().join("before.toml");
        std::fs::write(&path, before()).unwrap();
        world.set("AIRTABLE_TABLE", "Before");
        world.set("AIRTABLE_SCHEMA", path.to_str().unwrap());
        world.create_table().await;
        let built_in = std::fs::canonicalize("schema/airtable.toml").unwrap();
        world.set("AIRTABLE_SCHEMA", built_in.to_str().unwrap());
        let mut service = world.serve_apart().await;
        for sid in ["RM_before00001", "RM_before00002"] {
            ends(&world, sid).await;
            let done = |row: &Row| {
                row.contains_key("Transcript")
                    && row.get("Status").is_some_and(|it| it == "No recording")
            };
            let row = row_of(&world, sid, done).await;
            assert!(figures(&row).iter().all(Value::is_null), "{row:?}");
            assert!(!row.contains_key("Error"), "{row:?}");
        }
        let said = service.said();
        let hints = said
            .lines()
            .filter(|line| line.contains("lacks columns for figures"));
        let hints: Vec<&str> = hints.collect();
        assert_eq!(hints.len(), 1, "{said}");
        assert!(hints[0].contains("livekit-airtable bootstrap"), "{hints:?}");
        for command in ["bootstrap", "replay"] {
            let done = run(world.folder.path(), &[command], world.settings()).await;
            assert_eq!(done.code, Some(0), "{done:?}");
        }
        for sid in ["RM_before00001", "RM_before00002"] {
            row_of(&world, sid, |row| figures(row) == expected()).await;
        }
        assert_eq!(service.stop().await, Some(0));
    }
}

async fn row_of(world: &World, sid: &str, wanted: impl Fn(&Row) -> bool) -> Row {
    let asked = std::time::Instant::now();
    loop {
        let rows = crate::reader::rows(&world.airtable, "Before").await;
        let own = |row: &&Row| row.get("Call ID").is_some_and(|id| id == sid);
        if let Some(row) = rows.iter().find(own).filter(|row| wanted(row)) {
            return row.clone();
        }
        assert!(asked.elapsed() < crate::harness::PATIENCE, "{rows:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_fill_users_own_columns() {
    let folder = tempfile::tempdir().unwrap();
    let more = [
        ("Wer", "singleLineText", "", "figures.ended_by"),
        ("Modelle", "multilineText", "", "figures.models"),
        (
            "Latenz",
            "singleLineText",
            "",
            "figures.response_latency_max",
        ),
        (
            "Anteil",
            "number",
            "options = { precision = 3 }",
            "figures.talk_share",
        ),
    ];
    let mut schema = std::fs::read_to_string("schema/airtable.toml").unwrap();
    for (name, kind, options, from) in more {
        schema += &format!(
            "\n[[columns]]\nname = \"{name}\"\ntype = \"{kind}\"\nfrom = \"{from}\"\n{options}\n"
        );
    }
    let path = folder.path().join("schema.toml");
    std::fs::write(&path, schema).unwrap();
    let world = World::with(&[MANUAL, ("AIRTABLE_SCHEMA", path.to_str().unwrap())]).await;
    ends(&world, "RM_own0000001").await;
    let row = world
        .row_where("RM_own0000001", |row| row.contains_key("Wer"))
        .await;
    assert_eq!(row["Wer"], "Caller");
    assert_eq!(row["Modelle"], "openai/gpt-4o");
    assert_eq!(row["Latenz"], "0.9");
    assert_eq!(row["Anteil"], 0.667);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelled_figure_is_an_error_of_the_schema_file() {
    let world = World::with(&[MANUAL]).await;
    let schema = std::fs::read_to_string("schema/airtable.toml").unwrap();
    let cases = [
        (
            "figures.talk_share",
            "figures.talk_shar",
            "did you mean `figures.talk_share`?",
        ),
        (
            "{ name = \"Agent\", color = \"blueBright\" },\n",
            "",
            "`figures.ended_by` also needs the choices Agent",
        ),
        (
            "name = \"Turns\"\ntype = \"number\"",
            "name = \"Turns\"\ntype = \"dateTime\"",
            "figures.turns is a number, which dateTime cannot hold",
        ),
    ];
    for (was, is, says) in cases {
        assert!(schema.contains(was), "{was}");
        let path = world.folder.path().join("wrong.toml");
        std::fs::write(&path, schema.replacen(was, is, 1)).unwrap();
        let path = path.to_str().unwrap().to_owned();
        let mut settings = world.settings().to_vec();
        settings.push(("AIRTABLE_SCHEMA".to_owned(), path));
        let done = run(world.folder.path(), &["bootstrap"], &settings).await;
        assert_eq!(done.code, Some(64), "{done:?}");
        assert!(done.stderr.contains(says), "{says}: {}", done.stderr);
    }
}
