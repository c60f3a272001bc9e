//! Each failure is provoked once; its text says what to do.

use livekit_airtable_sim::{
    airtable::Fault,
    livekit::StartFault,
    storage::{Key, Permission},
};

use super::{Checked, changed, doctor};
use crate::{
    harness::{KEY, SECRET, World},
    process::run,
};

/// A check that must fail, and what it says.
struct Expected<'a> {
    changes: &'a [(&'a str, &'a str)],
    group: &'a str,
    check: &'a str,
    code: i32,
    detail: &'a str,
    remedy: &'a str,
}

fn assert_failure(checked: &Checked, wanted: &Expected<'_>) {
    let found = checked.find(wanted.group, wanted.check);
    assert_eq!(found["level"], "failure", "{found:#}");
    let (detail, remedy) = (
        found["detail"].as_str().unwrap(),
        found["remedy"].as_str().unwrap(),
    );
    assert!(detail.contains(wanted.detail), "{detail}");
    assert!(remedy.contains(wanted.remedy), "{remedy}");
    assert!(
        remedy.contains("docs/src/troubleshooting.md, row"),
        "{remedy}"
    );
    assert_eq!(checked.code, Some(wanted.code), "{found:#}");
}

/// Wrong settings.
const WRONG: [Expected<'static>; 12] = [
    Expected {
        changes: &[("AIRTABLE_TOKEN", ""), ("RECORD_ON", "always")],
        group: "Here",
        check: "configuration",
        code: 64,
        detail: "AIRTABLE_TOKEN: is missing",
        remedy: "docs/src/set-up.md",
    },
    Expected {
        changes: &[(
            "EGRESS_WEBHOOK_SECRET",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        )],
        group: "Here",
        check: "configuration",
        code: 64,
        detail: "EGRESS_WEBHOOK_SECRET: has no effect without EGRESS_WEBHOOK_URL",
        remedy: ".env",
    },
    Expected {
        changes: &[("LIVEKIT_URL", "http://127.0.0.1:9")],
        group: "LiveKit",
        check: "address",
        code: 69,
        detail: "LIVEKIT_URL cannot be reached: ",
        remedy: "LIVEKIT_URL: copy it from cloud.livekit.io",
    },
    Expected {
        changes: &[("LIVEKIT_API_KEY", "APIunknown")],
        group: "LiveKit",
        check: "key and secret",
        code: 77,
        detail: "LiveKit does not know this LIVEKIT_API_KEY",
        remedy: "Settings → API keys",
    },
    Expected {
        changes: &[("LIVEKIT_API_SECRET", "a secret that is not the key's own")],
        group: "LiveKit",
        check: "key and secret",
        code: 77,
        detail: "LIVEKIT_API_SECRET is not the secret of this LIVEKIT_API_KEY",
        remedy: "LIVEKIT_API_SECRET: make a new key",
    },
    Expected {
        changes: &[("S3_BUCKET", "another")],
        group: "Bucket",
        check: "region and endpoint",
        code: 64,
        detail: "S3_ENDPOINT has no bucket of the name S3_BUCKET",
        remedy: ".eu.r2.cloudflarestorage.com",
    },
    Expected {
        changes: &[("S3_SECRET_KEY", "wrong")],
        group: "Bucket",
        check: "objects",
        code: 77,
        detail: "the storage refused access (403)",
        remedy: "S3_ACCESS_KEY, S3_SECRET_KEY: give the key Object Read & Write",
    },
    Expected {
        changes: &[("AIRTABLE_TABLE", "Nowhere")],
        group: "Airtable",
        check: "base and columns",
        code: 1,
        detail: "the base has no table \"Nowhere\"",
        remedy: "livekit-airtable bootstrap",
    },
    Expected {
        changes: &[("AIRTABLE_BASE_ID", "appNowhere0000000")],
        group: "Airtable",
        check: "base and columns",
        code: 77,
        detail: "Airtable",
        remedy: "AIRTABLE_BASE_ID",
    },
    Expected {
        changes: &[("AIRTABLE_API_URL", "http://127.0.0.1:9")],
        group: "Airtable",
        check: "token",
        code: 69,
        detail: "Airtable did not answer",
        remedy: "let this machine reach api.airtable.com",
    },
    Expected {
        changes: &[("AIRTABLE_MONTHLY_REQUESTS", "1")],
        group: "Airtable",
        check: "requests",
        code: 1,
        detail: "of 1 used this month",
        remedy: "AIRTABLE_MONTHLY_REQUESTS",
    },
    Expected {
        changes: &[("DATABASE_URL", "sqlite:broken.db")],
        group: "Here",
        check: "database",
        code: 1,
        detail: "broken.db is not a SQLite database",
        remedy: "DATABASE_URL",
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_named_with_the_place_to_correct_them() {
    let world = World::new().await;
    std::fs::write(world.folder.path().join("broken.db"), [b'x'; 4096]).unwrap();
    for wanted in WRONG {
        let checked = doctor(&world, &[], wanted.changes).await;
        assert_failure(&checked, &wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_the_services_are_reported_with_the_place_to_click() {
    let world = World::new().await;
    world.livekit.fail_next_start(1, StartFault::Unavailable);
    let checked = doctor(&world, &[], &[]).await;
    assert_failure(
        &checked,
        &Expected {
            changes: &[],
            group: "LiveKit",
            check: "egress worker",
            code: 69,
            detail: "no egress worker is free",
            remedy: "the log of the egress service",
        },
    );
    world
        .airtable
        .fail_next(1, Fault::Status(401, "{}".to_owned()));
    let checked = doctor(&world, &[], &[]).await;
    assert_failure(
        &checked,
        &Expected {
            changes: &[],
            group: "Airtable",
            check: "token",
            code: 77,
            detail: "401",
            remedy: "AIRTABLE_TOKEN: airtable.com/create/tokens",
        },
    );
    world.airtable.delete_field("Calls", "Caller");
    let checked = doctor(&world, &[], &[]).await;
    assert_failure(
        &checked,
        &Expected {
            changes: &[],
            group: "Airtable",
            check: "base and columns",
            code: 1,
            detail: "Caller",
            remedy: "livekit-airtable bootstrap",
        },
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_only_write_is_reported() {
    let world = World::new().await;
    let writes = Key {
        access_key: "test".to_owned(),
        secret_key: "testsecret".to_owned(),
        session_token: None,
        permission: Permission::Write,
    };
    world.storage.set_keys(vec![writes]);
    let checked = doctor(&world, &[], &[]).await;
    assert_failure(
        &checked,
        &Expected {
            changes: &[],
            group: "Bucket",
            check: "objects",
            code: 77,
            detail: "head of .livekit-airtable/doctor-",
            remedy: "Object Read & Write",
        },
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_do_not_arrive_are_reported() {
    let world = World::new().await;
    world.livekit.set_webhook_urls(Vec::new());
    let checked = doctor(&world, &[], &[]).await;
    assert_failure(
        &checked,
        &Expected {
            changes: &[],
            group: "LiveKit",
            check: "webhook",
            code: 1,
            detail: "room_started and room_finished of a room that LiveKit opened and closed did not arrive at `serve` within 30 s",
            remedy: "Settings → Webhooks",
        },
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_start_a_listener_says_why_it_refuses_webhooks() {
    let mut world = World::new().await;
    world.stop().await;
    let listen = free_address();
    world
        .livekit
        .set_webhook_urls(vec![format!("http://{listen}/webhooks/livekit")]);
    let changes = [
        ("LISTEN_ADDR", listen.as_str()),
        ("DATABASE_URL", "sqlite:new.db"),
    ];
    let checked = doctor(&world, &[], &changes).await;
    assert_eq!(checked.with_level("failure"), [""; 0]);
    assert!(
        checked
            .detail("LiveKit", "webhook")
            .contains("at LISTEN_ADDR")
    );
    assert_eq!(checked.level("Here", "service"), "skipped");
    world.livekit.sign_webhooks_with("APIother", SECRET);
    let checked = doctor(&world, &[], &changes).await;
    assert_failure(
        &checked,
        &Expected {
            changes: &[],
            group: "LiveKit",
            check: "webhook",
            code: 64,
            detail: "the token's API key is not configured (signed with the key \"APIother\")",
            remedy: "LIVEKIT_WEBHOOK_KEYS: set the webhook's signing key",
        },
    );
    assert!(!world.folder.path().join("new.db").exists());
}

/// An address where nobody listens now.
pub(super) fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_with_no_write_and_records_are_counted() {
    let world = World::new().await;
    let call = world.livekit.open_room("counted");
    world.row_is(&call, "Live").await;
    let checked = doctor(&world, &["--no-write", "--count"], &[]).await;
    assert_eq!(checked.level("Bucket", "objects"), "skipped");
    assert_eq!(checked.level("Airtable", "rows"), "skipped");
    let records = checked.detail("Airtable", "records");
    assert!(records.starts_with("1 in the base"), "{records}");
    assert_eq!(checked.code, Some(0), "{:?}", checked.with_level("failure"));
}

#[tokio::test]
async fn without_any_setting_each_group_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let done = run(folder.path(), &["doctor", "--json"], &[]).await;
    let checked = Checked::of(&done);
    let detail = checked.detail("Here", "configuration");
    for name in ["LIVEKIT_URL", "S3_BUCKET", "AIRTABLE_TOKEN"] {
        assert!(detail.contains(&format!("{name}: is missing")), "{detail}");
    }
    assert_eq!(checked.level("LiveKit", "address"), "skipped");
    assert_eq!(checked.level("Airtable", "token"), "skipped");
    assert_eq!((checked.code, done.stderr.as_str()), (Some(64), ""));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let known = changed(&[], &[("LIVEKIT_API_KEY", KEY)]);
    assert_eq!(known.len(), 1);
}
