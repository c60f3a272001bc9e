//! Of one fault, one finding is reported: what follows from it names its cause and is not checked.

use std::process::Stdio;

use livekit_airtable_sim::livekit::StartFault;

use super::{Checked, doctor};
use crate::{
    harness::{PATIENCE, World, patient_client},
    process::{command, ended},
};

/// One wrong setting, and what is reported of it.
struct Fault<'a> {
    args: &'a [&'a str],
    changes: &'a [(&'a str, &'a str)],
    /// The only check that fails or warns because of it.
    cause: &'a str,
    /// Checks that are not made because of it.
    not_checked: &'a [&'a str],
}

/// What is not checked without a key of LiveKit that works.
const OF_KEY: &[&str] = &[
    "LiveKit: egress worker",
    "LiveKit: webhook",
    "Links: PUBLIC_URL",
];
/// What is not checked without the bucket.
const OF_BUCKET: &[&str] = &[
    "Bucket: objects",
    "Bucket: list",
    "Bucket: lifecycle and versions",
];

const FAULTS: [Fault<'static>; 11] = [
    Fault {
        args: &[],
        changes: &[("LIVEKIT_API_KEY", "APIunknown")],
        cause: "LiveKit: key and secret",
        not_checked: OF_KEY,
    },
    Fault {
        args: &[],
        changes: &[("LIVEKIT_API_SECRET", "a secret that is not the key's own")],
        cause: "LiveKit: key and secret",
        not_checked: OF_KEY,
    },
    Fault {
        args: &[],
        changes: &[("LIVEKIT_URL", "http://127.0.0.1:9")],
        cause: "LiveKit: address",
        not_checked: &[
            "LiveKit: key and secret",
            "LiveKit: egress worker",
            "LiveKit: webhook",
        ],
    },
    Fault {
        args: &[],
        changes: &[("S3_BUCKET", "another")],
        cause: "Bucket: region and endpoint",
        not_checked: OF_BUCKET,
    },
    Fault {
        args: &[],
        changes: &[("S3_ENDPOINT", "http://127.0.0.1:9")],
        cause: "Bucket: region and endpoint",
        not_checked: OF_BUCKET,
    },
    Fault {
        args: &[],
        changes: &[("S3_SECRET_KEY", "wrong")],
        cause: "Bucket: objects",
        not_checked: &["Bucket: delete", "Bucket: list"],
    },
    Fault {
        args: &["--count"],
        changes: &[("AIRTABLE_API_URL", "http://127.0.0.1:9")],
        cause: "Airtable: token",
        not_checked: &[
            "Airtable: base and columns",
            "Airtable: rows",
            "Airtable: records",
        ],
    },
    Fault {
        args: &["--count"],
        changes: &[("AIRTABLE_BASE_ID", "appNowhere0000000")],
        cause: "Airtable: base and columns",
        not_checked: &["Airtable: rows", "Airtable: records"],
    },
    Fault {
        args: &["--count"],
        changes: &[("AIRTABLE_MONTHLY_REQUESTS", "1")],
        cause: "Airtable: requests",
        not_checked: &[
            "Airtable: token",
            "Airtable: base and columns",
            "Airtable: rows",
        ],
    },
    Fault {
        args: &[],
        changes: &[("PUBLIC_URL", "https://127.0.0.1:9")],
        cause: "Links: certificate",
        not_checked: &["Links: PUBLIC_URL"],
    },
    Fault {
        args: &["--mirror-test"],
        changes: &[("EGRESS_WEBHOOK_URL", "http://127.0.0.1:9/webhook")],
        cause: "Mirror: address",
        not_checked: &["Mirror: test"],
    },
];

/// The names of all checks that fail or warn, but for those that do so without any fault: tests run as root.
fn reported(checked: &Checked, usual: &[String]) -> Vec<String> {
    let names = [checked.names("failure"), checked.names("warning")].concat();
    let reported = names.into_iter().filter(|name| !usual.contains(name));
    reported.collect()
}

