//! Webhooks: which writes they report, to whom, and to nobody else.

use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use super::base::{Sim, kind};

impl Sim {
    async fn hook(&self, method: &str, rest: &str, body: Value) -> (u16, Value) {
        let base = self.airtable.base_id();
        let path = format!("/../bases/{base}/webhooks{rest}");
        self.call(method, &path, body).await
    }

    async fn hooked(&self, url: Option<&str>, filters: Value, includes: Value) -> (String, String) {
        let specification = json!({"options": {"filters": filters, "includes": includes}});
        let body = json!({"notificationUrl": url, "specification": specification});
        let (status, made) = self.hook("POST", "", body).await;
        assert_eq!(status, 200, "{made}");
        let text = |key: &str| made[key].as_str().unwrap().to_owned();
        (text("id"), text("macSecretBase64"))
    }

    /// The tables of all payloads from there on.
    async fn reported(&self, id: &str, cursor: usize) -> Vec<Value> {
        let path = format!("/{id}/payloads?cursor={cursor}");
        let (status, page) = self.hook("GET", &path, Value::Null).await;
        assert_eq!((status, &page["mightHaveMore"]), (200, &json!(false)));
        let payloads = page["payloads"].as_array().unwrap();
        assert_eq!(page["cursor"], cursor + payloads.len());
        payloads
            .iter()
            .map(|payload| payload["changedTablesById"].clone())
            .collect()
    }
}

#[tokio::test]
async fn a_webhook_tells_of_what_its_filters_let_through() {
    let sim = Sim::unlimited().await;
    let (all, _) = sim
        .hooked(None, json!({"dataTypes": ["tableData"]}), Value::Null)
        .await;
    let watching = json!({
        "dataTypes": ["tableData"], "changeTypes": ["update"], "watchDataInFieldIds": ["fldCallID00000000"],
    });
    let (watching, _) = sim
        .hooked(None, watching, json!({"includePreviousCellValues": true}))
        .await;
    let elsewhere = json!({"dataTypes": ["tableData"], "recordChangeScope": "tblNowhere0000001"});
    let (elsewhere, _) = sim.hooked(None, elsewhere, Value::Null).await;

    let (_, made) = sim.create(json!({"Call ID": "RM_1", "Size": 1})).await;
    let id = made["id"].as_str().unwrap();
    let path = format!("/Calls/{id}");
    let set = async |fields: Value| sim.call("PATCH", &path, json!({"fields": fields})).await;
    assert_eq!(set(json!({"Size": null})).await.0, 200);
    assert_eq!(set(json!({"Call ID": "RM_2"})).await.0, 200);
    assert_eq!(set(json!({"Call ID": "RM_2"})).await.0, 200);
    assert_eq!(set(json!({"Size": "many"})).await.0, 422);
    assert_eq!(sim.call("DELETE", &path, Value::Null).await.0, 200);

    let reported = sim.reported(&all, 1).await;
    let table = reported[0]
        .as_object()
        .unwrap()
        .keys()
        .next()
        .unwrap()
        .clone();
    let key = "fldCallID00000000";
    let created = &reported[0][&table]["createdRecordsById"][id];
    assert_eq!(created["createdTime"], made["createdTime"]);
    assert_eq!(created["cellValuesByFieldId"][key], "RM_1");
    let emptied = &reported[1][&table]["changedRecordsById"][id]["current"]["cellValuesByFieldId"];
    let emptied: Vec<&Value> = emptied.as_object().unwrap().values().collect();
    assert_eq!(emptied, [&Value::Null]);
    let renamed =
        json!({"changedRecordsById": {id: {"current": {"cellValuesByFieldId": {key: "RM_2"}}}}});
    assert_eq!(reported[2][&table], renamed);
    assert_eq!(reported[3][&table], json!({"destroyedRecordIds": [id]}));
    assert_eq!(
        reported.len(),
        4,
        "of nothing that changed nothing: {reported:#?}"
    );
    assert_eq!(sim.reported(&all, 4).await, reported[3..]);

    let reported = sim.reported(&watching, 1).await;
    let mut with_previous = renamed;
    with_previous["changedRecordsById"][id]["previous"] =
        json!({"cellValuesByFieldId": {key: "RM_1"}});
    assert_eq!(reported, [json!({table: with_previous})]);
    assert!(sim.reported(&elsewhere, 1).await.is_empty());
}

#[tokio::test]
async fn webhooks_are_listed_paged_refreshed_and_deleted() {
    let sim = Sim::unlimited().await;
    let refused = sim.hook("POST", "", json!({"specification": {}})).await;
    assert_eq!(kind(&refused), (422, "INVALID_REQUEST_UNKNOWN"));
    let (id, _) = sim
        .hooked(None, json!({"dataTypes": ["tableData"]}), Value::Null)
        .await;
    for n in 0..3 {
        sim.create(json!({"Size": n})).await;
    }
    let (_, page) = sim
        .hook(
            "GET",
            &format!("/{id}/payloads?cursor=2&limit=1"),
            Value::Null,
        )
        .await;
    assert_eq!(
        (
            &page["cursor"],
            &page["mightHaveMore"],
            &page["payloads"][0]["baseTransactionNumber"]
        ),
        (&json!(3), &json!(true), &json!(2))
    );
    let (_, listed) = sim.hook("GET", "", Value::Null).await;
    let listed = &listed["webhooks"][0];
    assert_eq!(
        (&listed["id"], &listed["cursorForNextPayload"]),
        (&json!(id), &json!(4))
    );
    assert_eq!(
        listed["areNotificationsEnabled"], false,
        "nowhere to send one"
    );
    let (_, refreshed) = sim
        .hook("POST", &format!("/{id}/refresh"), Value::Null)
        .await;
    assert!(refreshed["expirationTime"].as_str() >= listed["expirationTime"].as_str());
    assert_eq!(
        sim.hook("DELETE", &format!("/{id}"), Value::Null).await.0,
        200
    );
    let gone = sim
        .hook("GET", &format!("/{id}/payloads"), Value::Null)
        .await;
    assert_eq!(kind(&gone), (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"));
}

#[tokio::test]
async fn a_notification_says_which_webhook_has_news() {
    let (sender, mut came) = mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, body: Bytes| {
        let mac = headers["x-airtable-content-mac"]
            .to_str()
            .unwrap()
            .to_owned();
        let body: Value = serde_json::from_slice(&body).unwrap();
        sender.send((mac, body)).ok();
        async {}
    };
    let app = Router::new().route("/", post(take));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());

    let sim = Sim::unlimited().await;
    let data = json!({"dataTypes": ["tableData"]});
    let (silent, _) = sim.hooked(Some(&url), data.clone(), Value::Null).await;
    let silence = json!({"enable": false});
    let path = format!("/{silent}/enableNotifications");
    assert_eq!(sim.hook("POST", &path, silence).await.0, 200);
    let (id, _) = sim.hooked(Some(&url), data, Value::Null).await;
    sim.create(json!({"Call ID": "RM_1"})).await;
    let (mac, body) = came.recv().await.unwrap();
    assert!(mac.starts_with("hmac-sha256="), "{mac}");
    assert_eq!(
        (&body["webhook"]["id"], &body["base"]["id"]),
        (&json!(id), &json!(sim.airtable.base_id()))
    );
    assert_eq!(
        sim.reported(&silent, 1).await.len(),
        1,
        "recorded, not notified"
    );
    assert!(came.is_empty());
}
