//! Rooms with many participants, whose attributes are large: what a call keeps of them has limits, and its row is right.

use serde_json::{Value, json};

use super::{api, hook, joined, on_both};
use crate::{
    harness::{PATIENCE, World},
    process::Serve,
    storms::sized,
};

const SID: &str = "RM_crowd";
/// Bytes of the attributes of each.
const LARGE: usize = 100_000;
/// The same where many are enough.
const MEDIUM: usize = 10_000;

/// A participant with large attributes; a telephone, the agent, or a person.
fn participant(n: usize, kind: &str, attributes: Value) -> Value {
    json!({
        "sid": format!("PA_{n:05}"), "identity": format!("person-{n:05}"), "kind": kind, "joinedAt": 1_763_884_800 + n,
        "version": 1, "attributes": attributes,
    })
}

fn large(bytes: usize, more: Value) -> Value {
    let mut attributes =
        json!({ "note": "x".repeat(bytes / 2), "sip.long": "é".repeat(bytes / 4) });
    attributes
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    attributes
}

/// So many people; at last the caller by telephone, and the agent.
async fn crowd(world: &World, people: usize, bytes: usize) {
    for n in 0..people {
        hook(
            world,
            &joined(SID, &participant(n, "STANDARD", large(bytes, json!({})))),
        )
        .await;
    }
    let caller = large(bytes, json!({ "sip.phoneNumber": "+4915112345678" }));
    hook(world, &joined(SID, &participant(people, "SIP", caller))).await;
    let agent = large(bytes, json!({ "lk.agent.name": "Ava" }));
    hook(
        world,
        &joined(SID, &participant(people + 1, "AGENT", agent)),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_keeps_two_hundred_participants_and_counts_the_others() {
    let table = tempfile::NamedTempFile::new().unwrap();
    let schema = include_str!("../../../schema/airtable.toml");
    let columns = r#"
        [[columns]]
        name = "Everybody"
        type = "multilineText"
        from = "participants"
        [[columns]]
        name = "Patient"
        type = "singleLineText"
        from = "attributes.patient"
    "#;
    std::fs::write(table.path(), format!("{schema}\n{columns}")).unwrap();
    let schema = table.path().to_str().unwrap();
    let settings = [
        ("RECORD_ON", "manual"),
        ("AIRTABLE_SCHEMA", schema),
        ("RECONCILE_INTERVAL", "1s"),
    ];
    for world in on_both(&settings).await {
        crowd(&world, 300, MEDIUM).await;
        let patient = json!({ "patient": "7".repeat(5000), "other": "x" });
        hook(
            &world,
            &joined(SID, &participant(7, "STANDARD", patient.clone())),
        )
        .await;
        let mut later = participant(400, "STANDARD", patient);
        later["joinedAt"] = json!(1_763_884_000);
        hook(&world, &joined(SID, &later)).await;
        let row = world
            .row_where(SID, |row| {
                row.get("Everybody")
                    .is_some_and(|it| it.as_str().unwrap().contains("and 103 more"))
            })
            .await;
        assert_eq!(row["Caller"], "+4915112345678");
        assert_eq!(row["Agent"], "Ava");
        assert_eq!(row["Patient"], "7".repeat(2048));
        let names = row["Everybody"].as_str().unwrap();
        assert!(
            names.starts_with("person-00400, person-00000, person-00001, "),
            "{names:.80}"
        );
        let call = api(&world, &format!("/v1/calls/{SID}")).await;
        let participants = call["participants"].as_array().unwrap();
        assert_eq!(
            (participants.len(), &call["more_participants"]),
            (200, &json!(103))
        );
        for participant in participants {
            assert!(participant.to_string().len() < 5000, "{participant:.200}");
            assert_eq!(participant["attributes"].get("other"), None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_joins_take_little_memory() {
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    world.stop().await;
    let mut serve = Serve::start(world.folder.path(), world.settings()).await;
    world.address = serve.address.parse().unwrap();
    let people = sized(998, 9_998);
    crowd(&world, people, LARGE).await;
    let begun = std::time::Instant::now();
    loop {
        let call = world.get(&format!("/v1/calls/{SID}")).await;
        let call: Value = call.json().await.unwrap();
        let known = call["participants"].as_array().map_or(0, Vec::len) as u64;
        let more = call["more_participants"].as_u64().unwrap_or_default();
        if (known + more) as usize >= sized(people + 2, people * 9 / 10) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{known} and {more}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let row = world
        .row_where(SID, |row| {
            row.contains_key("Agent") && row.contains_key("Caller")
        })
        .await;
    assert_eq!(
        (&row["Agent"], &row["Caller"]),
        (&json!("Ava"), &json!("+4915112345678"))
    );
    let peak = serve.peak_bytes() >> 20;
    println!("at most {peak} MiB");
    assert!(peak < 150, "{peak} MiB");
    assert_eq!(serve.stop().await, Some(0));
}
