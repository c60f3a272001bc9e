//! Which columns are locked: every column is tested, whatever another one refuses.

use std::collections::BTreeMap;

use livekit_airtable::airtable::{ColumnPermissions, Mapping, column_permissions};
use serde_json::json;

use super::script::{client, start};

#[tokio::test]
async fn a_column_that_refuses_the_empty_value_hides_no_locked_one() {
    let row = || {
        let error =
            json!({"error": {"type": "INVALID_REQUEST_UNKNOWN", "message": "Invalid request"}});
        (422, None, error)
    };
    let locked = |name: &str| {
        let message = format!(
            "You are not permitted to perform this operation because the field \"{name}\" (fld{name}) has been configured to limit who can perform this operation"
        );
        let error = json!({"error": {"type": "INVALID_PERMISSIONS", "message": message}});
        (403, None, error)
    };
    let ok = || {
        (
            200,
            None,
            json!({"records": [{"id": "rec1", "fields": {}}]}),
        )
    };
    let answers = [
        row(),
        locked("DDDDDDDDDDDDDD"),
        ok(),
        row(),
        row(),
        locked("AAAAAAAAAAAAAA"),
    ];
    let (script, addr) = start(&answers).await;
    let names =
        ["A", "B", "C", "D"].map(|name| (name.to_owned(), format!("fld{}", name.repeat(14))));
    let mut columns = BTreeMap::from(names);
    columns.insert("Call ID".into(), "fldKey".into());
    let mapping = Mapping {
        table_id: "tbl1".into(),
        columns,
    };
    let found = column_permissions(&client(addr, 50.0), &mapping, "rec1", "Call ID").await;
    let expected = ColumnPermissions {
        locked: vec!["D".into(), "A".into()],
        untested: vec!["B".into()],
    };
    assert_eq!(found.unwrap(), expected);
    assert_eq!(script.asked.lock().unwrap().len(), 6);
}
