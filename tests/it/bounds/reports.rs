//! What is kept of many and large reports of one call, and that a call does not contain them.

use std::time::{Duration, Instant};

use livekit_api::access_token::{AccessToken, VideoGrants};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::{database, on_both};
use crate::harness::{API_TOKEN, KEY, PATIENCE, SECRET, World};

async fn count(world: &World, sql: &'static str) -> i64 {
    let mut database = database(world).await;
    let count = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut database);
    count.await.unwrap()
}

/// Bodies of reports in the inbox.
async fn bodies(world: &World) -> i64 {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM inbox WHERE kind = 'report' AND body <> ''";
    count(world, sql).await
}

async fn becomes(world: &World, wanted: i64) {
    let begun = Instant::now();
    loop {
        let found = bodies(world).await;
        if found == wanted {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{found} bodies, not {wanted}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn taken(world: &World, report: &Value) {
    let answer = world.post("/v1/transcripts?room=desk", report).await;
    assert_eq!(answer.status(), 202);
}

fn report(job: &str, words: &str) -> Value {
    json!({ "job_id": job, "turns": [{ "role": "user", "content": words }] })
}

async fn words(world: &World, call: &str) -> String {
    let path = format!("/v1/calls/{call}/transcript.txt");
    world.get(&path).await.text().await.unwrap()
}

async fn row_has(world: &World, call: &str, words: &str) {
    let has = |row: &crate::reader::Row| row.get("Transcript").is_some_and(|text| text == words);
    world.row_where(call, has).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_reports_are_stored_once_and_three_of_each_job() {
    for world in on_both(&[("RECORD_ON", "manual")]).await {
        let call = world.livekit.open_room("desk");
        world.row_is(&call, "Live").await;
        for _ in 0..10 {
            taken(&world, &report("AJ_1", "One.")).await;
        }
        becomes(&world, 1).await;
        for n in 0..10 {
            taken(&world, &report("AJ_1", &format!("Number {n}."))).await;
        }
        becomes(&world, 3).await;
        row_has(&world, &call, "Caller: Number 9.").await;
        // What was replaced comes again, and counts.
        taken(&world, &report("AJ_1", "One.")).await;
        row_has(&world, &call, "Caller: One.").await;
        becomes(&world, 3).await;
        taken(&world, &report("AJ_2", "Two.")).await;
        row_has(&world, &call, "Caller: One.\nCaller: Two.").await;
        for n in 0..40 {
            taken(
                &world,
                &json!([{ "role": "user", "content": format!("Nobody's {n}.") }]),
            )
            .await;
        }
        row_has(&world, &call, "Caller: Nobody's 39.").await;
        becomes(&world, 7).await;
        assert_eq!(words(&world, &call).await, "Caller: Nobody's 39.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_reports_that_wait_for_their_call_are_stored_once() {
    for world in on_both(&[("RECORD_ON", "manual")]).await {
        for n in [1, 2, 1, 1, 1] {
            let body = json!([{ "role": "user", "content": format!("Number {n}.") }]);
            taken(&world, &body).await;
        }
        becomes(&world, 2).await;
        let call = world.livekit.open_room("desk");
        row_has(&world, &call, "Caller: Number 1.").await;
        becomes(&world, 2).await;
        assert_eq!(words(&world, &call).await, "Caller: Number 1.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_has_the_reports_of_its_last_32_jobs() {
    for world in on_both(&[("RECORD_ON", "manual")]).await {
        let call = world.livekit.open_room("desk");
        world.row_is(&call, "Live").await;
        for n in 0..40 {
            taken(&world, &report(&format!("AJ_{n}"), &format!("Number {n}."))).await;
        }
        becomes(&world, 32).await;
        let numbers: Vec<String> = (8..40).map(|n| format!("Caller: Number {n}.")).collect();
        row_has(&world, &call, &numbers.join("\n")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_does_not_contain_its_reports_and_an_earlier_version_keeps_the_row() {
    for mut world in on_both(&[("RECORD_ON", "manual")]).await {
        let call = world.livekit.open_room("desk");
        world.row_is(&call, "Live").await;
        let long = "A word or two. ".repeat(50_000);
        taken(&world, &report("AJ_1", &long)).await;
        world
            .row_where(&call, |row| row.contains_key("Transcript"))
            .await;
        let size = "SELECT CAST(MAX(OCTET_LENGTH(state)) AS BIGINT) FROM calls";
        assert!(count(&world, size).await < 5000);
        // Because of this an earlier version leaves the words in the row as they are.
        let marked = r#"SELECT CAST(COUNT(*) AS BIGINT) FROM calls WHERE state LIKE '%"forgotten":true%' AND state LIKE '%"dated":null,"undated":null%'"#;
        assert_eq!(count(&world, marked).await, 1);
        // Restarted, and after more events, the words are there.
        world.stop().await;
        world.start().await;
        world.livekit.close_room("desk");
        world
            .row_where(&call, |row| row.contains_key("Ended"))
            .await;
        assert_eq!(
            words(&world, &call).await.len(),
            "Caller: ".len() + long.trim().len()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_that_an_earlier_version_stored_in_a_call_are_moved_out_of_it() {
    for world in on_both(&[("RECORD_ON", "manual")]).await {
        let call = world.livekit.open_room("desk");
        world.row_is(&call, "Live").await;
        let report = r#"["2026-11-24T14:45:08Z",{"at":null,"transcript":{"text":"From before."},"fields":{"job_id":"AJ_0","summary":"Booked."}}]"#;
        let reports = format!(r#""reports":{{"dated":null,"undated":{report}}}"#);
        let sql = format!(
            r#"UPDATE calls SET revision = revision + 1, state = REPLACE(state, '"reports":{{"dated":null,"undated":null}}', '{reports}')"#
        );
        let mut database = database(&world).await;
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut database)
            .await
            .unwrap();
        assert_eq!(words(&world, &call).await, "From before.");
        world.livekit.join("desk", crate::harness::agent());
        row_has(&world, &call, "From before.").await;
        let inside = "SELECT CAST(COUNT(*) AS BIGINT) FROM calls WHERE state LIKE '%From before.%'";
        assert_eq!(count(&world, inside).await, 0);
        taken(
            &world,
            &json!({ "job_id": "AJ_1", "transcript": "And now." }),
        )
        .await;
        row_has(&world, &call, "From before.\nAnd now.").await;
        assert_eq!(words(&world, &call).await, "From before.\nAnd now.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_sends_so_many_bytes_an_hour_and_another_one_others() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let token = |identity: &str| {
        let grants = VideoGrants {
            room_admin: true,
            room: "desk".into(),
            ..VideoGrants::default()
        };
        let token = AccessToken::with_api_key(KEY, SECRET).with_grants(grants);
        token.with_identity(identity).to_jwt().unwrap()
    };
    // Not a report, so that nothing is stored; it is read all the same.
    let body = vec![b'x'; 15 << 20];
    let send = async |token: &str| {
        let request = world.http.post(world.url("/v1/transcripts?room=desk"));
        let request = request
            .bearer_auth(token)
            .header("content-type", "application/json");
        request.body(body.clone()).send().await.unwrap()
    };
    for n in 0..17 {
        assert_eq!(send(&token("greedy")).await.status(), 400, "{n}");
    }
    let refused = send(&token("greedy")).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    assert!(refused.text().await.unwrap().contains("256 MiB an hour"));
    for token in [token("another"), API_TOKEN.to_owned()] {
        assert_eq!(send(&token).await.status(), 400);
    }
}
