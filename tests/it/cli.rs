//! The command line: help, mistakes, exit codes, bootstrap.

use std::io::{BufRead, BufReader};

use livekit_airtable_sim::airtable::{self, Airtable, Fault};
use tempfile::TempDir;

use crate::{
    process::{Done, Limit, command, output, run},
    reader,
};

#[test]
fn every_command_has_help() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = String::new();
    let mut commands = vec![String::new()];
    while let Some(line) = commands.pop() {
        let args: Vec<&str> = line.split_whitespace().chain(["--help"]).collect();
        let output = output(&mut command(folder.path(), &args, &[]));
        let done = Done::from(output);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{line}");
        all += &format!("$ livekit-airtable {}\n{}\n", args.join(" "), done.stdout);
        let below = below(&done.stdout).into_iter().rev();
        commands.extend(below.map(|name| format!("{line} {name}").trim().to_owned()));
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(all) });
}

/// The commands that a help text lists.
fn below(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    lines
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

#[tokio::test]
async fn without_configuration_every_error_is_reported_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for (args, variables) in [
        (
            vec!["serve"],
            vec!["LIVEKIT_URL", "S3_BUCKET", "AIRTABLE_TOKEN"],
        ),
        (
            vec!["bootstrap"],
            vec!["AIRTABLE_TOKEN", "AIRTABLE_BASE_ID"],
        ),
        (vec!["record", "stop", "EG_1"], vec!["LIVEKIT_API_SECRET"]),
    ] {
        let done = run(folder.path(), &args, &[]).await;
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (Some(64), ""),
            "{done:?}"
        );
        for variable in variables {
            let line = format!("{variable}: is missing");
            assert!(done.stderr.contains(&line), "{args:?}: {done:?}");
        }
        let others = match args[0] {
            "bootstrap" => "LIVEKIT_",
            "record" => "AIRTABLE_",
            _ => continue,
        };
        let unneeded = done.stderr.contains(others);
        assert!(!unneeded, "{done:?}");
    }
}

#[tokio::test]
async fn unknown_commands_and_options_are_64() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["nonsense"][..],
        &["serve", "--nonsense"],
        &[],
        &["completions", "nosh"],
        &["calls", "list", "--cursor", "none"],
    ] {
        let done = run(folder.path(), args, &[]).await;
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (Some(64), ""),
            "{args:?}"
        );
        assert!(!done.stderr.is_empty());
    }
}

#[tokio::test]
async fn completions_are_a_script() {
    let folder = tempfile::tempdir().unwrap();
    let done = run(folder.path(), &["completions", "bash"], &[]).await;
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    assert!(done.stdout.contains("complete -F _livekit"));
}

/// An empty base, and what a command needs to reach it.
struct Base {
    airtable: Airtable,
    folder: TempDir,
    settings: Vec<(String, String)>,
}

