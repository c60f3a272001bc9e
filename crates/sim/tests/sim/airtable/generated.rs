//! Generated tables and rows: a client reads what it wrote, and an upsert's keys stay unique.

use std::collections::BTreeMap;

use livekit_airtable_sim::airtable::{Airtable, Options, start};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

/// The key column, and what a generated table can have beside it.
const KEY: &str = "Key";

fn kinds() -> Vec<(&'static str, Value)> {
    let choices = json!({"choices": [{"name": "A"}, {"name": "b c"}, {"name": "É,\"1\""}]});
    let time =
        json!({"timeZone": "utc", "dateFormat": {"name": "iso"}, "timeFormat": {"name": "24hour"}});
    vec![
        ("singleLineText", Value::Null),
        ("multilineText", Value::Null),
        ("url", Value::Null),
        ("email", Value::Null),
        ("phoneNumber", Value::Null),
        ("number", json!({"precision": 8})),
        ("percent", json!({"precision": 0})),
        ("currency", json!({"precision": 2, "symbol": "€"})),
        ("duration", json!({"durationFormat": "h:mm:ss"})),
        (
            "rating",
            json!({"max": 5, "icon": "star", "color": "yellowBright"}),
        ),
        ("checkbox", json!({"icon": "check", "color": "greenBright"})),
        ("date", json!({"dateFormat": {"name": "iso"}})),
        ("dateTime", time),
        ("singleSelect", choices.clone()),
        ("multipleSelects", choices),
    ]
}

/// A value that a cell of that type takes; null and its like empty it.
fn value(kind: &str) -> BoxedStrategy<Value> {
    let text = any::<String>().prop_map(Value::from);
    let select = || prop::sample::select(vec!["A", "b c", "É,\"1\""]);
    let filled = match kind {
        "number" | "percent" | "currency" | "duration" => prop_oneof![
            (-1_000_000_000_i64..1_000_000_000).prop_map(Value::from),
            (-1e9..1e9_f64).prop_map(|n| json!((n * 1e4).round() / 1e4)),
        ]
        .boxed(),
        "rating" => (1..=5_u8).prop_map(Value::from).boxed(),
        "checkbox" => any::<bool>().prop_map(Value::from).boxed(),
        "date" => (1900..2100_i16, 1..=12_u8, 1..=28_u8)
            .prop_map(|(y, m, d)| json!(format!("{y}-{m:02}-{d:02}")))
            .boxed(),
        "dateTime" => (0..4_102_444_800_000_i64)
            .prop_map(|at| {
                json!(format!(
                    "{:.3}",
                    jiff::Timestamp::from_millisecond(at).unwrap()
                ))
            })
            .boxed(),
        "singleSelect" => select().prop_map(Value::from).boxed(),
        "multipleSelects" => prop::collection::vec(select(), 0..3)
            .prop_map(|names| json!(names))
            .boxed(),
        _ => text.boxed(),
    };
    prop_oneof![1 => Just(Value::Null), 6 => filled].boxed()
}

/// A write: the key's number, and columns (by number) with their cells.
#[derive(Debug, Clone)]
enum Write {
    Upsert(Vec<(u8, BTreeMap<usize, Value>)>),
    Update(u8, BTreeMap<usize, Value>),
    Replace(u8, BTreeMap<usize, Value>),
    Delete(u8),
}

fn writes(columns: &[usize]) -> BoxedStrategy<Vec<Write>> {
    let kinds = kinds();
    let cells: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(at, kind)| prop::option::of(value(kinds[*kind].0).prop_map(move |cell| (at, cell))))
        .collect();
    let cells = cells.prop_map(|cells| cells.into_iter().flatten().collect::<BTreeMap<_, _>>());
    let row = || (0..6_u8, cells.clone());
    let write = prop_oneof![
        4 => prop::collection::vec(row(), 1..=10).prop_map(Write::Upsert),
        2 => row().prop_map(|(key, cells)| Write::Update(key, cells)),
        1 => row().prop_map(|(key, cells)| Write::Replace(key, cells)),
        1 => (0..6_u8).prop_map(Write::Delete),
    ];
    prop::collection::vec(write, 1..12).boxed()
}

/// A table of these columns, and the rows that a reader of the requests expects: by key, the record and its cells.
struct Table<'a> {
    airtable: &'a Airtable,
    client: &'a reqwest::Client,
    name: String,
    columns: Vec<String>,
    expected: BTreeMap<String, (String, BTreeMap<usize, Value>)>,
}

