//! The Airtable client against a server that answers what a test tells it to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use livekit_airtable::airtable::{Class, Client, Config, Error, Written};
use serde_json::{Map, Value, json};

/// Answers in order, then an empty table; keeps what it was asked.
#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<(u16, Option<&'static str>, String)>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

#[derive(Clone)]
struct Asked {
    at: Instant,
    line: String,
    authorization: String,
    body: Value,
}

async fn answer(
    State(script): State<Script>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    script.asked.lock().unwrap().push(Asked {
        at: Instant::now(),
        line: format!("{method} {uri}"),
        authorization: headers["authorization"].to_str().unwrap().into(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    let next = script.answers.lock().unwrap().pop_front();
    let (status, retry_after, body) =
        next.unwrap_or((200, None, r#"{"records":[],"tables":[]}"#.into()));
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    if let Some(seconds) = retry_after {
        response
            .headers_mut()
            .insert("retry-after", seconds.parse().unwrap());
    }
    response
}

async fn start(answers: &[(u16, Option<&'static str>, Value)]) -> (Script, SocketAddr) {
    let script = Script::default();
    let texts = answers.iter().map(|(status, retry, body)| {
        let text = body.as_str().map_or(body.to_string(), str::to_string);
        (*status, *retry, text)
    });
    script.answers.lock().unwrap().extend(texts);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let app = Router::new().fallback(answer).with_state(script.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (script, addr)
}

fn client(addr: SocketAddr, requests_per_second: f64) -> Client {
    livekit_airtable::install_crypto();
    let config = Config {
        api_url: format!("http://{addr}"),
        token: "patSecret".into(),
        base_id: "appBase".into(),
        table: "Calls".into(),
        requests_per_second,
    };
    Client::new(
        reqwest::Client::builder().no_proxy().build().unwrap(),
        config,
    )
}

fn row(key: &str) -> Map<String, Value> {
    Map::from_iter([("fldKey".to_string(), json!(key))])
}

/// The error of one upsert that is answered like this.
async fn refused(status: u16, retry_after: Option<&'static str>, body: Value) -> Error {
    let (_, addr) = start(&[(status, retry_after, body)]).await;
    client(addr, 50.0)
        .upsert("tbl1", "fldKey", &[row("RM_1")])
        .await
        .unwrap_err()
}

#[tokio::test]
async fn an_upsert_names_fields_by_id_and_answers_in_the_order_of_its_rows() {
    let (script, addr) = start(&[(
        200,
        None,
        json!({
            "records": [{"id": "recB", "fields": {"fldKey": "RM_2"}}, {"id": "recA", "fields": {"fldKey": "RM_1"}}],
            "createdRecords": ["recA"], "updatedRecords": ["recB"],
            "details": {"message": "partialSuccess", "reasons": ["attachmentsFailedUploading"]},
        }),
    )])
    .await;
    let rows = [row("RM_1"), row("RM_2")];
    let written = client(addr, 50.0)
        .upsert("tbl1", "fldKey", &rows)
        .await
        .unwrap();
    let wanted = |id: &str, created| Written {
        record_id: id.into(),
        created,
    };
    assert_eq!(written, [wanted("recA", true), wanted("recB", false)]);
    let asked = script.asked.lock().unwrap()[0].clone();
    assert_eq!(asked.line, "PATCH /v0/appBase/tbl1");
    assert_eq!(asked.authorization, "Bearer patSecret");
    assert_eq!(
        asked.body,
        json!({
            "performUpsert": {"fieldsToMergeOn": ["fldKey"]}, "returnFieldsByFieldId": true,
            "records": [{"fields": {"fldKey": "RM_1"}}, {"fields": {"fldKey": "RM_2"}}],
        })
    );
}

#[tokio::test]
async fn an_update_is_a_batch_even_of_one() {
    let (script, addr) = start(&[(
        422,
        None,
        json!({"error": {"type": "ROW_DOES_NOT_EXIST", "message": "Record ID rec1 does not exist in this table"}}),
    )])
    .await;
    let error = client(addr, 50.0)
        .update("tbl1", &[("rec1".into(), row("RM_1"))])
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::RowGone);
    let asked = script.asked.lock().unwrap()[0].clone();
    assert_eq!(asked.line, "PATCH /v0/appBase/tbl1");
    assert_eq!(
        asked.body["records"],
        json!([{"id": "rec1", "fields": {"fldKey": "RM_1"}}])
    );
}

#[tokio::test]
async fn a_key_with_quotes_is_found_and_only_that() {
    let key = "a\"b\\c\n";
    let (script, addr) = start(&[(
        200,
        None,
        json!({"records": [{"id": "rec1", "fields": {"fldKey": key}}, {"id": "rec2", "fields": {"fldKey": "a"}}]}),
    )])
    .await;
    assert_eq!(
        client(addr, 50.0)
            .find("tbl1", "fldKey", key)
            .await
            .unwrap(),
        ["rec1"]
    );
    let line = script.asked.lock().unwrap()[0].line.clone();
    let (_, query) = line.split_once('?').unwrap();
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    assert_eq!(
        pairs[0],
        ("filterByFormula".into(), r#"{fldKey}="a\"b\\c\n""#.into())
    );
}

#[tokio::test]
async fn each_refusal_has_its_class() {
    let retry = |after: Option<u64>| Class::Retry {
        after: after.map(Duration::from_secs),
    };
    let row_of = |column: Option<&str>| Class::Row {
        column: column.map(str::to_string),
    };
    let typed = |kind: &str, message: &str| json!({"error": {"type": kind, "message": message}});
    let cases = [
        (
            401,
            None,
            typed("AUTHENTICATION_REQUIRED", "Authentication required"),
            Class::Configuration,
        ),
        (
            403,
            None,
            typed(
                "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
                "Invalid permissions",
            ),
            Class::Configuration,
        ),
        (
            404,
            None,
            json!({"error": "NOT_FOUND"}),
            Class::Configuration,
        ),
        (413, None, json!("<html>too large</html>"), Class::TooLarge),
        (
            422,
            None,
            typed("UNKNOWN_FIELD_NAME", "Unknown field name: \"fldKey\""),
            Class::UnknownField,
        ),
        (
            422,
            None,
            typed(
                "INVALID_VALUE_FOR_COLUMN",
                "Field \"Caller\" cannot accept the provided value",
            ),
            row_of(Some("Caller")),
        ),
        (
            422,
            None,
            typed("INVALID_RECORDS", "Something else"),
            row_of(None),
        ),
        (
            422,
            None,
            json!("{\"error\":{\"type\":\"INVALID_REC"),
            row_of(None),
        ),
        (
            400,
            None,
            json!("<html>bad gateway's idea</html>"),
            retry(None),
        ),
        (500, None, json!("<html>oops</html>"), retry(None)),
        (
            503,
            Some("7"),
            typed("RETRIABLE_ERROR", "later"),
            retry(Some(7)),
        ),
        (
            429,
            None,
            json!({"errors": [{"error": "PUBLIC_API_BILLING_LIMIT_EXCEEDED", "message": "m"}]}),
            Class::Quota,
        ),
        (
            200,
            None,
            json!("<html>a captive portal</html>"),
            retry(None),
        ),
        (200, None, json!({"records": []}), retry(None)),
    ];
    for (status, retry_after, body, class) in cases {
        let error = refused(status, retry_after, body.clone()).await;
        assert_eq!(error.class(), class, "{status} {body}");
    }
}

#[tokio::test]
async fn a_refusal_says_airtables_words_or_which_variable() {
    let words = json!({"error": {"type": "INVALID_VALUE_FOR_COLUMN", "message": "Field \"Caller\" cannot accept this"}});
    let text = refused(422, None, words).await.to_string();
    assert_eq!(
        text,
        "422 INVALID_VALUE_FOR_COLUMN: Field \"Caller\" cannot accept this"
    );
    let texts = [
        (401, vec!["AIRTABLE_TOKEN"]),
        (
            403,
            vec![
                "AIRTABLE_TOKEN",
                "data.records:write",
                "AIRTABLE_BASE_ID",
                "AIRTABLE_TABLE",
            ],
        ),
        (404, vec!["AIRTABLE_BASE_ID", "AIRTABLE_TABLE"]),
    ];
    for (status, parts) in texts {
        let text = refused(status, None, json!({"error": "NOT_FOUND"}))
            .await
            .to_string();
        for part in parts {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("patSecret"), "{text}");
    }
    let (_, addr) = start(&[(
        403,
        None,
        json!({"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"}}),
    )])
    .await;
    let text = client(addr, 50.0).tables().await.unwrap_err().to_string();
    assert!(text.contains("schema.bases:read"), "{text}");
}

#[tokio::test]
async fn nobody_there_is_tried_again_and_tells_no_address() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let error = client(addr, 50.0)
        .find("tbl1", "fldKey", "RM_1")
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Retry { after: None });
    assert!(!format!("{error:?}").contains("RM_1"));
}

/// One answer on a bare socket whose body ends before its Content-Length.
async fn cut_short(head: &'static str, body: &'static str) -> Error {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = socket.read(&mut request).await.unwrap();
        let text = format!("HTTP/1.1 {head}\r\ncontent-length: 500\r\n\r\n{body}");
        socket.write_all(text.as_bytes()).await.unwrap();
    });
    client(addr, 50.0).tables().await.unwrap_err()
}

#[tokio::test]
async fn a_body_cut_short_still_counts_by_its_status() {
    let error = cut_short(
        "422 Unprocessable Entity",
        r#"{"error":{"type":"UNKNOWN_FIELD_NAME","mes"#,
    )
    .await;
    assert_eq!(error.class(), Class::UnknownField);
    let error = cut_short("503 Service Unavailable\r\nretry-after: 2", "<html>").await;
    let after = Some(Duration::from_secs(2));
    assert_eq!(error.class(), Class::Retry { after });
    let error = cut_short("200 OK", r#"{"tables":["#).await;
    assert_eq!(error.class(), Class::Retry { after: None });
    assert!(matches!(error, Error::Unreachable(_)));
}

#[tokio::test]
async fn after_a_429_every_call_waits_for_the_whole_base() {
    let limited = json!({"error": {"type": "RATE_LIMIT_REACHED", "message": "m"}});
    let (script, addr) = start(&[(429, Some("0.3"), limited)]).await;
    let client = client(addr, 50.0);
    assert_eq!(client.paused(), None);
    let error = client.tables().await.unwrap_err();
    let Class::Locked { after } = error.class() else {
        panic!("{error:?}");
    };
    assert!(
        after >= Duration::from_millis(300) && after < Duration::from_millis(1300),
        "{after:?}"
    );
    assert!(client.paused().unwrap() <= after);
    assert_eq!(client.requests_per_second(), 25.0);
    client.tables().await.unwrap();
    assert_eq!(client.paused(), None);
    let asked = script.asked.lock().unwrap();
    assert!(asked[1].at - asked[0].at >= after);
}

#[tokio::test]
async fn a_429_without_retry_after_locks_for_thirty_seconds() {
    let error = refused(
        429,
        None,
        json!({"errors": [{"error": "RATE_LIMIT_REACHED"}]}),
    )
    .await;
    let Class::Locked { after } = error.class() else {
        panic!("{error:?}");
    };
    assert!((30..=31).contains(&after.as_secs()), "{after:?}");
}

#[tokio::test]
async fn no_sliding_second_holds_more_than_the_rate_also_the_first() {
    let (script, addr) = start(&[]).await;
    let client = client(addr, 5.0);
    let started = Instant::now();
    client.not_before(Duration::from_millis(300));
    let calls = (0..12).map(|_| client.tables());
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    let mut at: Vec<Instant> = script
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|asked| asked.at)
        .collect();
    at.sort();
    assert!(at[0] - started >= Duration::from_millis(300));
    for window in at.windows(6) {
        assert!(
            window[5] - window[0] >= Duration::from_secs(1),
            "{:?}",
            window[5] - window[0]
        );
    }
    for pair in at.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(150), "a burst");
    }
}
