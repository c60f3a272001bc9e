//! What the client writes and reads back.

use livekit_airtable::airtable::{Class, Written};
use serde_json::json;

use super::script::{client, row, start};

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
async fn each_row_gets_its_own_record_whatever_the_answers_order_or_its_trimmings() {
    let known = |id: &str, key: &str| (Some(id.to_owned()), row(key));
    let rows = [
        known("recA", "words"),
        (None, row("RM_2")),
        known("recC", "words"),
    ];
    let record = |id: &str, key: &str| json!({"id": id, "fields": {"fldKey": key}, "new": [1]});
    let shuffled = json!([
        record("recC", "RM_3"),
        record("recA", "RM_1"),
        record("recB", "RM_2")
    ]);
    let untold = json!([{"id": "recA"}, {"id": "recB", "fields": null}, {"id": "recC"}]);
    for records in [shuffled, untold] {
        let body = json!({"records": records, "createdRecords": null, "details": null});
        let (_, addr) = start(&[(200, None, body)]).await;
        let written = client(addr, 50.0).write("tbl1", "fldKey", &rows).await;
        let ids = written.unwrap().into_iter().map(|row| row.record_id);
        assert_eq!(ids.collect::<Vec<_>>(), ["recA", "recB", "recC"]);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_tell_a_rows_record_is_no_success() {
    let records = |ids: &[&str]| {
        let record = |id: &&str| json!({"id": id, "fields": {"fldKey": "RM_9"}});
        json!({"records": ids.iter().map(record).collect::<Vec<_>>()})
    };
    for ids in [vec!["recX"], vec![]] {
        let answers = [(200, None, records(&ids)), (200, None, records(&ids))];
        let (_, addr) = start(&answers).await;
        let client = client(addr, 50.0);
        let created = client.upsert("tbl1", "fldKey", &[row("RM_1")]).await;
        let updated = client.update("tbl1", &[("rec1".into(), row("RM_1"))]).await;
        let classes = [created.unwrap_err().class(), updated.unwrap_err().class()];
        assert!(matches!(
            classes,
            [Class::Retry { after: None }, Class::Retry { after: None }]
        ));
    }
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
