//! Airtable: the token, the base with its columns, a row, and the plan's limits.

use serde_json::Map;

use super::{
    airtable_plan::{self, REQUESTS, failure},
    examined::{Examined, Writes, not_configured},
    finding::{Finding, Group, Level, Name, Severity},
    report::Report,
    row::Row,
    traces::Trace,
};
use crate::{
    airtable::{Client, Error, Mapping, Plan, Schema, Step, Table, find_table},
    service::airtable::schema,
    store::Setting,
};

const GROUP: Group = Group::Airtable;
const TOKEN_CHECK: Name = (GROUP, "token");
const BASE_CHECK: Name = (GROUP, "base and columns");
const TOKEN: &str = "AIRTABLE_TOKEN: airtable.com/create/tokens → your token: it needs the scopes data.records:read, data.records:write, schema.bases:read, schema.bases:write, and the base under Access";

/// Whether `--count` was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    Skipped,
    Records,
}

/// What is known of the base.
struct Known {
    tables: Vec<Table>,
    /// The table's id and its columns; `None`: it lacks them.
    mapping: Option<Mapping>,
}

/// All checks of the group.
pub(super) async fn check(
    examined: &Examined,
    count: Count,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (Some(client), Some(settings)) = (examined.airtable(), &examined.settings.airtable) else {
        report.note(GROUP, "token", not_configured("AIRTABLE_*"))?;
        return Ok(());
    };
    let requests = airtable_plan::requests(examined, settings);
    let (group, check) = REQUESTS;
    report.check(group, check, requests).await?;
    let token = report.check(GROUP, "token", token(&client)).await?;
    if token != Level::Ok {
        for check in ["base and columns", "rows", "records"] {
            report.note(GROUP, check, Finding::not_checked(TOKEN_CHECK))?;
        }
    } else {
        let mut known = None;
        let base = async {
            let schema = schema(settings.schema.as_deref());
            let schema = schema.map_err(|error| {
                let remedy = "AIRTABLE_SCHEMA: correct the file";
                let severity = Severity::Configuration;
                Finding::failure(severity, error.to_string(), remedy, Row::Table)
            });
            match schema {
                Ok(schema) => base(examined, &client, &schema, &mut known).await,
                Err(found) => found,
            }
        };
        report.check(GROUP, "base and columns", base).await?;
        let row = row(examined, &client, known.as_ref());
        report.check(GROUP, "rows", row).await?;
        let records = async {
            match (count, &known) {
                (Count::Skipped, _) => {
                    Finding::skipped("--count lists them, with a request for each hundred")
                }
                (Count::Records, None) => Finding::not_checked(BASE_CHECK),
                (Count::Records, Some(known)) => {
                    airtable_plan::records(&client, settings, &known.tables).await
                }
            }
        };
        report.check(GROUP, "records", records).await?;
    }
    let others = airtable_plan::other_writers(examined, settings);
    report.check(GROUP, "other programs", others).await?;
    Ok(())
}

async fn token(client: &Client) -> Finding {
    match client.whoami().await {
        Ok(user) => Finding::ok(format!("of the user {user}")),
        Err(error) => failure(&error, TOKEN, Row::Token),
    }
}

async fn base(
    examined: &Examined,
    client: &Client,
    schema: &Schema,
    known: &mut Option<Known>,
) -> Finding {
    let tables = match client.tables().await {
        Ok(tables) => tables,
        Err(error) => {
            let remedy = format!(
                "AIRTABLE_BASE_ID: the part of the base's address that begins with app; {TOKEN}"
            );
            return failure(&error, &remedy, Row::Table);
        }
    };
    let stored = match &examined.store {
        Some(store) => store.get(Setting::Columns(&client.mapping_key())).await,
        None => Ok(None),
    };
    let stored = stored.ok().flatten();
    let stored: Option<Mapping> = stored.and_then(|text| serde_json::from_str(&text).ok());
    let table_id = stored.as_ref().map(|stored| stored.table_id.as_str());
    let columns = stored.as_ref().map(|stored| stored.columns.clone());
    let columns = columns.unwrap_or_default();
    let table = find_table(&tables, client.table(), table_id);
    let plan = Plan::compare(schema, table, client.table(), &columns);
    let mapping = table.and_then(|table| schema.map(table, &columns).ok());
    let mapping = mapping.map(|(mapping, _)| mapping);
    let wrong: Vec<&Step> = plan.steps.iter().filter(|step| !step.is_ok()).collect();
    let found = match (table, wrong.as_slice()) {
        (None, _) => Finding::failure(
            Severity::Failed,
            format!("the base has no table {:?}", client.table()),
            "AIRTABLE_TABLE: run `livekit-airtable bootstrap`, which creates it, or name another",
            Row::Table,
        ),
        (Some(table), []) => Finding::ok(format!("the table {:?} has every column", table.name)),
        (Some(_), wrong) => Finding::failure(
            Severity::Failed,
            wrong
                .iter()
                .map(|step| format!("{step}\n"))
                .collect::<String>(),
            "AIRTABLE_TABLE: run `livekit-airtable bootstrap`; a line with ! is changed by hand in Airtable",
            Row::Table,
        ),
    };
    *known = Some(Known { tables, mapping });
    found
}

/// Writes, reads and deletes a row.
async fn row(examined: &Examined, client: &Client, known: Option<&Known>) -> Finding {
    if examined.writes == Writes::Skipped {
        return Finding::skipped("--no-write");
    }
    let key_name = examined.settings.airtable.as_ref();
    let key_name = key_name.and_then(|it| schema(it.schema.as_deref()).ok());
    let key_name = key_name.map(|schema| schema.key().name.clone());
    let mapping = known.and_then(|known| known.mapping.as_ref());
    let key = mapping.and_then(|it| it.columns.get(key_name.as_deref()?));
    let (Some(mapping), Some(key)) = (mapping, key) else {
        return Finding::not_checked(BASE_CHECK);
    };
    let trace = Trace::Row {
        table_id: mapping.table_id.clone(),
        key_id: key.clone(),
    };
    examined.traces.add(trace.clone());
    match written(client, (&mapping.table_id, key), &examined.id).await {
        Ok(true) => {
            examined.traces.remove(&trace);
            Finding::ok("one was written, read and deleted")
        }
        Ok(false) => Finding::failure(
            Severity::Failed,
            format!("the row {} was written, and is not found", examined.id),
            "AIRTABLE_TABLE: look whether an automation moves or deletes new rows",
            Row::Rows,
        ),
        Err(error) => failure(&error, TOKEN, Row::Rows),
    }
}

/// Whether the row was found after it was written.
async fn written(
    client: &Client,
    (table_id, key_id): (&str, &str),
    id: &str,
) -> Result<bool, Error> {
    let row = Map::from_iter([(key_id.to_owned(), id.into())]);
    let written = client.upsert(table_id, key_id, &[row]).await?;
    let ids: Vec<String> = written.into_iter().map(|row| row.record_id).collect();
    let found = client.find(table_id, key_id, id).await;
    // It is deleted even when it could not be read.
    client.delete(table_id, &ids).await?;
    Ok(ids
        .iter()
        .all(|id| found.as_ref().is_ok_and(|found| found.contains(id)))
        || {
            found?;
            false
        })
}