impl Table<'_> {
    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("{}/v0/{path}", self.airtable.url());
        let request = self.client.request(method.parse().unwrap(), url);
        let request = request.bearer_auth("patTest").json(&body);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{method} {path} {body}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    fn path(&self, rest: &str) -> String {
        format!("{}/{}{rest}", self.airtable.base_id(), self.name)
    }

    async fn create(&self, columns: &[usize]) {
        let kinds = kinds();
        let mut fields = vec![json!({"name": KEY, "type": "singleLineText"})];
        for (name, kind) in self.columns.iter().zip(columns) {
            let (kind, options) = &kinds[*kind];
            let mut field = json!({"name": name, "type": kind});
            if !options.is_null() {
                field["options"] = options.clone();
            }
            fields.push(field);
        }
        let path = format!("meta/bases/{}/tables", self.airtable.base_id());
        self.call("POST", &path, json!({"name": self.name, "fields": fields}))
            .await;
    }

    fn fields(&self, key: &str, cells: &BTreeMap<usize, Value>) -> Map<String, Value> {
        let named = cells
            .iter()
            .map(|(at, cell)| (self.columns[*at].clone(), cell.clone()));
        named.chain([(KEY.to_owned(), json!(key))]).collect()
    }

    async fn write(&mut self, write: Write) {
        match write {
            Write::Upsert(rows) => self.upsert(rows).await,
            Write::Update(key, cells) => self.update("PATCH", key, cells).await,
            Write::Replace(key, cells) => self.update("PUT", key, cells).await,
            Write::Delete(key) => {
                if let Some((id, _)) = self.expected.remove(&name(key)) {
                    self.call("DELETE", &self.path(&format!("/{id}")), Value::Null)
                        .await;
                }
            }
        }
    }

    /// A key once in a request, as Airtable wants it.
    async fn upsert(&mut self, rows: Vec<(u8, BTreeMap<usize, Value>)>) {
        let rows: BTreeMap<String, _> = rows.into_iter().map(|(key, c)| (name(key), c)).collect();
        let records = rows
            .iter()
            .map(|(key, cells)| json!({"fields": self.fields(key, cells)}));
        let body = json!({"performUpsert": {"fieldsToMergeOn": [KEY]}, "records": records.collect::<Vec<_>>()});
        let answer = self.call("PATCH", &self.path(""), body).await;
        let made = answer["createdRecords"].as_array().unwrap().clone();
        for ((key, cells), record) in rows.into_iter().zip(answer["records"].as_array().unwrap()) {
            let id = record["id"].as_str().unwrap().to_owned();
            let known = self.expected.get(&key).map(|(id, _)| id.clone());
            assert_eq!(made.contains(&json!(id)), known.is_none(), "{key}");
            assert!(known.is_none_or(|known| known == id), "{key}");
            let row = self.expected.entry(key).or_insert((id, BTreeMap::new()));
            row.1.extend(cells);
        }
    }

    async fn update(&mut self, method: &str, key: u8, cells: BTreeMap<usize, Value>) {
        let key = name(key);
        let Some((id, _)) = self.expected.get(&key) else {
            return;
        };
        let record = json!({"id": id, "fields": self.fields(&key, &cells)});
        self.call(method, &self.path(""), json!({"records": [record]}))
            .await;
        if let Some((_, row)) = self.expected.get_mut(&key) {
            if method == "PUT" {
                row.clear();
            }
            row.extend(cells);
        }
    }

    /// All rows over pages of two are the expected ones, no key twice.
    async fn check(&self) {
        let mut rows = Vec::new();
        let mut offset = Value::Null;
        loop {
            let mut query = json!({"pageSize": 2});
            if !offset.is_null() {
                query["offset"] = offset;
            }
            let page = self.call("POST", &self.path("/listRecords"), query).await;
            rows.extend(page["records"].as_array().unwrap().clone());
            offset = page["offset"].clone();
            if offset.is_null() {
                break;
            }
        }
        assert_eq!(rows.len(), self.expected.len());
        for row in rows {
            let key = row["fields"][KEY].as_str().unwrap().to_owned();
            let (id, cells) = &self.expected[&key];
            let cells = cells.iter().filter(|(_, cell)| is_filled(cell));
            let cells = cells.map(|(at, cell)| (*at, cell.clone())).collect();
            let wanted = json!({"id": id, "fields": self.fields(&key, &cells)});
            assert_eq!(
                (&row["id"], &row["fields"]),
                (&wanted["id"], &wanted["fields"])
            );
            let one = self
                .call("GET", &self.path(&format!("/{id}")), Value::Null)
                .await;
            assert_eq!(one, row);
        }
    }
}

fn name(key: u8) -> String {
    format!("RM_{key} \"{key}\"")
}

/// Airtable leaves empty cells out, and these are empty.
fn is_filled(cell: &Value) -> bool {
    !cell.is_null() && *cell != json!("") && *cell != json!(false) && *cell != json!([])
}

#[test]
fn what_was_written_is_what_is_read() {
    livekit_airtable_sim::install_crypto();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = Options::unlimited();
    let listen = "127.0.0.1:0".parse().unwrap();
    let airtable = runtime.block_on(start(listen, options)).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let columns = prop::collection::vec(0..kinds().len(), 1..8);
    let tables = columns.prop_flat_map(|columns| (writes(&columns), Just(columns)));
    let mut runner = TestRunner::new(Config::with_cases(48));
    let done = runner.run(&tables, |(writes, columns)| {
        let mut table = Table {
            airtable: &airtable,
            client: &client,
            name: uuid::Uuid::now_v7().to_string(),
            columns: (0..columns.len()).map(|n| format!("Column {n}")).collect(),
            expected: BTreeMap::new(),
        };
        runtime.block_on(async {
            table.create(&columns).await;
            for write in writes {
                table.write(write).await;
            }
            table.check().await;
        });
        Ok(())
    });
    done.unwrap_or_else(|error| panic!("{error}"));
}