impl Base {
    async fn new() -> Base {
        let options = airtable::Options::unlimited();
        let airtable = reader::airtable(options).await;
        let settings = [
            ("AIRTABLE_TOKEN", "patTest".to_owned()),
            ("AIRTABLE_BASE_ID", airtable.base_id()),
            ("AIRTABLE_API_URL", airtable.url()),
            ("AIRTABLE_CONTENT_URL", airtable.url()),
            ("AIRTABLE_REQUESTS_PER_SECOND", "50".to_owned()),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value));
        Base {
            airtable,
            folder: tempfile::tempdir().unwrap(),
            settings: settings.to_vec(),
        }
    }

    async fn bootstrap(&self, args: &[&str]) -> Done {
        let args = [&["bootstrap"], args].concat();
        run(self.folder.path(), &args, &self.settings).await
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        self.airtable.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bootstrap_plans_checks_creates_and_finds_nothing_left() {
    let base = Base::new().await;
    let planned = base.bootstrap(&["--dry-run"]).await;
    assert_eq!(planned.code, Some(0), "{planned:?}");
    assert!(planned.stdout.contains("Recording URL"), "{planned:?}");
    let missing = base.bootstrap(&["--check"]).await;
    assert_eq!((missing.code, &missing.stdout), (Some(1), &planned.stdout));
    let created = base.bootstrap(&[]).await;
    assert_eq!((created.code, created.stderr.as_str()), (Some(0), ""));
    assert!(created.stdout.contains("Created"), "{created:?}");
    let again = base.bootstrap(&[]).await;
    assert_eq!(again.code, Some(0));
    assert!(again.stdout.contains("Nothing to create"), "{again:?}");
    let checked = base.bootstrap(&["--check"]).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(
        reader::rows(&base.airtable, "Calls").await.is_empty(),
        "the test row is gone"
    );
    base.airtable.rename_field("Calls", "Agent", "Assistant");
    let renamed = base.bootstrap(&["--check"]).await;
    assert_eq!(renamed.code, Some(0), "{renamed:?}");
    base.airtable.delete_field("Calls", "Caller");
    let deleted = base.bootstrap(&["--check"]).await;
    assert_eq!(deleted.code, Some(1), "{deleted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bootstrap_tells_who_is_to_blame_by_its_exit_code() {
    let base = Base::new().await;
    for status in [401, 403] {
        let body = r#"{"error":{"type":"AUTHENTICATION_REQUIRED","message":"no"}}"#;
        base.airtable
            .fail_next(1, Fault::Status(status, body.to_owned()));
        let done = base.bootstrap(&["--check"]).await;
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (Some(77), ""),
            "{done:?}"
        );
        assert!(done.stderr.contains("AIRTABLE_TOKEN"), "{done:?}");
        assert!(!done.stderr.contains("patTest"), "{done:?}");
    }
    base.airtable.stop();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let mut settings = base.settings.clone();
    settings.push(("AIRTABLE_API_URL".to_owned(), nobody));
    let done = run(base.folder.path(), &["bootstrap"], &settings).await;
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (Some(69), ""),
        "{done:?}"
    );
    std::fs::write(base.folder.path().join("wrong.toml"), "nonsense").unwrap();
    settings.push(("AIRTABLE_SCHEMA".to_owned(), "wrong.toml".to_owned()));
    let done = run(base.folder.path(), &["bootstrap"], &settings).await;
    assert_eq!(done.code, Some(64), "{done:?}");
    assert!(done.stderr.contains("wrong.toml"), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_ends_with_three_rows() {
    let folder = tempfile::tempdir().unwrap();
    let done = run(folder.path(), &["demo", "--once"], &[]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(
        done.stderr, "",
        "no line of the log between those of the demo"
    );
    let (_, table) = done.stdout.split_once("The table “Calls” now:").unwrap();
    let statuses = table
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Status"));
    let statuses: Vec<&str> = statuses.map(str::trim).collect();
    assert_eq!(statuses, ["Complete", "No recording", "Failed"]);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_demo_that_is_stopped_ends_well_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().display().to_string();
    let settings = [("TMPDIR".to_owned(), here)];
    let mut demo = command(folder.path(), &["demo"], &settings);
    let mut child = demo.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut first).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let pid = child.id().to_string();
    let limit = Limit::on(child.id());
    let sent = std::process::Command::new("kill").arg(pid).status();
    assert!(sent.unwrap().success());
    std::io::copy(&mut lines, &mut std::io::sink()).unwrap();
    assert!(limit.was_kept(), "it does not stop");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_stand_in_tells_what_is_wrong_with_its_seed() {
    let folder = tempfile::tempdir().unwrap();
    let seeds = [
        ("{", "EOF"),
        (r#"{"tables": 5}"#, "is not a list"),
        (
            r#"{"tables": [{"name": "Calls", "fields": []}]}"#,
            "table Calls has no fields",
        ),
    ];
    for (seed, reason) in seeds {
        std::fs::write(folder.path().join("seed.json"), seed).unwrap();
        let done = run(
            folder.path(),
            &["sim", "airtable", "--seed", "seed.json"],
            &[],
        )
        .await;
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (Some(64), ""),
            "{done:?}"
        );
        assert!(
            done.stderr.contains("--seed") && done.stderr.contains(reason),
            "{done:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stand_in_for_airtable_prints_its_token_and_refuses_others() {
    let folder = tempfile::tempdir().unwrap();
    let token = ["sim", "airtable", "--token"];
    for wrong in ["keyOld", "pat with a blank"] {
        let done = run(folder.path(), &[token[0], token[1], token[2], wrong], &[]).await;
        assert_eq!(done.code, Some(64), "{done:?}");
        assert!(
            done.stderr.contains("a token like Airtable's: pat"),
            "{done:?}"
        );
    }
    let mut command = command(
        folder.path(),
        &[token[0], token[1], token[2], "patKnown.1"],
        &[],
    );
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines: Vec<String> = lines.take(5).map(Result::unwrap).collect();
    assert_eq!(lines[4], "AIRTABLE_TOKEN=patKnown.1");
    let url = lines[1].split_once('=').unwrap().1.to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (token, expected) in [("patKnown.1", 200), ("patOther", 401)] {
        let asked = client
            .get(format!("{url}/v0/meta/whoami"))
            .bearer_auth(token);
        assert_eq!(asked.send().await.unwrap().status(), expected);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_stand_ins_first_line_has_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(
        folder.path(),
        &["sim", "airtable", "--listen", "127.0.0.1:0"],
        &[],
    );
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut first).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let (_, port) = first.trim().split_once("http://127.0.0.1:").unwrap();
    assert!(port.parse::<u16>().is_ok_and(|port| port > 0), "{first}");
}
