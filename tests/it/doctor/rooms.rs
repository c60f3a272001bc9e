//! The rooms of `doctor` are nobody's calls, and other rooms called `doctor-…` are.

use std::time::{Duration, Instant};

use livekit_airtable::{domain::DoctorKey, store::Store, telemetry};
use serde_json::{Value, json};

use super::doctor;
use crate::{
    harness::{PATIENCE, SECRET, World},
    inbox::unprocessed,
    process::run,
    real::postgres::fresh_database,
    signed_webhooks::signature,
};

fn calls(world: &World) -> usize {
    world.airtable.rows("Calls").len()
}

/// Everything works, and nothing of it is left.
async fn runs_beside(world: &World) {
    let checked = doctor(world, &[], &[]).await;
    assert_eq!(checked.with_level("failure"), [""; 0]);
    assert_eq!(checked.code, Some(0));
    for (group, check) in [
        ("Here", "configuration"),
        ("Here", "database"),
        ("Here", "service"),
        ("Clock", "LiveKit"),
        ("Clock", "storage"),
        ("Clock", "Airtable"),
        ("LiveKit", "address"),
        ("LiveKit", "key and secret"),
        ("LiveKit", "egress worker"),
        ("LiveKit", "webhook"),
        ("Bucket", "region and endpoint"),
        ("Bucket", "objects"),
        ("Bucket", "signed reads"),
        ("Bucket", "anonymous reads"),
        ("Bucket", "delete"),
        ("Bucket", "list"),
        ("Airtable", "token"),
        ("Airtable", "base and columns"),
        ("Airtable", "rows"),
        ("Airtable", "requests"),
    ] {
        assert_eq!(checked.level(group, check), "ok", "{group}: {check}");
    }
    assert!(
        checked
            .detail("LiveKit", "webhook")
            .contains("arrived at `serve`")
    );
    let ordinary = world.livekit.open_room("after-doctor");
    world.row_is(&ordinary, "Live").await;
    assert_eq!(calls(world), 1, "{:#?}", world.airtable.rows("Calls"));
    let listed: Value = world.get("/v1/calls").await.json().await.unwrap();
    assert_eq!(listed["calls"].as_array().unwrap().len(), 1, "{listed}");
    let bucket = world.storage.folder().join("recordings/.livekit-airtable");
    let left = std::fs::read_dir(bucket).map_or(0, |files| files.count());
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_runs_beside_the_service_and_leaves_nothing_on_sqlite() {
    let world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    runs_beside(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_runs_beside_the_service_and_leaves_nothing_on_postgres() {
    let database = fresh_database().await;
    let settings = [
        ("RECONCILE_INTERVAL", "1s"),
        ("DATABASE_URL", database.as_str()),
    ];
    let world = World::with(&settings).await;
    runs_beside(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_not_doctors_because_of_its_name() {
    let world = World::new().await;
    let id = "doctor-00112233445566778899aabbccddeeff";
    let key = DoctorKey::new(SECRET.to_owned().into());
    let other = key.metadata("doctor-ffeeddccbbaa99887766554433221100");
    let forged = DoctorKey::new("another".to_owned().into()).metadata(id);
    for (name, metadata) in [
        ("doctor-smith", ""),
        (id, ""),
        (&*id.replace('0', "1"), other.as_str()),
        (&*id.replace('0', "2"), forged.as_str()),
    ] {
        let call = world.livekit.open_room_with(name, metadata);
        let row = world.row_is(&call, "Live").await;
        assert_eq!(row["Room"], name);
        world.starts(name, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_its_signature_says_that_a_room_is_doctors() {
    let world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    let id = "doctor-00112233445566778899aabbccddeeff";
    let metadata = DoctorKey::new(SECRET.to_owned().into()).metadata(id);
    world.livekit.open_room_with(id, &metadata);
    let known = eventually_known(&world, id).await;
    assert!(known.is_some());
    world.livekit.close_room(id);
    let ordinary = world.livekit.open_room("ordinary");
    world.row_is(&ordinary, "Live").await;
    assert_eq!(calls(&world), 1);
    assert!(world.livekit.starts().iter().all(|(_, room)| room != id));
}

/// Webhooks come in any order, and two replicas process them side by side.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_before_the_signature_makes_no_call_of_doctors_room() {
    let world = World::new().await;
    let id = "doctor-00112233445566778899aabbccddeeff";
    let metadata = DoctorKey::new(SECRET.to_owned().into()).metadata(id);
    let joined = json!({
        "event": "participant_joined", "id": "EV_1", "createdAt": telemetry::now().as_second().to_string(),
        "room": { "sid": "RM_doctor", "name": id }, "participant": { "sid": "PA_1", "identity": "caller" },
    });
    let started = json!({
        "event": "room_started", "id": "EV_2", "createdAt": telemetry::now().as_second().to_string(),
        "room": { "sid": "RM_doctor", "name": id, "metadata": metadata },
    });
    for event in [joined, started] {
        let body = event.to_string().into_bytes();
        let token = signature(&body);
        let address = world.url("/webhooks/livekit");
        let request = world.http.post(address).header("authorization", token);
        assert_eq!(request.body(body).send().await.unwrap().status(), 200);
    }
    assert!(eventually_known(&world, id).await.is_some());
    let store = world.service_store();
    let asked = Instant::now();
    while !unprocessed_ids(store).await.is_empty() {
        assert!(asked.elapsed() < PATIENCE, "a message is never processed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(store.call("RM_doctor").await.unwrap().is_none());
    assert_eq!(calls(&world), 0);
}

/// Messages that are not processed yet, whatever they wait for.
async fn unprocessed_ids(store: &Store) -> Vec<String> {
    let later = telemetry::now() + Duration::from_secs(3600);
    let messages = unprocessed(store, later, 10).await;
    messages.into_iter().map(|it| it.unwrap().id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_start_it_leaves_nothing_that_the_service_takes_for_a_call() {
    let mut world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    world.stop().await;
    let new = format!("sqlite:{}", world.folder.path().join("new.db").display());
    world.set("DATABASE_URL", &new);
    let checked = doctor(&world, &[], &[]).await;
    assert_eq!(checked.level("LiveKit", "egress worker"), "ok");
    let (_, room) = world.livekit.starts().pop().unwrap();
    assert!(room.starts_with("doctor-"), "{room}");
    // LiveKit lists the egress for a day.
    let done = run(world.folder.path(), &["backfill"], world.settings()).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("Imported 0 recordings"), "{done:?}");
    world.start().await;
    assert!(eventually_known(&world, &room).await.is_some());
    let ordinary = world.livekit.open_room("ordinary");
    world.row_is(&ordinary, "Live").await;
    assert_eq!(calls(&world), 1, "{:#?}", world.airtable.rows("Calls"));
}

async fn eventually_known(world: &World, id: &str) -> Option<()> {
    let store = Store::open(&world.database(), telemetry::now()).await;
    let store = store.unwrap();
    let asked = Instant::now();
    while asked.elapsed() < PATIENCE {
        if store.is_doctor_room(id).await.unwrap() {
            store.close().await;
            return Some(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}
