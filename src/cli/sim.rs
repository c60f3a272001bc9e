//! `sim airtable|livekit|storage`: one of the demo's stand-ins alone.

use std::{io::ErrorKind, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use livekit_airtable_sim::{airtable, livekit, storage};

use super::{Failure, asked_to_stop, out};

#[derive(clap::Subcommand)]
pub enum Sim {
    /// Airtable: one empty base `appSimulated00001`, any token `pat…`
    #[command(
        after_help = "It refuses what Airtable refuses, in its words, and locks a base that gets too many requests. It has records with all types of
fields, links, lookups, rollups and formulas, attachments, comments, webhooks and the schema. To make it misbehave, and to do
what people do in the interface, send it requests of its own; they need no token and do not count:
  GET    /sim                  requests, breaches of the rate limit, faults left
  POST   /sim/faults           {\"fault\", \"times\"?: 1, \"method\"?: \"PATCH\", \"after_write\"?: false}, where the fault is
                                 status (\"status\"?: 500, \"body\"?), html (\"status\"?), reset, silent (\"seconds\"?: 31),
                                 slow and truncated (the work is done), quota, lockout, no_attachments;
                                 with after_write the work is done, and then it goes wrong
  DELETE /sim/faults
  PATCH  /sim/tables/TABLE/fields/FIELD   {\"name\"?, \"type\"?, \"options\"?}
  DELETE /sim/tables/TABLE/fields/FIELD"
    )]
    Airtable {
        #[command(flatten)]
        listen: Listen,
        /// Requests a base takes in a second; 0: no limit
        #[arg(long, default_value_t = 5.0)]
        requests_per_second: f64,
        /// Requests a token may send in a second, over all bases; 0: no limit
        #[arg(long, default_value_t = 50.0)]
        token_requests_per_second: f64,
        /// How long a base, or a token, is locked after too many requests
        #[arg(long, default_value = "30s", value_parser = duration)]
        lockout: Duration,
        /// A token to look on with: its requests do not count, are never refused for their number and meet no faults
        #[arg(long, value_name = "TOKEN")]
        onlooker_token: Option<String>,
        /// A base to start with, as JSON: {"id", "name", "tables": [as the metadata API prints them, each with "records"]}
        #[arg(long, value_name = "FILE")]
        seed: Option<PathBuf>,
    },
    /// LiveKit's server and egress: key `devkey`, secret `secretsecretsecretsecretsecretsecret`
    #[command(
        after_help = "Rooms are created and deleted through LiveKit's API. People come by a request, not by WebRTC:
  POST /sim/rooms/NAME/join    {\"identity\", \"kind\"?: \"agent\" or \"sip\", \"name\"?, \"attributes\"?: {…}}; opens the room
  POST /sim/rooms/NAME/speak   sound arrives, so that there is something to record
  POST /sim/rooms/NAME/leave   {\"identity\"}
  POST /sim/rooms/NAME/close"
    )]
    Livekit {
        #[command(flatten)]
        listen: Listen,
        /// Where webhooks go
        #[arg(
            long,
            value_name = "URL",
            default_value = "http://127.0.0.1:8080/webhooks/livekit"
        )]
        webhook: Vec<String>,
    },
    /// An S3 bucket `recordings`: key `simulated`, secret `simulatedsecret`
    Storage {
        #[command(flatten)]
        listen: Listen,
        /// Where objects lie
        #[arg(long, value_name = "FOLDER", default_value = "livekit-airtable-bucket")]
        folder: PathBuf,
    },
}

#[derive(clap::Args)]
pub struct Listen {
    /// Port 0 picks one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

pub async fn run(sim: Sim) -> anyhow::Result<()> {
    match sim {
        Sim::Airtable {
            listen,
            requests_per_second,
            token_requests_per_second,
            lockout,
            onlooker_token,
            seed,
        } => {
            let seed = seed.map(read_seed).transpose()?;
            let options = airtable::Options {
                requests_per_second,
                token_requests_per_second,
                lockout,
                onlooker_token,
                seed,
            };
            let airtable = airtable::start(listen.listen, options).await;
            let airtable = airtable.map_err(|error| match error.kind() {
                ErrorKind::InvalidInput => Failure::Usage(format!("--seed: {error}")).into(),
                _ => anyhow::Error::from(error).context(listen.listen),
            })?;
            out::line(&format!("Airtable listens on {}", airtable.url()))?;
            out::line(&format!(
                "AIRTABLE_API_URL={0}\nAIRTABLE_CONTENT_URL={0}\nAIRTABLE_BASE_ID={1}\nAIRTABLE_TOKEN=patSimulated",
                airtable.url(),
                airtable.base_id()
            ))?;
            asked_to_stop().await?;
            airtable.stop();
        }
        Sim::Livekit { listen, webhook } => {
            let options = livekit::Options {
                api_key: KEY.into(),
                api_secret: SECRET.into(),
                webhook_urls: webhook,
            };
            let livekit = livekit::start(listen.listen, options).await;
            let livekit = livekit.context(listen.listen)?;
            out::line(&format!("LiveKit listens on {}", livekit.url()))?;
            let url = livekit.url();
            out::line(&format!(
                "LIVEKIT_URL={url}\nLIVEKIT_API_KEY={KEY}\nLIVEKIT_API_SECRET={SECRET}"
            ))?;
            asked_to_stop().await?;
            livekit.stop();
        }
        Sim::Storage { listen, folder } => {
            let options = storage::Options {
                folder,
                bucket: "recordings".into(),
                access_key: "simulated".into(),
                secret_key: "simulatedsecret".into(),
            };
            let storage = storage::start(listen.listen, options).await;
            let storage = storage.context(listen.listen)?;
            out::line(&format!("Storage listens on {}", storage.url()))?;
            out::line(&format!(
                "S3_ENDPOINT={}\nS3_BUCKET=recordings\nS3_ACCESS_KEY=simulated\nS3_SECRET_KEY=simulatedsecret",
                storage.url()
            ))?;
            asked_to_stop().await?;
            storage.stop();
        }
    }
    Ok(())
}

/// The key of livekit-server's development mode.
pub const KEY: &str = "devkey";
pub const SECRET: &str = "secretsecretsecretsecretsecretsecret";

fn read_seed(path: PathBuf) -> anyhow::Result<serde_json::Value> {
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("--seed: {} cannot be read", path.display()))?;
    let wrong = |error| Failure::Usage(format!("--seed: {}: {error}", path.display()));
    Ok(serde_json::from_str(&text).map_err(wrong)?)
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::config::duration(text).ok_or_else(|| "a duration like 30s or 15m".to_owned())
}
