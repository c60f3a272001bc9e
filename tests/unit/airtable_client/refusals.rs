//! The meaning and text of each error response.

use std::time::Duration;

use livekit_airtable::airtable::{Class, Error};
use serde_json::{Value, json};

use super::script::{client, row, start};

/// The error of one upsert that is answered like this.
pub(super) async fn refused(status: u16, retry_after: Option<&'static str>, body: Value) -> Error {
    let (_, addr) = start(&[(status, retry_after, body)]).await;
    client(addr, 50.0)
        .upsert("tbl1", "fldKey", &[row("RM_1")])
        .await
        .unwrap_err()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
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
        (
            404,
            None,
            typed("MODEL_ID_NOT_FOUND", "Record recAbCdEfGhIjKlMn not found"),
            Class::RowGone,
        ),
        (301, None, json!("<html>moved</html>"), Class::Configuration),
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
    let reported = error.to_string();
    assert!(
        reported.contains("refused") && !reported.contains("127.0.0.1"),
        "{reported}"
    );
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
async fn an_address_that_is_none_is_the_configuration() {
    let config = livekit_airtable::airtable::Config {
        api_url: "airtable".into(),
        token: "patSecret".into(),
        base_id: "appBase".into(),
        table: "Calls".into(),
        requests_per_second: 50.0,
    };
    livekit_airtable::install_crypto();
    let http = reqwest::Client::builder().build().unwrap();
    let client = livekit_airtable::airtable::Client::new(http, config);
    let error = client.tables().await.unwrap_err();
    assert_eq!(error.class(), Class::Configuration);
    assert!(error.to_string().contains("AIRTABLE_API_URL"), "{error}");
}
