//! The client and `bootstrap`'s plan against the strict stand-in.

use std::time::{Duration, Instant};

use livekit_airtable::airtable::{
    Class, Client, Config, Mapping, Plan, Schema, create_base, locate,
};
use livekit_airtable_sim::airtable::{Airtable, Fault, Options, start};
use serde_json::{Map, Value, json};

async fn airtable(requests_per_second: f64) -> Airtable {
    let options = Options {
        requests_per_second,
        lockout: Duration::from_millis(200),
        ..Options::unlimited()
    };
    start("127.0.0.1:0".parse().unwrap(), options)
        .await
        .unwrap()
}

fn client(airtable: &Airtable, requests_per_second: f64) -> Client {
    client_of(airtable, &airtable.base_id(), "Calls", requests_per_second)
}

fn client_of(airtable: &Airtable, base_id: &str, table: &str, requests_per_second: f64) -> Client {
    livekit_airtable::install_crypto();
    let config = Config {
        api_url: airtable.url(),
        token: "patSecret".into(),
        base_id: base_id.into(),
        table: table.into(),
        requests_per_second,
    };
    Client::new(
        reqwest::Client::builder().no_proxy().build().unwrap(),
        config,
    )
}

/// A stand-in without a limit, its base brought to the built-in schema.
async fn bootstrapped() -> (Airtable, Client, Mapping) {
    let airtable = airtable(0.0).await;
    let client = client(&airtable, 50.0);
    let schema = Schema::built_in();
    let plan = Plan::read(&client, &schema, None).await.unwrap();
    let mapping = plan.apply(&client, &schema).await.unwrap();
    (airtable, client, mapping)
}

/// Cells by column name, as the client takes them by field id.
fn cells(mapping: &Mapping, cells: &[(&str, Value)]) -> Map<String, Value> {
    let by_id = |(name, cell): &(&str, Value)| (mapping.columns[*name].clone(), cell.clone());
    cells.iter().map(by_id).collect()
}

#[tokio::test]
async fn bootstrap_creates_everything_once() {
    let (airtable, client, mapping) = bootstrapped().await;
    let schema = Schema::built_in();
    assert_eq!(mapping.columns.len(), 23);
    let before = airtable.requests();
    let again = Plan::read(&client, &schema, Some(&mapping)).await.unwrap();
    assert_eq!((again.writes(), again.is_ok()), (0, true), "{again}");
    assert_eq!(again.apply(&client, &schema).await.unwrap(), mapping);
    assert_eq!(
        airtable.requests(),
        before + 1,
        "the plan reads, and nothing is written"
    );
    assert_eq!(client.sent(), airtable.requests());
}

#[tokio::test]
async fn bootstrap_adds_what_people_have_taken_away_and_leaves_the_rest() {
    let (airtable, client, mapping) = bootstrapped().await;
    let schema = Schema::built_in();
    assert!(airtable.rename_field("Calls", "Room", "Line"));
    assert!(airtable.delete_field("Calls", "Agent"));
    assert!(airtable.change_type("Calls", "Duration", "singleLineText", None));
    let plan = Plan::read(&client, &schema, Some(&mapping)).await.unwrap();
    assert_eq!((plan.writes(), plan.is_ok()), (1, false), "{plan}");
    let after = plan.apply(&client, &schema).await.unwrap();
    assert_eq!(after.columns["Room"], mapping.columns["Room"]);
    assert_ne!(after.columns["Agent"], mapping.columns["Agent"]);
    assert!(!after.columns.contains_key("Duration"));
    let (_, mapped, problems) = locate(&client, &schema, Some(&after)).await.unwrap();
    assert_eq!(mapped, after);
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].to_string().contains("must be duration"),
        "{}",
        problems[0]
    );
}

#[tokio::test]
async fn a_new_base_has_the_table() {
    let airtable = airtable(0.0).await;
    let client = client(&airtable, 50.0);
    let (base, mapping) = create_base(&client, &Schema::built_in(), "wspSimulated00001", "Phone")
        .await
        .unwrap();
    assert_eq!(base.tables[0].id, mapping.table_id);
    assert_eq!(mapping.columns.len(), 23);
}

#[tokio::test]
async fn rows_are_upserted_updated_found_and_deleted() {
    let (airtable, client, mapping) = bootstrapped().await;
    let key = &mapping.columns["Call ID"];
    let odd = "RM_\"quoted\" \\ and\nlines";
    let row = |id: &str, status: &str| {
        let started = json!("2026-01-02T03:04:05.000Z");
        let id = json!(id);
        cells(
            &mapping,
            &[
                ("Call ID", id),
                ("Status", json!(status)),
                ("Started", started),
            ],
        )
    };
    let table = &mapping.table_id;
    let first = client
        .upsert(table, key, &[row("RM_1", "Live"), row(odd, "Live")])
        .await
        .unwrap();
    assert!(first.iter().all(|written| written.created));
    let rows = [row("RM_2", "Live"), row("RM_1", "Processing")];
    let second = client.upsert(table, key, &rows).await.unwrap();
    assert_eq!(second[1].record_id, first[0].record_id);
    assert_eq!((second[0].created, second[1].created), (true, false));

    assert_eq!(
        client.find(table, key, odd).await.unwrap(),
        [first[1].record_id.clone()]
    );
    assert!(client.find(table, key, "RM_").await.unwrap().is_empty());

    let complete = cells(
        &mapping,
        &[("Status", json!("Complete")), ("Duration", json!(61.5))],
    );
    client
        .update(table, &[(first[0].record_id.clone(), complete)])
        .await
        .unwrap();
    let there = airtable.rows("Calls");
    assert_eq!(there.len(), 3);
    assert_eq!(there[0]["Status"], json!("Complete"));

    client
        .delete(table, std::slice::from_ref(&first[0].record_id))
        .await
        .unwrap();
    assert_eq!(airtable.rows("Calls").len(), 2);
    let gone = [(first[0].record_id.clone(), row("RM_1", "Live"))];
    let error = client.update(table, &gone).await.unwrap_err();
    assert_eq!(error.class(), Class::RowGone, "{error}");
}

