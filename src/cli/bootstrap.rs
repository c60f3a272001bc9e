//! `bootstrap`: creates what is missing in the base, and stores the ids of its columns.

use anyhow::Context;

use super::{
    console::output::{Format, print_line},
    failure::Failure,
};
use crate::{
    airtable::{
        self, Class, Client, ColumnPermissions, Mapping, Plan, Schema, Step, column_permissions,
    },
    config::{self, Config, Source},
    service::airtable::{budget, client, schema},
    store::{self, After, Setting, Store},
    telemetry,
};

/// The name of a new base; people rename it as they like.
const BASE_NAME: &str = "Calls";
const VERIFIED: &str = "a test row was written, read and deleted.";
/// The key of the test row.
const TEST_ROW: &str = "livekit-airtable bootstrap: test row, safe to delete";

#[derive(clap::Args)]
pub(super) struct BootstrapArgs {
    /// Print the plan and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write nothing; exit 1 if a column is missing, has the wrong type or lacks a choice
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    /// Create a new base in this workspace (`wsp…`) and print its id; needs no AIRTABLE_BASE_ID
    #[arg(long, value_name = "WORKSPACE", conflicts_with_all = ["dry_run", "check"])]
    create_base: Option<String>,
    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
}

/// Whether the command prints, checks or applies its plan.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BootstrapMode {
    Print,
    Check,
    Apply,
}

impl BootstrapArgs {
    fn mode(&self) -> BootstrapMode {
        match (self.dry_run, self.check) {
            (true, _) => BootstrapMode::Print,
            (_, true) => BootstrapMode::Check,
            _ => BootstrapMode::Apply,
        }
    }
}

/// Creates what is missing, as the command without any option does.
pub(super) async fn apply(source: &Source) -> anyhow::Result<()> {
    let args = BootstrapArgs {
        dry_run: false,
        check: false,
        create_base: None,
        json: false,
    };
    run(args, source).await
}

/// Plans, and unless it is only to be shown, applies the plan and proves it with a test row.
pub(super) async fn run(args: BootstrapArgs, source: &Source) -> anyhow::Result<()> {
    if let Some(workspace) = &args.create_base {
        return create_base(workspace, args.json.into(), source).await;
    }
    let config = Config::airtable(source)?;
    let schema = schema(config.schema.as_deref())?;
    let mode = args.mode();
    let (store, client) = open(&config, source, mode).await?;
    let known = stored_mapping(store.as_ref(), &client).await?;
    let plan = Plan::read(&client, &schema, known.as_ref()).await;
    let mut plan = plan.map_err(|error| not_read(&error))?;
    if mode != BootstrapMode::Apply
        && let Some(store) = &store
    {
        let locked = store.locked_columns(&client.mapping_key()).await?;
        plan.mark_locked(locked.keys());
    }
    match Format::from(args.json) {
        Format::Text => print_line(plan.to_string().trim_end())?,
        Format::Json if mode != BootstrapMode::Apply => print_json(&plan)?,
        // Which columns are locked is known only when the test row was written.
        Format::Json => {}
    }
    if mode == BootstrapMode::Check && !plan.is_ok() {
        return Err(Failure::Printed.into());
    }
    let Some(store) = store.filter(|_| mode == BootstrapMode::Apply) else {
        return Ok(());
    };
    let made = Made::of(&plan);
    let applied = apply_plan(&plan, &schema, &client, &store).await;
    if let Ok(locked) = &applied {
        plan.mark_locked(locked.iter());
    }
    if args.json {
        print_json(&plan)?;
    }
    let locked = applied?;
    let locked = plan
        .steps
        .into_iter()
        .filter(|step| locked.iter().any(|name| name == step.column()));
    finish(made, &locked.collect::<Vec<_>>(), args.json.into())
}

fn print_json(plan: &Plan) -> anyhow::Result<()> {
    print_line(&serde_json::to_string_pretty(&plan.as_json())?)
}

/// Creates what is missing and proves it with a test row. Returns the locked columns.
async fn apply_plan(
    plan: &Plan,
    schema: &Schema,
    client: &Client,
    store: &Store,
) -> anyhow::Result<Vec<String>> {
    let mapping = plan.apply(client, schema).await;
    let mapping = mapping.map_err(|error| failure(&error))?;
    let table = client.mapping_key();
    store_mapping(store, &table, &mapping).await?;
    let ColumnPermissions { locked, untested } =
        verify_with_test_row(client, &schema.key().name, &mapping).await?;
    let stored = store.replace_locked_columns(&table, &locked, &untested, telemetry::now());
    stored.await?;
    Ok(locked)
}

/// The database and a client whose requests are counted in it. A command that writes nothing creates no database,
/// unless its one request is to be counted.
async fn open(
    config: &config::AirtableSettings,
    source: &Source,
    mode: BootstrapMode,
) -> anyhow::Result<(Option<Store>, Client)> {
    let database = Config::database(source)?;
    let is_counted = config.monthly_requests.is_some();
    let client = client(config, telemetry::http_client()?);
    if !(mode == BootstrapMode::Apply || is_counted || store::exists(&database)) {
        return Ok((None, client));
    }
    let store = Store::open(&database, telemetry::now()).await?;
    let ledger = budget(config, &store, telemetry::now).ledger();
    Ok((Some(store), client.counted(ledger)))
}

/// How much work the plan contained.
struct Made {
    writes: usize,
    by_hand: usize,
}

