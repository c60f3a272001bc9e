//! Reads the base with pyairtable, so that tests see in a row what other people's programs see.
//!
//! One Python process serves all tests of this process, through `tests/clients/airtable/read.py`.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Stdio},
    sync::{OnceLock, mpsc},
};

use livekit_airtable_sim::airtable::{self, Airtable};
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use crate::real;

/// Cells by column, and the record's id as `id`.
pub(crate) type Row = Map<String, Value>;

const TOKEN: &str = "patReader";

/// An Airtable that the reader can read, whatever else it is configured to do.
pub(crate) async fn airtable(options: airtable::Options) -> Airtable {
    let options = airtable::Options {
        onlooker_token: Some(TOKEN.to_owned()),
        ..options
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    airtable::start(listen, options).await.unwrap()
}

/// All rows of a table.
pub(crate) async fn rows(airtable: &Airtable, table: &str) -> Vec<Row> {
    read(airtable, table, json!({})).await
}

/// The rows of a table that have this value in this column.
pub(crate) async fn rows_with(
    airtable: &Airtable,
    table: &str,
    column: &str,
    value: &str,
) -> Vec<Row> {
    read(airtable, table, json!({"key": {column: value}})).await
}

/// The row of a record, if it is there.
pub(crate) async fn row(airtable: &Airtable, table: &str, record: &str) -> Option<Row> {
    read(airtable, table, json!({"id": record})).await.pop()
}

/// `which`: `{}`, `{"key": …}` or `{"id": …}`.
async fn read(airtable: &Airtable, table: &str, which: Value) -> Vec<Row> {
    let mut question = json!({
        "url": airtable.url(), "token": TOKEN, "base": airtable.base_id(), "table": table,
    });
    let more = which.as_object().unwrap().clone();
    question.as_object_mut().unwrap().extend(more);
    let (answer, answered) = oneshot::channel();
    let asked = Asked {
        question: question.to_string(),
        answer,
    };
    desk().send(asked).expect("pyairtable's process has ended");
    let reported = answered.await.expect("pyairtable's process has ended");
    let mut reported: Value = serde_json::from_str(&reported).unwrap();
    assert!(
        reported["rows"].is_array(),
        "pyairtable, asked for {which} of {table}: {reported}"
    );
    serde_json::from_value(reported["rows"].take()).unwrap()
}

struct Asked {
    question: String,
    answer: oneshot::Sender<String>,
}

/// The queue of questions; each is answered before the next one is sent.
fn desk() -> &'static mpsc::Sender<Asked> {
    static DESK: OnceLock<mpsc::Sender<Asked>> = OnceLock::new();
    DESK.get_or_init(|| {
        let mut python = real::python("airtable/read.py");
        let piped = python.stdin(Stdio::piped()).stdout(Stdio::piped());
        let process = piped.spawn().unwrap();
        let (desk, questions) = mpsc::channel();
        std::thread::spawn(move || serve(process, questions));
        desk
    })
}

/// Ends with the process, which ends with its stdin.
fn serve(mut process: Child, questions: mpsc::Receiver<Asked>) -> Option<()> {
    let mut stdin = process.stdin.take()?;
    let mut answers = BufReader::new(process.stdout.take()?).lines();
    for asked in questions {
        writeln!(stdin, "{}", asked.question).ok()?;
        let reported = answers.next()?.ok()?;
        // No one is waiting if the test has failed meanwhile.
        asked.answer.send(reported).ok();
    }
    Some(())
}
