//! A room that LiveKit's list lacks has closed only if everything else that LiveKit says agrees.

use jiff::{SignedDuration, Timestamp};
use livekit_airtable::{
    domain::{Policy, Status, policy::RecordOn},
    livekit::client,
    pipeline::{Job, intake::Intake, reconcile::Reconcile},
    store::Store,
    telemetry,
};

use super::front::{Answer, Front, nothing, twirp, world};
use crate::{
    harness::{KEY, SECRET, World, agent, caller},
    real::postgres::fresh_database,
    reconcile::job,
};

const MANUAL: (&str, &str) = ("RECORD_ON", "manual");

/// The service's jobs one step at a time, at times that the test chooses.
struct Steps {
    store: Store,
    reconcile: Reconcile,
    intake: Intake,
    began_at: Timestamp,
}

impl Steps {
    async fn of(world: &World, front: &Front) -> Steps {
        let database = world.database();
        let store = Store::open(&database, telemetry::now());
        let store = store.await.unwrap();
        Steps {
            reconcile: job(&store, client_of(front)),
            intake: Intake {
                store: store.clone(),
                policy: Policy::new(RecordOn::Manual, &[]).unwrap(),
                sinks: vec![],
                listed: Default::default(),
                wake: Default::default(),
            },
            store,
            began_at: whole_seconds(telemetry::now()),
        }
    }

    /// Asks LiveKit so many seconds after the beginning; the call's status afterwards.
    async fn look(&self, seconds: i64, call: &str) -> Status {
        let now = self.began_at + SignedDuration::from_secs(seconds);
        self.reconcile.step(now).await.ok();
        while self.intake.step(now).await.unwrap() {}
        let row = self.store.call(call).await.unwrap();
        row.unwrap().call.status()
    }
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap()
}

fn client_of(front: &Front) -> client::Client {
    let config = client::Config {
        url: front.url.clone(),
        api_key: KEY.into(),
        api_secret: SECRET.to_owned().into(),
    };
    client::Client::new(config, telemetry::http_client().unwrap())
}

/// A call that is not recorded, and of which the service has heard everything; the service is stopped.
async fn unrecorded(settings: &[(&str, &str)]) -> (World, Front, String) {
    let (mut world, front) = world(&[&[MANUAL], settings].concat()).await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world.livekit.join("desk", caller("+15551234567"));
    world
        .row_where(&call, |row| row.contains_key("Caller"))
        .await;
    world.stop().await;
    (world, front, call)
}

/// LiveKit Cloud's answer to who is in a room that is not open; a server of one's own lists nobody.
fn unknown_room() -> Answer {
    twirp(404, "not_found", "requested room does not exist")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lists_ten_seconds_apart_and_nobody_in_the_room_end_a_call() {
    two_lists_end_a_call(&[], unknown_room()).await;
    two_lists_end_a_call(&[], nothing()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lists_end_a_call_on_postgres() {
    let database = fresh_database().await;
    two_lists_end_a_call(&[("DATABASE_URL", &database)], unknown_room()).await;
}

async fn two_lists_end_a_call(settings: &[(&str, &str)], nobody: Answer) {
    let (world, front, call) = unrecorded(settings).await;
    front.answer("ListRooms", nothing());
    front.answer("ListParticipants", nobody);
    let steps = Steps::of(&world, &front).await;
    for seconds in [10, 12, 19] {
        assert_eq!(steps.look(seconds, &call).await, Status::Live, "{seconds}");
    }
    steps.store.close().await;
    // A restart in between changes nothing.
    let steps = Steps {
        began_at: steps.began_at,
        ..Steps::of(&world, &front).await
    };
    assert_eq!(steps.look(20, &call).await, Status::NoRecording);
    let row = steps.store.call(&call).await.unwrap().unwrap();
    let first_list = steps.began_at + SignedDuration::from_secs(10);
    assert_eq!(row.call.ended_at(), Some(first_list));

    front.tell_the_truth();
    assert_eq!(steps.look(60, &call).await, Status::Live, "listed again");
    assert_eq!(steps.look(120, &call).await, Status::Live);
    steps.store.close().await;
}

/// Two lists lack the room of a call; with these other answers it stays open.
async fn stays_open(
    (world, front, call): &(World, Front, String),
    answers: &[(&'static str, Answer)],
) {
    front.answer("ListRooms", nothing());
    for (method, answer) in answers {
        front.answer(method, answer.clone());
    }
    let steps = Steps::of(world, front).await;
    for seconds in [10, 30, 90, 3600] {
        let status = steps.look(seconds, call).await;
        assert_eq!(status, Status::Live, "{seconds} {answers:?}");
    }
    front.tell_the_truth();
    steps.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_in_the_room_keep_the_call_open_and_so_do_answers_that_fail() {
    let call = unrecorded(&[]).await;
    let unavailable = || twirp(503, "unavailable", "no response from servers");
    stays_open(&call, &[]).await;
    stays_open(&call, &[("ListParticipants", unavailable())]).await;
    let nobody = ("ListParticipants", nothing());
    stays_open(&call, &[nobody, ("ListEgress", unavailable())]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_cut_off_ends_no_call() {
    let (world, front, call) = unrecorded(&[]).await;
    front.cut_off_lists();
    front.answer("ListParticipants", nothing());
    let steps = Steps::of(&world, &front).await;
    for seconds in [10, 30, 90] {
        assert_eq!(steps.look(seconds, &call).await, Status::Live, "{seconds}");
    }
    steps.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_egress_keeps_the_call_open_for_a_day() {
    let (mut world, front) = world(&[]).await;
    let (call, _) = world.talk("desk").await;
    world.stop().await;
    let call = (world, front, call);
    let nobody = ("ListParticipants", nothing());
    stays_open(&call, std::slice::from_ref(&nobody)).await;

    let (world, front, call) = call;
    front.answer("ListRooms", nothing());
    front.answer(nobody.0, nobody.1);
    let steps = Steps::of(&world, &front).await;
    assert_eq!(steps.look(4000, &call).await, Status::Live);
    let day = 86_400;
    assert_eq!(steps.look(4000 + day, &call).await, Status::Processing);
    assert_eq!(steps.look(4060 + day, &call).await, Status::Processing);
    steps.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_egress_that_turns_out_to_run_opens_the_call_again() {
    let (mut world, front) = world(&[]).await;
    let (call, _) = world.talk("desk").await;
    world.stop().await;
    for method in ["ListRooms", "ListEgress", "ListParticipants"] {
        front.answer(method, nothing());
    }
    let steps = Steps::of(&world, &front).await;
    assert_eq!(steps.look(10, &call).await, Status::Live);
    assert_eq!(steps.look(21, &call).await, Status::Processing);
    front.tell_the_truth();
    front.answer("ListRooms", nothing());
    assert_eq!(steps.look(40, &call).await, Status::Live);
    steps.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_whose_name_has_another_session_now_is_gone() {
    let (world, front, call) = unrecorded(&[]).await;
    world.livekit.lose_webhooks(true);
    world.livekit.close_room("desk");
    world.livekit.open_room("desk");
    world.livekit.join("desk", caller("+15551234567"));
    let steps = Steps::of(&world, &front).await;
    assert_eq!(steps.look(10, &call).await, Status::Live);
    assert_eq!(steps.look(20, &call).await, Status::NoRecording);
    steps.store.close().await;
}
