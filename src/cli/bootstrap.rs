//! `bootstrap`: creates what is missing in the base, and remembers where everything is.

use anyhow::Context;

use super::{Failure, out, serve};
use crate::{
    airtable::{self, Class, Client, Mapping, Plan},
    config::{Config, Source},
    store::Store,
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
    /// Create a new base in this workspace
    #[arg(long, value_name = "WORKSPACE", conflicts_with_all = ["dry_run", "check"])]
    create_base: Option<String>,
    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    let config = Config::airtable(source)?;
    let schema = serve::schema(&config)?;
    let database = Config::database(source)?;
    let store = Store::open(&database).await?;
    let client = serve::airtable_client(&config, telemetry::http_client()?);
    let client = client.counted(serve::budget(&config, &store).book());
    if let Some(workspace) = &args.create_base {
        let name = "Calls";
        let made = airtable::create_base(&client, &schema, workspace, name).await;
        let (base, mapping) = made.map_err(|error| failure(&error))?;
        out::line(&format!(
            "created base {name}: set AIRTABLE_BASE_ID={}",
            base.id
        ))?;
        let key = client.mapping_key().replace(&config.base_id, &base.id);
        return remember(&store, &key, &mapping).await;
    }
    let known = known(&store, &client).await?;
    let plan = Plan::read(&client, &schema, known.as_ref()).await;
    let plan = plan.map_err(|error| failure(&error))?;
    if args.json {
        out::line(&serde_json::to_string_pretty(&plan.as_json())?)?;
    } else {
        out::line(plan.to_string().trim_end())?;
    }
    match (args.dry_run, args.check, plan.is_ok()) {
        (true, ..) | (_, true, true) => return Ok(()),
        (_, true, false) => return Err(Failure::Told.into()),
        _ => {}
    }
    let mapping = plan.apply(&client, &schema).await;
    let mapping = mapping.map_err(|error| failure(&error))?;
    remember(&store, &client.mapping_key(), &mapping).await?;
    prove(&client, &schema.key().name, &mapping).await?;
    let done = match plan.writes() {
        0 => "Nothing had to be created; a test row was written and deleted.",
        _ => "Created; a test row was written and deleted.",
    };
    if !args.json {
        out::line(done)?;
    }
    Ok(())
}

async fn known(store: &Store, client: &Client) -> anyhow::Result<Option<Mapping>> {
    let text = store.get(&client.mapping_key()).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

async fn remember(store: &Store, key: &str, mapping: &Mapping) -> anyhow::Result<()> {
    let text = serde_json::to_string(mapping)?;
    store
        .set(key, &text)
        .await
        .context("the columns' ids could not be remembered")
}

/// Rights are proved by using them: the token's scopes cannot be asked for.
async fn prove(client: &Client, key: &str, mapping: &Mapping) -> anyhow::Result<()> {
    let key_id = mapping
        .columns
        .get(key)
        .context("the key column is missing")?;
    let value = serde_json::json!("livekit-airtable bootstrap: a test, may be deleted");
    let row = serde_json::Map::from_iter([(key_id.clone(), value)]);
    let written = client.upsert(&mapping.table_id, key_id, &[row]).await;
    let written = written.map_err(|error| failure(&error))?;
    let ids: Vec<String> = written.into_iter().map(|row| row.record_id).collect();
    let deleted = client.delete(&mapping.table_id, &ids).await;
    Ok(deleted.map_err(|error| failure(&error))?)
}

fn failure(error: &airtable::Error) -> Failure {
    let text = error.to_string();
    match (error.status(), error.class()) {
        (Some(401 | 403), _) => Failure::NotPermitted(text),
        (_, Class::Configuration) => Failure::Usage(text),
        (None, _) | (Some(429 | 500..), _) => Failure::Unavailable(text),
        _ => Failure::Usage(text),
    }
}
