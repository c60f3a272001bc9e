//! `sim airtable|livekit|storage`: one of the demo's stand-ins alone.

use std::{io::ErrorKind, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use livekit_airtable_sim::{airtable, livekit, storage};

use super::{
    console::{output::print_line, signal::shutdown},
    failure::Failure,
};
use crate::service::cannot_listen;

/// The API key of livekit-server's development mode.
pub(super) const KEY: &str = "devkey";
/// Its secret.
pub(super) const SECRET: &str = "secretsecretsecretsecretsecretsecret";

#[derive(clap::Subcommand)]
pub(super) enum Sim {
    /// Airtable: one empty base `appSimulated00001`
    #[command(
        after_help = "It answers as Airtable does, with Airtable's error messages, and locks a base that gets too many requests. It has records with
all types of fields, links, lookups, rollups and formulas, attachments, comments, webhooks and the schema. To inject faults, and
to do what people do in Airtable's interface, send these requests; they need no token and are not counted:
  GET    /sim                  requests, breaches of the rate limit, faults left
  POST   /sim/faults           {\"fault\", \"times\"?: 1, \"method\"?: \"PATCH\", \"after_write\"?: false}, where the fault is
                                 status (\"status\"?: 500, \"body\"?), html (\"status\"?), reset, silent (\"seconds\"?: 31),
                                 slow and truncated (the work is done), quota, lockout, no_attachments;
                                 with after_write the work is done before the fault
  DELETE /sim/faults
  PATCH  /sim/tables/TABLE/fields/FIELD   {\"name\"?, \"type\"?, \"options\"?, \"locked\"?}: locked as by \"Edit field permissions\"
  DELETE /sim/tables/TABLE/fields/FIELD
  PATCH  /sim/tables/TABLE     {\"locked\"}: no new records, as by \"Edit table permissions\"
  PATCH  /sim                  {\"record_limit\"}: how many records the base may hold; null: unlimited"
    )]
    Airtable {
        #[command(flatten)]
        listen: Listen,
        /// Requests per second that a base takes; 0: unlimited
        #[arg(long, value_name = "N", default_value_t = 5.0)]
        requests_per_second: f64,
        /// Requests per second that a token may send to all bases; 0: unlimited
        #[arg(long, value_name = "N", default_value_t = 50.0)]
        token_requests_per_second: f64,
        /// How long a base or a token is locked after too many requests
        #[arg(
            long,
            value_name = "DURATION",
            default_value = "30s",
            value_parser = duration
        )]
        lockout: Duration,
        /// The token, pat…, that it accepts; others are refused with 401, as by Airtable. Without it, any pat… is accepted
        #[arg(long, value_name = "TOKEN", value_parser = airtable_token)]
        token: Option<String>,
        /// A token for observers: its requests are not counted, not rate limited and get no faults
        #[arg(long, value_name = "TOKEN")]
        onlooker_token: Option<String>,
        /// The base at the start, as JSON: {"id", "name", "tables": [as the metadata API prints them, each with "records"]}
        #[arg(long, value_name = "FILE")]
        seed: Option<PathBuf>,
    },
    /// LiveKit's server and egress
    #[command(
        after_help = "With --beside, rooms and people are those of a real livekit-server, and only recordings are simulated: they are silent instead of
what was said. Set LIVEKIT_URL of the service to the address of this stand-in; agents and callers use the server itself. The
server needs this key, and sends its webhooks to the service as usual.

Without --beside, rooms are created and deleted through LiveKit's API. Participants join by a request, not by WebRTC:
  POST /sim/rooms/NAME/join    {\"identity\", \"kind\"?: \"agent\" or \"sip\", \"name\"?, \"attributes\"?: {…}}; opens the room
  POST /sim/rooms/NAME/speak   audio arrives, so that there is something to record
  POST /sim/rooms/NAME/leave   {\"identity\"}
  POST /sim/rooms/NAME/close"
    )]
    Livekit {
        #[command(flatten)]
        listen: Listen,
        /// Where webhooks are sent
        #[arg(
            long,
            value_name = "URL",
            default_value = "http://127.0.0.1:8080/webhooks/livekit"
        )]
        webhook: Vec<String>,
        /// A real livekit-server, which is recorded: http://127.0.0.1:7880
        #[arg(long, value_name = "URL")]
        beside: Option<String>,
        /// The API key
        #[arg(long, value_name = "KEY", default_value = KEY)]
        api_key: String,
        /// Its secret
        #[arg(long, value_name = "SECRET", default_value = SECRET)]
        api_secret: String,
    },
    /// An S3 bucket `recordings`: key `simulated`, secret `simulatedsecret`
    Storage {
        #[command(flatten)]
        listen: Listen,
        /// Where objects are stored
        #[arg(long, value_name = "FOLDER", default_value = "livekit-airtable-bucket")]
        folder: PathBuf,
    },
}

