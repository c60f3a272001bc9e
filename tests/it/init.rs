//! `init`: flags and the environment, a terminal, and what becomes of an existing `.env`.

use std::{os::unix::fs::PermissionsExt, path::Path, process::Command};

use crate::{
    harness::World,
    process::{output, run},
    real::exported,
};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The settings of a world that `init` does not ask for.
fn unasked(world: &World) -> Vec<(String, String)> {
    let asked = ["LIVEKIT_", "S3_", "AIRTABLE_TOKEN", "AIRTABLE_BASE_ID"];
    let mut settings = world.settings().to_vec();
    settings.retain(|(name, _)| !asked.iter().any(|start| name.starts_with(start)));
    settings
}

fn value<'a>(world: &'a World, name: &str) -> &'a str {
    let mut settings = world.settings().iter();
    &settings.find(|(known, _)| known == name).unwrap().1
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_and_the_environment_need_no_terminal() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let before = "# mine\nRECORD_ON=manual\nLIVEKIT_URL=wss://your-project.livekit.cloud\nEGRESS_WEBHOOK_URL=https://your-n8n.com/webhook/egress-complete\n";
    let file = folder.path().join(".env");
    std::fs::write(&file, before).unwrap();
    let mut settings = unasked(&world);
    for name in [
        "S3_ACCESS_KEY",
        "S3_SECRET_KEY",
        "LIVEKIT_API_SECRET",
        "AIRTABLE_TOKEN",
    ] {
        settings.push((name.to_owned(), value(&world, name).to_owned()));
    }
    let flags = [
        ("--livekit-url", "LIVEKIT_URL"),
        ("--livekit-api-key", "LIVEKIT_API_KEY"),
        ("--s3-endpoint", "S3_ENDPOINT"),
        ("--s3-bucket", "S3_BUCKET"),
    ];
    let mut args = vec!["init"];
    for (flag, name) in flags {
        args.extend([flag, value(&world, name)]);
    }
    let done = run(folder.path(), &args, &settings).await;
    assert_eq!(done.code, Some(64), "{done:?}");
    assert!(
        done.stderr.starts_with("There is no terminal to ask on, and nothing was written. Set these in the environment, or as flags such as --livekit-url:\nAIRTABLE_BASE_ID: is missing"),
        "{done:?}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    args.extend(["--airtable-base-id", value(&world, "AIRTABLE_BASE_ID")]);
    let done = run(folder.path(), &args, &settings).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("Nothing to create"), "{done:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("# mine\nRECORD_ON=manual\nLIVEKIT_URL=http://127.0.0.1:"),
        "{text}"
    );
    assert!(
        text.contains("\n#EGRESS_WEBHOOK_URL=https://your-n8n.com"),
        "{text}"
    );
    for name in [
        "LIVEKIT_API_KEY",
        "S3_SECRET_KEY",
        "AIRTABLE_TOKEN",
        "AIRTABLE_BASE_ID",
    ] {
        assert!(
            text.contains(&format!("\n{name}={}\n", value(&world, name))),
            "{text}"
        );
    }
    let copy = folder.path().join(".env.bak");
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), before);
    assert_eq!((mode(&file), mode(&copy)), (0o600, 0o600));
}

