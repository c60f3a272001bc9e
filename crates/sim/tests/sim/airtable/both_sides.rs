//! Generated links, set from both sides, and deleted records: each link is there on both sides, and leads somewhere.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::{base::Sim, links::switchboard};

/// A side, the number of a record there, and the numbers on the other side that it is linked to.
#[derive(Debug, Clone)]
enum Write {
    Link(bool, usize, Vec<usize>),
    Delete(bool, usize),
}

const RECORDS: usize = 4;

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let links = prop::collection::vec(0..RECORDS, 0..RECORDS);
    let write = prop_oneof![
        5 => (any::<bool>(), 0..RECORDS, links).prop_map(|(side, n, to)| Write::Link(side, n, to)),
        1 => (any::<bool>(), 0..RECORDS).prop_map(|(side, n)| Write::Delete(side, n)),
    ];
    prop::collection::vec(write, 1..16)
}

/// Table and column of a side.
fn side(calls: bool) -> (&'static str, &'static str) {
    match calls {
        true => ("Calls", "Line"),
        false => ("Lines", "Calls"),
    }
}

/// The links of a side as pairs of ids: the line's, the call's.
fn pairs(sim: &Sim, calls: bool) -> Vec<(String, String)> {
    let (table, column) = side(calls);
    let mut pairs = Vec::new();
    for row in sim.airtable.rows(table) {
        let own = row["id"].as_str().unwrap().to_owned();
        let links = row.get(column).and_then(Value::as_array);
        for link in links.into_iter().flatten() {
            let other = link.as_str().unwrap().to_owned();
            pairs.push(match calls {
                true => (other, own.clone()),
                false => (own.clone(), other),
            });
        }
    }
    pairs.sort();
    pairs
}

async fn made(sim: &Sim, table: &str) -> Vec<String> {
    let records = json!({"records": vec![json!({"fields": {}}); RECORDS]});
    let (status, made) = sim.call("POST", &format!("/{table}"), records).await;
    assert_eq!(status, 200, "{made}");
    let ids = made["records"].as_array().unwrap().iter();
    ids.map(|record| record["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn play(writes: Vec<Write>) {
    let sim = switchboard().await;
    let ids = [made(&sim, "Lines").await, made(&sim, "Calls").await];
    let mut gone: Vec<&str> = Vec::new();
    for write in writes {
        match write {
            Write::Delete(calls, n) => {
                let id = &ids[usize::from(calls)][n];
                let path = format!("/{}/{id}", side(calls).0);
                sim.call("DELETE", &path, Value::Null).await;
                gone.push(id);
            }
            Write::Link(calls, n, to) => {
                let id = &ids[usize::from(calls)][n];
                let to: Vec<&String> = to.iter().map(|n| &ids[usize::from(!calls)][*n]).collect();
                let is_refused = to.iter().any(|id| gone.contains(&id.as_str()));
                let is_refused = is_refused || gone.contains(&id.as_str());
                let fields = json!({side(calls).1: to});
                let (status, reported) = sim.set(side(calls).0, id, fields).await;
                assert_eq!(status == 200, !is_refused, "{reported}");
                let mut links: Vec<&str> = to.iter().map(|id| id.as_str()).collect();
                links.sort_unstable();
                links.dedup();
                let of = pairs(&sim, calls);
                let of = of
                    .iter()
                    .filter(|(line, call)| id == if calls { call } else { line });
                assert!(is_refused || of.count() == links.len(), "{reported}");
            }
        }
        let (lines, calls) = (pairs(&sim, false), pairs(&sim, true));
        assert_eq!(lines, calls);
        let leads_nowhere = |(line, call): &(String, String)| {
            gone.contains(&line.as_str()) || gone.contains(&call.as_str())
        };
        assert!(!lines.iter().any(leads_nowhere), "{lines:?}");
    }
    sim.airtable.stop();
}

#[test]
fn a_link_is_there_on_both_sides() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config::with_cases(48));
    let done = runner.run(&writes(), |writes| {
        runtime.block_on(play(writes));
        Ok(())
    });
    done.unwrap_or_else(|error| panic!("{error}"));
}