#[tokio::test]
async fn refusals_of_the_base_are_distinguished() {
    let (airtable, client, mapping) = bootstrapped().await;
    let key = &mapping.columns["Call ID"];
    let write = async |name: &str, cell: Value| {
        let row = cells(&mapping, &[("Call ID", json!("RM_1")), (name, cell)]);
        client
            .upsert(&mapping.table_id, key, &[row])
            .await
            .map_err(|error| error.class())
    };
    let size = &mapping.columns["Recording size"];
    let Err(Class::Row {
        column: Some(column),
    }) = write("Recording size", json!("big")).await
    else {
        panic!("a text in a number");
    };
    assert!(column == *size || column == "Recording size", "{column}");
    assert_eq!(
        write("Status", json!("Ringing")).await,
        Err(Class::Choice {
            choice: "Ringing".into()
        })
    );
    airtable.delete_field("Calls", "Agent");
    assert_eq!(write("Agent", json!("a")).await, Err(Class::UnknownField));
    assert!(airtable.rows("Calls").is_empty());

    airtable.fail_next(1, Fault::Quota);
    assert_eq!(write("Room", json!("a")).await, Err(Class::Quota));
    assert_eq!(
        client.paused(),
        None,
        "a quota is for the caller to park on"
    );
    for fault in [Fault::Html(502), Fault::Truncated, Fault::AfterWrite] {
        airtable.fail_next(1, fault);
        assert_eq!(
            write("Room", json!("a")).await,
            Err(Class::Retry { after: None })
        );
    }
    airtable.fail_next(1, Fault::Status(503, "{}".into()));
    let after = Some(Duration::from_secs(1));
    assert_eq!(write("Room", json!("a")).await, Err(Class::Retry { after }));
    write("Room", json!("b")).await.unwrap();
    assert_eq!(airtable.rows("Calls").len(), 1, "written again, not twice");
}

#[tokio::test]
async fn the_stand_ins_limit_is_never_reached() {
    let runs = [(5.0, 12), (2.5, 6)].map(async |(rate, count)| {
        // Requests that a busy machine holds up arrive together: such a run says nothing.
        for attempt in 1.. {
            let airtable = airtable(rate).await;
            let client = client(&airtable, rate);
            let calls = (0..count).map(|_| client.tables());
            let calls = futures_util::future::join_all(calls);
            let (answers, delay) = watched(calls).await;
            let held_up = delay >= Duration::from_millis(5);
            if !held_up || airtable.breaches() == 0 || attempt == 20 {
                assert_eq!((airtable.requests(), airtable.breaches()), (count, 0));
                answers.into_iter().for_each(|answer| drop(answer.unwrap()));
                return;
            }
        }
    });
    futures_util::future::join_all(runs).await;
}

/// The outcome, and for how long at most this thread was held up meanwhile.
async fn watched<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let (mut longest, mut work) = (Duration::ZERO, std::pin::pin!(work));
    let tick = Duration::from_millis(5);
    loop {
        let begun = Instant::now();
        tokio::select! {
            outcome = &mut work => return (outcome, longest.max(begun.elapsed().saturating_sub(tick))),
            () = tokio::time::sleep(tick) => {}
        }
        longest = longest.max(begun.elapsed().saturating_sub(tick));
    }
}

#[tokio::test]
async fn one_request_too_many_pauses_the_base() {
    let airtable = airtable(1.0).await;
    let client = client(&airtable, 50.0);
    client.tables().await.unwrap();
    let error = client.tables().await.unwrap_err();
    assert!(matches!(error.class(), Class::Locked { after } if after >= Duration::from_secs(30)));
    let rest = client.paused().unwrap();
    assert!(
        rest > Duration::from_secs(29) && rest <= Duration::from_secs(31),
        "{rest:?}"
    );
    let waits = tokio::time::timeout(Duration::from_millis(300), client.tables()).await;
    assert!(waits.is_err(), "a call during the pause waits");
    assert_eq!(airtable.requests(), 2);
}

#[tokio::test]
async fn a_table_or_a_base_that_is_not_there_is_named() {
    let airtable = airtable(0.0).await;
    let schema = Schema::built_in();
    let absent = client_of(&airtable, &airtable.base_id(), "tblNowhere0000001", 50.0);
    let error = Plan::read(&absent, &schema, None).await.unwrap_err();
    assert!(error.to_string().contains("tblNowhere0000001"), "{error}");
    let none = client_of(&airtable, &airtable.base_id(), "Calls", 50.0);
    let error = locate(&none, &schema, None).await.unwrap_err();
    assert!(error.to_string().contains("bootstrap"), "{error}");
    let absent = client_of(&airtable, "appNowhere0000001", "Calls", 50.0);
    let error = absent.tables().await.unwrap_err();
    assert_eq!(
        (error.status(), error.class()),
        (Some(403), Class::Configuration)
    );
}