fn assert_fault(checked: &Checked, usual: &[String], fault: &Fault<'_>) {
    assert_eq!(reported(checked, usual), [fault.cause]);
    for name in fault.not_checked {
        let (group, check) = name.split_once(": ").unwrap();
        let found = checked.find(group, check);
        assert_eq!(found["level"], "skipped", "{found:#}");
        let detail = found["detail"].as_str().unwrap();
        assert!(detail.starts_with("not checked: see "), "{found:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_fault_is_one_finding() {
    let world = World::new().await;
    let here = world.url("");
    let with_url = |changes: &[(&'static str, &'static str)]| {
        let changes = changes
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        let public_url = ("PUBLIC_URL", here.clone());
        [public_url].into_iter().chain(changes).collect::<Vec<_>>()
    };
    let usual = doctor(&world, &[], &[("PUBLIC_URL", &here)]).await;
    assert_eq!(usual.names("failure"), [""; 0]);
    let usual = usual.names("warning");
    for fault in FAULTS {
        let changes = with_url(fault.changes);
        let changes: Vec<(&str, &str)> = changes
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let checked = doctor(&world, fault.args, &changes).await;
        assert_fault(&checked, &usual, &fault);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_opened_and_a_taken_port_are_one_finding_each() {
    let world = World::new().await;
    let here = world.url("");
    let taken = here.trim_start_matches("http://").to_owned();
    std::fs::write(world.folder.path().join("broken.db"), [b'x'; 4096]).unwrap();
    let usual = doctor(&world, &[], &[]).await.names("warning");
    let broken = [
        ("DATABASE_URL", "sqlite:broken.db"),
        ("LISTEN_ADDR", taken.as_str()),
        ("PUBLIC_URL", here.as_str()),
    ];
    let fault = Fault {
        args: &[],
        changes: &broken,
        cause: "Here: database",
        not_checked: &[
            "Here: service",
            "LiveKit: webhook",
            "Airtable: requests",
            "Airtable: other programs",
            "Links: PUBLIC_URL",
            "Links: newest recording",
            "Agents: words",
        ],
    };
    let checked = doctor(&world, &[], &broken).await;
    assert_fault(&checked, &usual, &fault);
    let new = [("DATABASE_URL", "sqlite:new.db"), broken[1], broken[2]];
    let fault = Fault {
        changes: &new,
        cause: "LiveKit: webhook",
        not_checked: &["Links: PUBLIC_URL"],
        ..fault
    };
    let checked = doctor(&world, &[], &new).await;
    assert_fault(&checked, &usual, &fault);
    let detail = checked.detail("Links", "PUBLIC_URL");
    assert_eq!(detail, "not checked: see LiveKit: webhook");
}

/// A transcript that is refused leaves its call without words.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_transcript_and_the_words_that_are_missing_are_one_finding() {
    let world = World::new().await;
    let usual = doctor(&world, &[], &[]).await.names("warning");
    let silent = world.livekit.open_room("before");
    world.row_is(&silent, "Live").await;
    world.livekit.close_room("before");
    world.row_is(&silent, "No recording").await;
    let fault = Fault {
        args: &[],
        changes: &[],
        cause: "Agents: words",
        not_checked: &[],
    };
    assert_fault(&doctor(&world, &[], &[]).await, &usual, &fault);
    let call = world.livekit.open_room("refused");
    world.row_is(&call, "Live").await;
    let sent = patient_client().post(world.url("/v1/transcripts?room=refused"));
    let sent = sent.bearer_auth("unknown").body("{}").send().await.unwrap();
    assert_eq!(sent.status(), 401);
    world.livekit.close_room("refused");
    world.row_is(&call, "No recording").await;
    let fault = Fault {
        cause: "Agents: keys",
        not_checked: &["Agents: words"],
        ..fault
    };
    let begun = std::time::Instant::now();
    // The line of the refusal is stored within seconds.
    let checked = loop {
        let checked = doctor(&world, &[], &[]).await;
        if checked.level("Agents", "keys") == "warning" {
            break checked;
        }
        assert!(begun.elapsed() < PATIENCE, "{:?}", checked.names("warning"));
    };
    assert_fault(&checked, &usual, &fault);
    let detail = checked.detail("Agents", "words");
    assert_eq!(detail, "not checked: see Agents: keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_steps_of_a_call_the_first_that_did_not_happen_is_reported() {
    let world = World::new().await;
    world.livekit.fail_next_start(100, StartFault::BadRequest);
    let call = world.livekit.open_room("refused");
    world.livekit.speak("refused");
    let args = ["doctor", "--call", "--json"];
    let mut doctor = command(world.folder.path(), &args, world.settings());
    let doctor = doctor.stdout(Stdio::piped()).stderr(Stdio::null());
    let doctor = doctor.spawn().unwrap();
    world.livekit.close_room("refused");
    world.row_is(&call, "Failed").await;
    let done = tokio::task::spawn_blocking(move || ended(doctor));
    let checked = Checked::of(&done.await.unwrap().into());
    assert_eq!(checked.names("failure"), ["Call: recording started"]);
    for step in [
        "first audio",
        "file in the bucket",
        "row complete",
        "link plays",
    ] {
        let detail = checked.detail("Call", step);
        assert_eq!(detail, "not checked: see Call: recording started", "{step}");
    }
    assert_eq!(checked.code, Some(1));
}