impl Made {
    fn of(plan: &Plan) -> Made {
        Made {
            writes: plan.writes(),
            by_hand: plan.by_hand(),
        }
    }
}

/// Says what was done and what is left to do by hand.
fn finish(made: Made, locked: &[Step], format: Format) -> anyhow::Result<()> {
    let created = match made.writes {
        0 => "Nothing to create",
        _ => "Created",
    };
    let lines: Vec<String> = locked.iter().map(|step| format!("  ! {step}")).collect();
    if format == Format::Json && !lines.is_empty() {
        anyhow::bail!("{}", lines.join("\n").trim_start());
    }
    let left = match made.by_hand + locked.len() {
        0 => None,
        1 => Some("the column marked !"),
        _ => Some("the columns marked !"),
    };
    if format == Format::Text {
        print_line(&format!("{created}; {VERIFIED}"))?;
        for line in &lines {
            print_line(line)?;
        }
        if let Some(left) = left {
            print_line(&format!(
                "Manual action needed for {left} above. Until then rows are written without the values that do not fit. Then run `bootstrap` again."
            ))?;
        }
    }
    match left {
        None => Ok(()),
        Some(_) => Err(Failure::Printed.into()),
    }
}

/// Creates a new base; needs no AIRTABLE_BASE_ID.
async fn create_base(workspace: &str, format: Format, source: &Source) -> anyhow::Result<()> {
    let mut config = Config::airtable_without_base(source)?;
    let schema = schema(config.schema.as_deref())?;
    let store = Store::open(&Config::database(source)?, telemetry::now()).await?;
    let http = telemetry::http_client()?;
    let without_base = client(&config, http.clone());
    let made = airtable::create_base(&without_base, &schema, workspace, BASE_NAME).await;
    let (base, mapping) = made.map_err(|error| failure(&error))?;
    // Its id first: whatever fails from here on can be repeated with it.
    let answer = serde_json::json!({ "base_id": base.id, "table_id": mapping.table_id });
    match format {
        Format::Json => print_line(&serde_json::to_string_pretty(&answer)?)?,
        Format::Text => print_line(&format!(
            "Created the base {BASE_NAME:?} with the table {:?}. Set AIRTABLE_BASE_ID={}",
            config.table, base.id
        ))?,
    }
    config.base_id = base.id;
    // The request that created the base is the first of its budget.
    let made = store.turn(&config.base_id, After::default(), None, telemetry::now());
    made.await?;
    let client = client(&config, http);
    let client = client.counted(budget(&config, &store, telemetry::now).ledger());
    store_mapping(&store, &client.mapping_key(), &mapping).await?;
    verify_with_test_row(&client, &schema.key().name, &mapping).await?;
    match format {
        Format::Json => Ok(()),
        Format::Text => print_line(&format!("Verified: {VERIFIED}")),
    }
}

async fn stored_mapping(store: Option<&Store>, client: &Client) -> anyhow::Result<Option<Mapping>> {
    let Some(store) = store else {
        return Ok(None);
    };
    let text = store.get(Setting::Columns(&client.mapping_key())).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

async fn store_mapping(store: &Store, key: &str, mapping: &Mapping) -> anyhow::Result<()> {
    let text = serde_json::to_string(mapping)?;
    store
        .set(Setting::Columns(key), &text)
        .await
        .context("the columns' ids could not be stored")
}

/// Writes, reads and deletes a test row: Airtable has no request that lists a token's scopes. Returns which columns are
/// locked by their permissions.
async fn verify_with_test_row(
    client: &Client,
    key: &str,
    mapping: &Mapping,
) -> anyhow::Result<ColumnPermissions> {
    let key_id = mapping
        .columns
        .get(key)
        .context("the key column is missing")?;
    let row = serde_json::Map::from_iter([(key_id.clone(), TEST_ROW.into())]);
    let written = client.upsert(&mapping.table_id, key_id, &[row]).await;
    let written = written.map_err(|error| failure(&error))?;
    let ids: Vec<String> = written.into_iter().map(|row| row.record_id).collect();
    let read = client.find(&mapping.table_id, key_id, TEST_ROW).await;
    let locked = match ids.first() {
        Some(id) => column_permissions(client, mapping, id, key).await,
        None => Ok(ColumnPermissions::default()),
    };
    // The row is deleted even when it could not be read.
    let deleted = client.delete(&mapping.table_id, &ids).await;
    let found = read.map_err(|error| failure(&error))?;
    deleted.map_err(|error| failure(&error))?;
    anyhow::ensure!(
        ids.iter().all(|id| found.contains(id)),
        "the test row was written to the table {}, but not found there: look for a row {TEST_ROW:?} and delete it",
        client.table()
    );
    locked.map_err(|error| failure(&error).into())
}

/// The base could not be read, which comes before anything is written.
fn not_read(error: &airtable::Error) -> Failure {
    describe(
        error,
        "The base could not be read and nothing was changed: run this again",
    )
}

fn failure(error: &airtable::Error) -> Failure {
    describe(
        error,
        "Run `bootstrap` again: it continues where it stopped",
    )
}

/// The advice for people, and the exit code.
fn describe(error: &airtable::Error, again: &str) -> Failure {
    let class = error.class();
    let text = match &class {
        Class::Retry { .. } => format!("{error}. {again}"),
        Class::Locked { .. } => {
            format!("{error}. This or another program sent too many requests. {again} after that")
        }
        Class::Quota => format!(
            "{error}. The workspace's plan allows no more requests this month, or no more rows in this base: nothing can be written until next month or until the plan is changed"
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
