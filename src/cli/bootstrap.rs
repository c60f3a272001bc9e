//! `bootstrap`: creates what is missing in the base, and remembers where everything is.

use anyhow::Context;

use super::{
    Failure,
    base::{airtable_client, budget, schema},
    out,
};
use crate::{
    airtable::{self, Class, Client, Mapping, Plan},
    config::{Config, Source},
    store::{self, After, Setting, Store},
    telemetry,
};

#[derive(clap::Args)]
pub struct Args {
    /// Print the plan and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write nothing; exit 1 if a column is missing, has another type or lacks a choice
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    /// Create a new base in this workspace (`wsp…`) and print its id; AIRTABLE_BASE_ID is not needed
    #[arg(long, value_name = "WORKSPACE", conflicts_with_all = ["dry_run", "check"])]
    create_base: Option<String>,
    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    if let Some(workspace) = &args.create_base {
        return create_base(workspace, args.json, source).await;
    }
    let config = Config::airtable(source)?;
    let schema = schema(&config)?;
    let database = Config::database(source)?;
    let writes = !args.dry_run && !args.check;
    // Looking leaves nothing behind, not even an empty database, unless its one request is to be counted.
    let counted = config.monthly_requests.is_some();
    let store = match writes || counted || store::exists(&database) {
        true => Some(Store::open(&database, telemetry::now()).await?),
        false => None,
    };
    let mut client = airtable_client(&config, telemetry::http_client()?);
    if let Some(store) = &store {
        client = client.counted(budget(&config, store, telemetry::now).ledger());
    }
    let known = known(store.as_ref(), &client).await?;
    let plan = Plan::read(&client, &schema, known.as_ref()).await;
    let plan = plan.map_err(|error| unprocessed(&error))?;
    if args.json {
        out::line(&serde_json::to_string_pretty(&plan.as_json())?)?;
    } else {
        out::line(plan.to_string().trim_end())?;
    }
    if args.check && !plan.is_ok() {
        return Err(Failure::Told.into());
    }
    let Some(store) = store.filter(|_| writes) else {
        return Ok(());
    };
    let mapping = plan.apply(&client, &schema).await;
    let mapping = mapping.map_err(|error| failure(&error))?;
    remember(&store, &client.mapping_key(), &mapping).await?;
    prove(&client, &schema.key().name, &mapping).await?;
    let created = match plan.writes() {
        0 => "Nothing had to be created",
        _ => "Created",
    };
    if !args.json {
        out::line(&format!("{created}; {PROVED}"))?;
    }
    let left = match plan.by_hand() {
        0 => return Ok(()),
        1 => "1 column, marked !",
        _ => "the columns marked !",
    };
    if !args.json {
        out::line(&format!(
            "Left to do by hand: {left} above. Until then rows come without what it does not take. Then run `bootstrap` again."
        ))?;
    }
    Err(Failure::Told.into())
}

const PROVED: &str = "a test row was written, read and deleted.";

/// A new base, which needs no AIRTABLE_BASE_ID.
async fn create_base(workspace: &str, json: bool, source: &Source) -> anyhow::Result<()> {
    let mut config = Config::airtable_without_base(source)?;
    let schema = schema(&config)?;
    let store = Store::open(&Config::database(source)?, telemetry::now()).await?;
    let http = telemetry::http_client()?;
    let client = airtable_client(&config, http.clone());
    let made = airtable::create_base(&client, &schema, workspace, BASE_NAME).await;
    let (base, mapping) = made.map_err(|error| failure(&error))?;
    // First of all its id: what fails from here on can be done again with it.
    let answer = serde_json::json!({ "base_id": base.id, "table_id": mapping.table_id });
    match json {
        true => out::line(&serde_json::to_string_pretty(&answer)?)?,
        false => out::line(&format!(
            "Created the base {BASE_NAME:?} with the table {:?}. Set AIRTABLE_BASE_ID={}",
            config.table, base.id
        ))?,
    }
    config.base_id = base.id;
    // The request that made it is its first.
    let made = store.turn(&config.base_id, After::default(), None, telemetry::now());
    made.await?;
    let client = airtable_client(&config, http);
    let client = client.counted(budget(&config, &store, telemetry::now).ledger());
    remember(&store, &client.mapping_key(), &mapping).await?;
    prove(&client, &schema.key().name, &mapping).await?;
    match json {
        true => Ok(()),
        false => out::line(&format!("In it {PROVED}")),
    }
}

/// People rename it as they like.
const BASE_NAME: &str = "Calls";

async fn known(store: Option<&Store>, client: &Client) -> anyhow::Result<Option<Mapping>> {
    let Some(store) = store else {
        return Ok(None);
    };
    let text = store.get(Setting::Columns(&client.mapping_key())).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

async fn remember(store: &Store, key: &str, mapping: &Mapping) -> anyhow::Result<()> {
    let text = serde_json::to_string(mapping)?;
    store
        .set(Setting::Columns(key), &text)
        .await
        .context("the columns' ids could not be remembered")
}

/// Rights are proved by using them: the token's scopes cannot be asked for.
async fn prove(client: &Client, key: &str, mapping: &Mapping) -> anyhow::Result<()> {
    let key_id = mapping
        .columns
        .get(key)
        .context("the key column is missing")?;
    let row = serde_json::Map::from_iter([(key_id.clone(), TEST_ROW.into())]);
    let written = client.upsert(&mapping.table_id, key_id, &[row]).await;
    let written = written.map_err(|error| failure(&error))?;
    let ids: Vec<String> = written.into_iter().map(|row| row.record_id).collect();
    let read = client.find(&mapping.table_id, key_id, TEST_ROW).await;
    // Whatever the reading gave, the row is taken away again.
    let deleted = client.delete(&mapping.table_id, &ids).await;
    let found = read.map_err(|error| failure(&error))?;
    deleted.map_err(|error| failure(&error))?;
    anyhow::ensure!(
        ids.iter().all(|id| found.contains(id)),
        "the test row was written, but could not be found again in the table {}: look for a row {TEST_ROW:?} and delete it",
        client.table()
    );
    Ok(())
}

const TEST_ROW: &str = "livekit-airtable bootstrap: a test, may be deleted";

/// The base could not be looked at, which comes before anything is written.
fn unprocessed(error: &airtable::Error) -> Failure {
    told(
        error,
        "The base could not be looked at, and nothing was changed: run this again",
    )
}

fn failure(error: &airtable::Error) -> Failure {
    told(error, "Run `bootstrap` again: it goes on where it was")
}

/// What a person does about it, and the exit code that says the same to a script.
fn told(error: &airtable::Error, again: &str) -> Failure {
    let class = error.class();
    let text = match &class {
        Class::Retry { .. } => format!("{error}. {again}"),
        Class::Locked { .. } => {
            format!("{error}. This or another program asked too often. {again} after that")
        }
        Class::Quota => format!(
            "{error}. The workspace's plan allows no more requests this month, or the base no more rows: nothing is written until the month turns or the plan is changed"
        ),
        _ => error.to_string(),
    };
    match (error.status(), class) {
        (Some(401 | 403), _) => Failure::NotPermitted(text),
        (_, Class::Configuration) => Failure::Usage(text),
        (None, _) | (Some(429 | 500..), _) => Failure::Unavailable(text),
        _ => Failure::Usage(text),
    }
}
