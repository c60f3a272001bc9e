//! Lists, formulas and the schema.

use serde_json::{Value, json};

use super::base::{Sim, kind};

impl Sim {
    /// Three rows beside the seeded one.
    async fn with_sizes() -> Self {
        let sim = Self::unlimited().await;
        for size in [30, 10, 20] {
            sim.create(json!({"Call ID": format!("RM_{size}"), "Size": size}))
                .await;
        }
        sim
    }

    /// The sizes of the listed rows, 0 for the seeded one, and the offset of the next page.
    async fn sizes(&self, query: &[(&str, &str)]) -> (Vec<i64>, Option<String>) {
        let request = self.request("GET", "/Calls").query(query);
        let body: Value = request.send().await.unwrap().json().await.unwrap();
        let rows = body["records"]
            .as_array()
            .unwrap_or_else(|| panic!("{body}"));
        let size = |row: &Value| row["fields"]["Size"].as_i64().unwrap_or(0);
        let sizes = rows.iter().map(size).collect();
        (sizes, body["offset"].as_str().map(str::to_owned))
    }
}

#[tokio::test]
async fn lists_are_sorted_and_cut_into_pages() {
    let sim = Sim::with_sizes().await;
    let sorted = [
        ("sort[0][field]", "Size"),
        ("sort[0][direction]", "desc"),
        ("pageSize", "3"),
    ];
    let (page, offset) = sim.sizes(&sorted).await;
    assert_eq!(page, [30, 20, 10]);
    let offset = offset.unwrap();
    let next = [&sorted[..], &[("offset", &offset)]].concat();
    assert_eq!(sim.sizes(&next).await, (vec![0], None));
    assert_eq!(
        sim.sizes(&[("maxRecords", "2"), ("offset", "")]).await,
        (vec![0, 30], None)
    );
    let lost = sim
        .call("GET", "/Calls?offset=itrX/recNobody00000001", Value::Null)
        .await;
    assert_eq!(kind(&lost), (422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"));
}

#[tokio::test]
async fn lists_are_filtered() {
    let sim = Sim::with_sizes().await;
    for (formula, expected) in [
        ("{Call ID}='RM_10'", vec![10]),
        ("OR({Size}=10, {Size} >= 30)", vec![30, 10]),
        (
            "AND(NOT({Size}=BLANK()), fldCallID00000000 != \"RM_20\")",
            vec![30, 10],
        ),
        ("RECORD_ID() = 'recSeeded00000001'", vec![0]),
        ("IF(FIND('_3', {Call ID}), TRUE(), FALSE())", vec![30]),
        ("({Size}+1)*2=22&''", vec![10]),
        (
            "IS_AFTER(CREATED_TIME(), '2020-01-01')",
            vec![0, 30, 10, 20],
        ),
    ] {
        assert_eq!(
            sim.sizes(&[("filterByFormula", formula)]).await.0,
            expected,
            "{formula}"
        );
    }
    let deep = "(".repeat(5000);
    for formula in [
        "{Nope}=1",
        "AND(",
        "'open",
        "{Size}=",
        "WHAT(1)",
        &deep,
        &"1+".repeat(5000),
    ] {
        let body = json!({"filterByFormula": formula});
        let refused = sim.call("POST", "/Calls/listRecords", body).await;
        assert_eq!(kind(&refused), (422, "INVALID_FILTER_BY_FORMULA"));
    }
}

#[tokio::test]
async fn cells_as_text_and_counted_comments() {
    let sim = Sim::unlimited().await;
    let (_, row) = sim
        .create(json!({"Call ID": "RM_1", "Size": 12, "Status": "Live"}))
        .await;
    let path = format!("/Calls/{}", row["id"].as_str().unwrap());
    let comment = json!({"text": "Call back"});
    assert_eq!(
        sim.call("POST", &format!("{path}/comments"), comment)
            .await
            .0,
        200
    );
    let query = "cellFormat=string&timeZone=utc&userLocale=en&recordMetadata[]=commentCount";
    let (status, read) = sim
        .call("GET", &format!("{path}?{query}"), Value::Null)
        .await;
    let cells = json!({"Call ID": "RM_1", "Size": "12", "Status": "Live", "Number": "2"});
    assert_eq!(
        (status, &read["fields"], &read["commentCount"]),
        (200, &cells, &json!(1))
    );
    let body = json!({"cellFormat": "string", "timeZone": "utc", "userLocale": "en", "recordMetadata": ["commentCount"]});
    let (_, list) = sim.call("POST", "/Calls/listRecords", body).await;
    assert_eq!(
        (
            &list["records"][1]["fields"],
            &list["records"][0]["commentCount"]
        ),
        (&cells, &json!(0))
    );
    for query in ["cellFormat=string", "cellFormat=xml"] {
        assert_eq!(
            sim.call("GET", &format!("/Calls?{query}"), Value::Null)
                .await
                .0,
            422
        );
    }
}

#[tokio::test]
async fn fields_need_the_options_of_their_type() {
    let sim = Sim::unlimited().await;
    let meta = format!(
        "{}/v0/meta/bases/{}/tables",
        sim.airtable.url(),
        sim.airtable.base_id()
    );
    let post = async |path: String, body: Value| {
        let request = sim
            .client
            .post(format!("{meta}{path}"))
            .bearer_auth("patX")
            .json(&body);
        let answer = request.send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap(),
        )
    };
    let first = json!({"name": "Key", "type": "singleLineText"});
    let (status, table) = post(String::new(), json!({"name": "A / b", "fields": [first]})).await;
    assert_eq!(status, 200, "{table}");
    assert_eq!(sim.call("GET", "/a%20%2F%20B", Value::Null).await.0, 200);
    let fields = format!("/{}/fields", table["id"].as_str().unwrap());
    let invalid = (422, "INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE");
    for (field, expected) in [
        (json!({"name": "N", "type": "number"}), invalid),
        (
            json!({"name": "N", "type": "number", "options": {"precision": 0}}),
            (200, ""),
        ),
        (
            json!({"name": "n", "type": "url"}),
            (422, "DUPLICATE_OR_EMPTY_FIELD_NAME"),
        ),
        (
            json!({"name": "U", "type": "url", "options": {"precision": 0}}),
            invalid,
        ),
        (
            json!({"name": "D", "type": "duration", "options": {}}),
            invalid,
        ),
        (json!({"name": "S", "type": "singleSelect"}), invalid),
        (
            json!({"name": "T", "type": "dateTime", "options": {"timeZone": "UTC",
            "dateFormat": {"name": "iso"}, "timeFormat": {"name": "24hour"}}}),
            invalid,
        ),
        (
            json!({"name": "A", "type": "autoNumber"}),
            (422, "UNSUPPORTED_FIELD_TYPE_FOR_CREATE"),
        ),
    ] {
        let answer = post(fields.clone(), field.clone()).await;
        assert_eq!(kind(&answer), expected, "{field}");
    }
    assert_eq!(
        kind(&post("/Calls/fields".to_owned(), first).await),
        (404, "TABLE_NOT_FOUND")
    );
}
