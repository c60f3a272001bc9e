//! Links between tables, and lookups through them.

use livekit_airtable_sim::airtable::{Options, start};
use serde_json::{Value, json};

use super::base::{Sim, kind};

const LINE: &str = "recLine0000000001";

/// Lines of a switchboard, and the calls on them.
pub(super) async fn switchboard() -> Sim {
    livekit_airtable_sim::install_crypto();
    let through = |field: &str, formula: Option<&str>| {
        let mut options =
            json!({"recordLinkFieldId": "fldCalls000000001", "fieldIdInLinkedTable": field});
        if let Some(formula) = formula {
            options["formula"] = json!(formula);
        }
        options
    };
    let seed = json!({"tables": [
        {"id": "tblLines000000001", "name": "Lines", "fields": [
            {"name": "Name", "type": "singleLineText"},
            {"id": "fldCalls000000001", "name": "Calls", "type": "multipleRecordLinks",
             "options": {"linkedTableId": "tblCalls000000001", "inverseLinkFieldId": "fldLine0000000001"}},
            {"name": "Count", "type": "count", "options": {"recordLinkFieldId": "fldCalls000000001"}},
            {"id": "fldSizes000000001", "name": "Sizes", "type": "multipleLookupValues",
             "options": through("fldSize0000000001", None)},
            {"name": "Tags", "type": "multipleLookupValues", "options": through("fldTags0000000001", None)},
            {"name": "Sum", "type": "rollup", "options": through("fldSize0000000001", Some("SUM(values)"))},
            {"name": "Kinds", "type": "rollup",
             "options": through("fldTags0000000001", Some("ARRAYJOIN(ARRAYUNIQUE(values), '/')"))},
            {"name": "Ids", "type": "rollup", "options": through("fldCallID00000000", None)},
            {"name": "Wrong", "type": "rollup", "options": through("fldSize0000000001", Some("SUM(nothing)"))},
        ], "records": [{"id": LINE, "fields": {"Name": "front desk"}}]},
        {"id": "tblCalls000000001", "name": "Calls", "fields": [
            {"id": "fldCallID00000000", "name": "Call ID", "type": "singleLineText"},
            {"id": "fldSize0000000001", "name": "Size", "type": "number", "options": {"precision": 0}},
            {"id": "fldTags0000000001", "name": "Tags", "type": "multipleSelects",
             "options": {"choices": [{"name": "long"}, {"name": "loud"}]}},
            {"id": "fldLine0000000001", "name": "Line", "type": "multipleRecordLinks",
             "options": {"linkedTableId": "tblLines000000001", "inverseLinkFieldId": "fldCalls000000001"}},
            {"name": "Of the line", "type": "multipleLookupValues",
             "options": {"recordLinkFieldId": "fldLine0000000001", "fieldIdInLinkedTable": "fldSizes000000001"}},
        ]},
    ]});
    let options = Options {
        seed: Some(seed),
        ..Options::unlimited()
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    let airtable = start(listen, options).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Sim { airtable, client }
}

impl Sim {
    /// A call's record id.
    async fn call_of(&self, id: &str, more: Value) -> String {
        let mut fields = more;
        fields["Call ID"] = json!(id);
        let (status, made) = self.create(fields).await;
        assert_eq!(status, 200, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    async fn line(&self) -> Value {
        let path = format!("/Lines/{LINE}");
        let (status, line) = self.call("GET", &path, Value::Null).await;
        assert_eq!(status, 200, "{line}");
        line["fields"].clone()
    }

    pub(super) async fn set(&self, table: &str, record: &str, fields: Value) -> (u16, Value) {
        let path = format!("/{table}/{record}");
        self.call("PATCH", &path, json!({"fields": fields})).await
    }
}

#[tokio::test]
async fn a_link_is_there_on_both_sides_and_goes_with_the_record() {
    let sim = switchboard().await;
    let one = sim.call_of("RM_1", json!({"Line": [LINE]})).await;
    let two = sim.call_of("RM_2", json!({})).await;
    assert_eq!(sim.line().await["Calls"], json!([one]));
    // From the other side; one comes, one goes.
    sim.set("Lines", LINE, json!({"Calls": [two, two]})).await;
    assert_eq!(sim.line().await["Calls"], json!([two]));
    let rows = sim.airtable.rows("Calls");
    assert_eq!(
        (rows[0].get("Line"), &rows[1]["Line"]),
        (None, &json!([LINE]))
    );
    sim.set("Calls", &one, json!({"Line": [LINE]})).await;
    assert_eq!(sim.line().await["Calls"], json!([two, one]));
    let path = format!("/Calls?records[]={two}");
    assert_eq!(sim.call("DELETE", &path, Value::Null).await.0, 200);
    assert_eq!(sim.line().await["Calls"], json!([one]));
    let path = format!("/Lines/{LINE}");
    assert_eq!(sim.call("DELETE", &path, Value::Null).await.0, 200);
    assert_eq!(sim.airtable.rows("Calls")[0].get("Line"), None);
}

#[tokio::test]
async fn a_link_leads_to_a_record_of_the_linked_table_or_nothing_is_written() {
    let sim = switchboard().await;
    let call = sim.call_of("RM_1", json!({})).await;
    for (links, refusal) in [
        (json!(["recNobody00000001"]), "ROW_DOES_NOT_EXIST"),
        (json!([call]), "ROW_TABLE_DOES_NOT_MATCH_LINKED_TABLE"),
        (json!(["front desk"]), "INVALID_VALUE_FOR_COLUMN"),
        (json!([7]), "INVALID_VALUE_FOR_COLUMN"),
        (json!("front desk"), "INVALID_VALUE_FOR_COLUMN"),
    ] {
        let rows = json!({"records": [
            {"fields": {"Call ID": "RM_2", "Line": [LINE]}}, {"fields": {"Call ID": "RM_3", "Line": links}},
        ]});
        let refused = sim.call("POST", "/Calls", rows).await;
        assert_eq!(kind(&refused), (422, refusal), "{links}");
    }
    assert_eq!(sim.airtable.rows("Calls").len(), 1);
    assert_eq!(sim.line().await.get("Calls"), None, "nor on the other side");
    let body = json!({"typecast": true, "fields": {"Call ID": "RM_4", "Line": "front desk, hall"}});
    let (status, made) = sim.call("POST", "/Calls", body).await;
    assert_eq!(status, 200, "{made}");
    let lines = sim.airtable.rows("Lines");
    assert_eq!(lines[1]["Name"], "hall", "made by its name");
    assert_eq!(made["fields"]["Line"], json!([LINE, lines[1]["id"]]));
    assert_eq!(lines[1]["Calls"], json!([made["id"]]));
}

#[tokio::test]
async fn lookups_rollups_and_counts_follow_the_links() {
    let sim = switchboard().await;
    assert_eq!(
        sim.line().await,
        json!({"Name": "front desk", "Count": 0, "Sum": 0, "Wrong": {"error": "#ERROR!"}})
    );
    let more = json!({"Size": 3, "Tags": ["long", "loud"], "Line": [LINE]});
    let one = sim.call_of("RM_1", more).await;
    sim.call_of("RM_2", json!({"Line": [LINE]})).await;
    sim.call_of("RM_3", json!({"Size": 4, "Tags": ["loud"], "Line": [LINE]}))
        .await;
    let line = sim.line().await;
    let wanted = json!({
        "Count": 3, "Sizes": [3, 4], "Tags": ["long", "loud", "loud"], "Sum": 7, "Kinds": "long/loud",
        "Ids": "RM_1, RM_2, RM_3",
    });
    for (name, cell) in wanted.as_object().unwrap() {
        assert_eq!(&line[name], cell, "{name}");
    }
    // A lookup of a lookup, in a list, sorted and filtered.
    let query =
        json!({"filterByFormula": "FIND('4', {Of the line})", "sort": [{"field": "Of the line"}]});
    let (_, found) = sim.call("POST", "/Calls/listRecords", query).await;
    assert_eq!(found["records"][0]["fields"]["Of the line"], json!([3, 4]));
    let query = json!({"filterByFormula": "AND({Sum}=7, {Count}>2)"});
    let (_, found) = sim.call("POST", "/Lines/listRecords", query).await;
    assert_eq!(found["records"][0]["id"], LINE);
    sim.set("Calls", &one, json!({"Line": null})).await;
    let line = sim.line().await;
    assert_eq!((&line["Sum"], &line["Sizes"]), (&json!(4), &json!([4])));
    assert_eq!(line["Kinds"], "loud");
    let refused = sim.set("Lines", LINE, json!({"Sum": 1})).await;
    assert_eq!(kind(&refused), (422, "INVALID_VALUE_FOR_COLUMN"));
}

#[tokio::test]
async fn a_field_of_links_that_is_made_brings_the_field_of_the_other_side() {
    let sim = switchboard().await;
    let base = sim.airtable.base_id();
    let path = format!("/../meta/bases/{base}/tables/tblCalls000000001/fields");
    let field = |options: Value| json!({"name": "Before", "type": "multipleRecordLinks", "options": options});
    for options in [
        Value::Null,
        json!({}),
        json!({"linkedTableId": "tblNowhere0000001"}),
    ] {
        let refused = sim.call("POST", &path, field(options)).await;
        assert_eq!(
            kind(&refused),
            (422, "INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE")
        );
    }
    let lines = json!({"linkedTableId": "tblLines000000001"});
    let (status, made) = sim.call("POST", &path, field(lines)).await;
    assert_eq!(status, 200, "{made}");
    let call = sim.call_of("RM_1", json!({"Before": [LINE]})).await;
    let line = sim.line().await;
    assert_eq!(line["Calls 2"], json!([call]), "`Calls` is taken: {line}");
    let path = format!("/../meta/bases/{base}/tables");
    let (_, schema) = sim.call("GET", &path, Value::Null).await;
    let fields = schema["tables"][0]["fields"].as_array().unwrap();
    let inverse = fields
        .iter()
        .find(|field| field["name"] == "Calls 2")
        .unwrap();
    assert_eq!(made["options"]["inverseLinkFieldId"], inverse["id"]);
    assert_eq!(inverse["options"]["inverseLinkFieldId"], made["id"]);
    // A new table may link to an older one.
    let table = json!({"name": "Notes", "fields": [
        {"name": "Text", "type": "singleLineText"},
        {"name": "Call", "type": "multipleRecordLinks", "options": {"linkedTableId": "tblCalls000000001"}},
    ]});
    let (status, made) = sim.call("POST", &path, table).await;
    assert_eq!(status, 200, "{made}");
    assert!(made["fields"][1]["options"]["inverseLinkFieldId"].is_string());
    let note = json!({"fields": {"Text": "loud", "Call": [call]}});
    let (_, note) = sim.call("POST", "/Notes", note).await;
    assert_eq!(sim.airtable.rows("Calls")[0]["Notes"], json!([note["id"]]));
}