/// What only the environment said is in the file, too: other commands need nothing but the file.
#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_enough_for_other_commands() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (file, copy) = (folder.path().join(".env"), folder.path().join(".env.bak"));
    std::fs::write(&file, "# mine\n").unwrap();
    let done = run(folder.path(), &["init"], world.settings()).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    for name in ["AIRTABLE_API_URL", "AIRTABLE_CONTENT_URL"] {
        let line = format!("\n{name}={}\n", value(&world, name));
        assert!(text.contains(&line), "{text}");
        assert!(done.stderr.contains(name), "{done:?}");
    }
    let checked = run(folder.path(), &["bootstrap", "--check"], &[]).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.stdout.contains("Nothing to do."), "{checked:?}");
    // The same again changes nothing, and the copy stays that of the file before.
    let again = run(folder.path(), &["init"], &[]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    for expected in [
        "✓ accepted: AIRTABLE_TOKEN\n",
        ".env has these values already",
    ] {
        assert!(again.stderr.contains(expected), "{again:?}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), "# mine\n");
}

/// The path of a file with a secret is written, and not what the file holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_environment_names_is_named_in_the_file() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("s3-secret");
    std::fs::write(&secret, value(&world, "S3_SECRET_KEY")).unwrap();
    let file = folder.path().join(".env");
    std::fs::write(&file, "S3_SECRET_KEY=of an earlier key\n").unwrap();
    let mut settings = world.settings().to_vec();
    settings.retain(|(name, _)| name != "S3_SECRET_KEY");
    let path = secret.display().to_string();
    settings.push(("S3_SECRET_KEY_FILE".to_owned(), path.clone()));
    let done = run(folder.path(), &["init"], &settings).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("#S3_SECRET_KEY=of an earlier key\n"),
        "{text}"
    );
    assert!(
        text.contains(&format!("\nS3_SECRET_KEY_FILE={path}\n")),
        "{text}"
    );
    assert!(!text.contains(value(&world, "S3_SECRET_KEY")), "{text}");
    let again = run(folder.path(), &["init"], &[]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_work_is_reported_and_nothing_is_written() {
    let world = World::new().await;
    for (name, wrong, code, text) in [
        (
            "LIVEKIT_API_SECRET",
            "not the secret of that key",
            77,
            "LIVEKIT_API_SECRET is not the secret",
        ),
        ("S3_SECRET_KEY", "wrong", 77, "the storage refused access"),
        (
            "S3_BUCKET",
            "nowhere",
            64,
            "S3_BUCKET: there is no bucket of this name",
        ),
        (
            "AIRTABLE_BASE_ID",
            "appNowhere0000000",
            77,
            "AIRTABLE_BASE_ID",
        ),
        ("LIVEKIT_URL", "http://127.0.0.1:9", 69, "LIVEKIT_URL"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let settings = super::doctor::changed(world.settings(), &[(name, wrong)]);
        let done = run(folder.path(), &["init"], &settings).await;
        assert_eq!(done.code, Some(code), "{done:?}");
        assert!(done.stderr.contains(text), "{done:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

/// What was seen on a terminal, and whether the command succeeded.
struct Screen {
    text: String,
    is_success: bool,
}

/// Runs `init` on a terminal: prompts that are waited for, and what is typed then. `enter` is Enter alone.
async fn on_terminal(folder: &Path, world: &World, answers: &[(&str, &str)]) -> Screen {
    let mut python = Command::new(exported("TEST_PYTHON"));
    python.arg(std::fs::canonicalize("tests/clients/terminal.py").unwrap());
    python.arg(env!("CARGO_BIN_EXE_livekit-airtable"));
    for (prompt, answer) in answers {
        let typed = if *answer == ENTER { " " } else { *answer };
        python.args([*prompt, typed]);
    }
    python.current_dir(folder).env_clear().envs(unasked(world));
    let done = tokio::task::spawn_blocking(move || output(&mut python));
    let done = done.await.unwrap();
    Screen {
        text: String::from_utf8_lossy(&done.stdout).into_owned(),
        is_success: done.status.success(),
    }
}

const ENTER: &str = "enter";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_one_question_at_a_time() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let answers = [
        ("\nLIVEKIT_URL: ", value(&world, "LIVEKIT_URL")),
        ("\nLIVEKIT_API_KEY: ", value(&world, "LIVEKIT_API_KEY")),
        (
            "\nLIVEKIT_API_SECRET: ",
            value(&world, "LIVEKIT_API_SECRET"),
        ),
        ("\nS3_ENDPOINT: ", value(&world, "S3_ENDPOINT")),
        ("\nS3_BUCKET: ", value(&world, "S3_BUCKET")),
        ("\nS3_ACCESS_KEY: ", value(&world, "S3_ACCESS_KEY")),
        ("\nS3_SECRET_KEY: ", value(&world, "S3_SECRET_KEY")),
        ("\nAIRTABLE_TOKEN: ", value(&world, "AIRTABLE_TOKEN")),
        ("\nAIRTABLE_BASE_ID: ", value(&world, "AIRTABLE_BASE_ID")),
        ("\nPUBLIC_URL: ", "https://calls.example.com"),
    ];
    let Screen { text, is_success } = on_terminal(folder.path(), &world, &answers).await;
    assert!(is_success, "{text}");
    // Secrets are not shown while they are typed, and what has its form is.
    for name in ["LIVEKIT_API_SECRET", "S3_SECRET_KEY", "AIRTABLE_TOKEN"] {
        assert!(!text.contains(value(&world, name)), "{text}");
    }
    let url = format!("\nLIVEKIT_URL: {}", value(&world, "LIVEKIT_URL"));
    assert!(text.contains(&url), "{text}");
    assert!(text.contains("✓ accepted: LIVEKIT_URL=http://"), "{text}");
    let path = "cloud.livekit.io → your project → Settings → API keys";
    assert!(text.contains(path), "{text}");
    assert!(text.contains("next: livekit-airtable serve"), "{text}");
    let text = std::fs::read_to_string(folder.path().join(".env")).unwrap();
    let expected = "PUBLIC_URL=https://calls.example.com\n";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("S3_BUCKET=recordings\n"), "{text}");
    assert_eq!(mode(&folder.path().join(".env")), 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_wrong_is_asked_again_until_nothing_is_changed() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let answers = [
        ("\nLIVEKIT_URL: ", value(&world, "LIVEKIT_URL")),
        ("\nLIVEKIT_API_KEY: ", "APIunknown"),
        ("\nLIVEKIT_API_SECRET: ", "not the secret of that key"),
        ("does not know this LIVEKIT_API_KEY", ""),
        ("\nLIVEKIT_API_KEY: ", value(&world, "LIVEKIT_API_KEY")),
        ("is not the secret", ""),
        ("\nLIVEKIT_API_SECRET: ", ENTER),
        ("is not the secret", ""),
        // The secret may be right, and the key that of another secret.
        ("\nLIVEKIT_URL: ", ENTER),
        ("\nLIVEKIT_API_KEY: ", ENTER),
        (
            "\nLIVEKIT_API_SECRET: ",
            value(&world, "LIVEKIT_API_SECRET"),
        ),
        ("\nS3_ENDPOINT: ", "http://127.0.0.1:9"),
        ("\nS3_BUCKET: ", "nowhere"),
        ("\nS3_ACCESS_KEY: ", value(&world, "S3_ACCESS_KEY")),
        ("\nS3_SECRET_KEY: ", "wrong"),
        ("the storage is unreachable", ""),
        ("\nS3_ENDPOINT: ", value(&world, "S3_ENDPOINT")),
        ("the storage refused access", ""),
        ("\nS3_ACCESS_KEY: ", ENTER),
        ("\nS3_SECRET_KEY: ", value(&world, "S3_SECRET_KEY")),
        ("there is no bucket of this name", ""),
        ("\nS3_BUCKET: ", value(&world, "S3_BUCKET")),
        ("\nAIRTABLE_TOKEN: ", value(&world, "AIRTABLE_TOKEN")),
        ("\nAIRTABLE_BASE_ID: ", "appNowhere0000000"),
        ("AIRTABLE_BASE_ID", ""),
        ("\nAIRTABLE_BASE_ID: ", value(&world, "AIRTABLE_BASE_ID")),
        ("\nPUBLIC_URL: ", ENTER),
    ];
    let Screen { text, is_success } = on_terminal(folder.path(), &world, &answers).await;
    assert!(is_success, "{text}");
    // Each question as often as above.
    for (name, times) in [
        ("LIVEKIT_URL", 2),
        ("LIVEKIT_API_KEY", 3),
        ("LIVEKIT_API_SECRET", 3),
        ("S3_ENDPOINT", 2),
        ("S3_BUCKET", 2),
        ("AIRTABLE_TOKEN", 1),
        ("AIRTABLE_BASE_ID", 2),
    ] {
        let asked = text.matches(&format!("\n{name}: ")).count();
        assert_eq!(asked, times, "{name}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_pasted_at_any_question_does_not_appear() {
    const PASTED: &str = "h4-pasted-secret-4711";
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let answers = [
        ("\nLIVEKIT_URL: ", PASTED),
        ("is not a valid URL", ""),
        ("\nLIVEKIT_URL: ", value(&world, "LIVEKIT_URL")),
        ("\nLIVEKIT_API_KEY: ", PASTED),
        (
            "\nLIVEKIT_API_SECRET: ",
            value(&world, "LIVEKIT_API_SECRET"),
        ),
        ("does not know", ""),
        ("\nLIVEKIT_API_KEY: ", value(&world, "LIVEKIT_API_KEY")),
        ("\nS3_ENDPOINT: ", PASTED),
        ("is not a valid URL", ""),
        ("\nS3_ENDPOINT: ", value(&world, "S3_ENDPOINT")),
        ("\nS3_BUCKET: ", PASTED),
        ("\nS3_ACCESS_KEY: ", PASTED),
        ("\nS3_SECRET_KEY: ", value(&world, "S3_SECRET_KEY")),
        ("refused access", ""),
        ("\nS3_ACCESS_KEY: ", value(&world, "S3_ACCESS_KEY")),
        ("\nS3_SECRET_KEY: ", ENTER),
        ("there is no bucket", ""),
        ("\nS3_BUCKET: ", value(&world, "S3_BUCKET")),
        ("\nAIRTABLE_TOKEN: ", PASTED),
        ("does not start with pat", ""),
        ("\nAIRTABLE_TOKEN: ", value(&world, "AIRTABLE_TOKEN")),
        ("\nAIRTABLE_BASE_ID: ", PASTED),
        ("is not a base ID", ""),
        ("\nAIRTABLE_BASE_ID: ", value(&world, "AIRTABLE_BASE_ID")),
        ("\nPUBLIC_URL: ", PASTED),
        ("is not a valid URL", ""),
        ("\nPUBLIC_URL: ", "https://calls.example.com"),
    ];
    let Screen { text, is_success } = on_terminal(folder.path(), &world, &answers).await;
    assert!(is_success, "{text}");
    assert!(!text.contains("pasted"), "{text}");
    let file = std::fs::read_to_string(folder.path().join(".env")).unwrap();
    assert!(!file.contains(PASTED), "{file}");
}
