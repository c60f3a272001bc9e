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

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_work_is_told_and_nothing_is_written() {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_one_question_at_a_time() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let mut python = Command::new(exported("TEST_PYTHON"));
    python.arg(std::fs::canonicalize("tests/clients/terminal.py").unwrap());
    python.arg(env!("CARGO_BIN_EXE_livekit-airtable"));
    let answers = [
        ("LIVEKIT_URL: ", value(&world, "LIVEKIT_URL")),
        ("LIVEKIT_API_KEY: ", value(&world, "LIVEKIT_API_KEY")),
        ("LIVEKIT_API_SECRET: ", "not the secret of that key"),
        ("is not the secret", ""),
        ("LIVEKIT_URL: ", "nonsense"),
        ("expected", ""),
        ("LIVEKIT_URL: ", value(&world, "LIVEKIT_URL")),
        ("LIVEKIT_API_KEY: ", value(&world, "LIVEKIT_API_KEY")),
        ("LIVEKIT_API_SECRET: ", value(&world, "LIVEKIT_API_SECRET")),
        ("S3_ENDPOINT: ", value(&world, "S3_ENDPOINT")),
        ("S3_BUCKET: ", value(&world, "S3_BUCKET")),
        ("S3_ACCESS_KEY: ", value(&world, "S3_ACCESS_KEY")),
        ("S3_SECRET_KEY: ", value(&world, "S3_SECRET_KEY")),
        ("AIRTABLE_TOKEN: ", value(&world, "AIRTABLE_TOKEN")),
        ("AIRTABLE_BASE_ID: ", value(&world, "AIRTABLE_BASE_ID")),
        ("PUBLIC_URL: ", "https://calls.example.com"),
    ];
    for (prompt, answer) in answers {
        python.args([prompt, answer]);
    }
    python
        .current_dir(folder.path())
        .env_clear()
        .envs(unasked(&world));
    let done = tokio::task::spawn_blocking(move || output(&mut python));
    let done = done.await.unwrap();
    let screen = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{screen}");
    // Secrets are not shown while they are typed.
    assert!(
        !screen.contains(value(&world, "LIVEKIT_API_SECRET")),
        "{screen}"
    );
    assert!(!screen.contains(value(&world, "S3_SECRET_KEY")), "{screen}");
    assert!(
        screen.contains("cloud.livekit.io → your project → Settings → API keys"),
        "{screen}"
    );
    let text = std::fs::read_to_string(folder.path().join(".env")).unwrap();
    assert!(
        text.contains("PUBLIC_URL=https://calls.example.com\n"),
        "{text}"
    );
    assert!(text.contains("S3_BUCKET=recordings\n"), "{text}");
    assert_eq!(mode(&folder.path().join(".env")), 0o600);
}