#[derive(clap::Args)]
pub(super) struct Listen {
    /// Address to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

/// Runs the stand-in until SIGTERM or Ctrl-C.
pub(super) async fn run(sim: Sim) -> anyhow::Result<()> {
    match sim {
        Sim::Airtable {
            listen,
            requests_per_second,
            token_requests_per_second,
            lockout,
            token,
            onlooker_token,
            seed,
        } => {
            let options = airtable::Options {
                requests_per_second,
                token_requests_per_second,
                lockout,
                token,
                onlooker_token,
                seed: seed.map(read_seed).transpose()?,
            };
            run_airtable(listen.listen, options).await
        }
        Sim::Livekit {
            listen,
            webhook,
            beside,
            api_key,
            api_secret,
        } => {
            let options = livekit::Options {
                api_key,
                api_secret,
                webhook_urls: webhook,
            };
            run_livekit(listen.listen, options, beside.as_deref()).await
        }
        Sim::Storage { listen, folder } => run_storage(listen.listen, folder).await,
    }
}

async fn run_airtable(listen: SocketAddr, options: airtable::Options) -> anyhow::Result<()> {
    let token = options.token.clone();
    let token = token.unwrap_or_else(|| "patSimulated".to_owned());
    let airtable = airtable::start(listen, options).await;
    let airtable = airtable.map_err(|error| match error.kind() {
        ErrorKind::InvalidInput => Failure::Usage(format!("--seed: {error}")).into(),
        _ => not_listening(listen, error),
    })?;
    // In one piece: scripts wait for the first byte.
    print_line(&format!(
        "# Airtable listens on {0}\nAIRTABLE_API_URL={0}\nAIRTABLE_CONTENT_URL={0}\nAIRTABLE_BASE_ID={1}\nAIRTABLE_TOKEN={token}",
        airtable.url(),
        airtable.base_id()
    ))?;
    shutdown().await?;
    airtable.stop();
    Ok(())
}

async fn run_livekit(
    listen: SocketAddr,
    options: livekit::Options,
    beside: Option<&str>,
) -> anyhow::Result<()> {
    let (key, secret) = (options.api_key.clone(), options.api_secret.clone());
    let started = match beside {
        Some(server) => livekit::start_beside(listen, options, server).await,
        None => livekit::start(listen, options).await,
    };
    let livekit = started.map_err(|error| not_listening(listen, error))?;
    let url = livekit.url();
    print_line(&format!(
        "# LiveKit listens on {url}\nLIVEKIT_URL={url}\nLIVEKIT_API_KEY={key}\nLIVEKIT_API_SECRET={secret}"
    ))?;
    shutdown().await?;
    livekit.stop();
    Ok(())
}

async fn run_storage(listen: SocketAddr, folder: PathBuf) -> anyhow::Result<()> {
    let options = storage::Options {
        folder,
        bucket: "recordings".into(),
        access_key: "simulated".into(),
        secret_key: "simulatedsecret".into(),
    };
    let storage = storage::start(listen, options).await;
    let storage = storage.map_err(|error| not_listening(listen, error))?;
    print_line(&format!(
        "# The bucket listens on {0}\nS3_ENDPOINT={0}\nS3_BUCKET=recordings\nS3_ACCESS_KEY=simulated\nS3_SECRET_KEY=simulatedsecret",
        storage.url()
    ))?;
    shutdown().await?;
    storage.stop();
    Ok(())
}

fn not_listening(listen: SocketAddr, error: std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::AddrInUse => {
            let why = cannot_listen(listen, &error);
            anyhow::anyhow!("--listen: {why}; choose another port")
        }
        // Not the socket's.
        ErrorKind::Other => error.into(),
        _ => anyhow::Error::from(error).context(format!("--listen: cannot listen on {listen}")),
    }
}

fn read_seed(path: PathBuf) -> anyhow::Result<serde_json::Value> {
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("--seed: {} cannot be read", path.display()))?;
    let wrong = |error| Failure::Usage(format!("--seed: {}: {error}", path.display()));
    Ok(serde_json::from_str(&text).map_err(wrong)?)
}

fn airtable_token(text: &str) -> Result<String, String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.';
    match text.starts_with("pat") && text.chars().all(is_part) {
        true => Ok(text.to_owned()),
        false => Err("a token like Airtable's: pat, then letters, digits and dots".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::config::duration(text).ok_or_else(|| "a duration like 30s or 15m".to_owned())
}
