//! The commands, and how one is run.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use super::{
    audit, backfill, bootstrap, calls,
    console::output::{print_error, print_text},
    failure::{self, USAGE},
    healthcheck, record, redrive, replay, serve,
};
#[cfg(feature = "sim")]
use super::{demo, sim};
use crate::{
    config::{self, Config, Source},
    telemetry::{self, LogFormat, Proxies},
};

const NAME: &str = "livekit-airtable";

/// Records every LiveKit call, keeps the recording in your bucket, writes one Airtable row per call.
#[derive(Parser)]
#[command(name = NAME, version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service
    #[command(after_long_help = config::settings_help())]
    Serve(serve::ServeArgs),
    /// Create the missing table and columns in the Airtable base
    Bootstrap(bootstrap::BootstrapArgs),
    /// Show calls
    #[command(subcommand)]
    Calls(calls::Calls),
    /// Start or stop a recording
    #[command(subcommand)]
    Record(record::RecordCommand),
    /// Retry deliveries. Without IDs: everything pending or parked
    Redrive(redrive::RedriveArgs),
    /// Rebuild calls from stored events with the current code and schema
    Replay(replay::ReplayArgs),
    /// Import history: what LiveKit still lists, and recordings in the bucket
    Backfill(backfill::BackfillArgs),
    /// Show who listened, read, linked or changed something
    Audit(audit::AuditArgs),
    /// Succeed if the service on this machine, or in this container, is ready
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Show the service at work with stand-ins for LiveKit, storage and Airtable; needs no configuration
    #[cfg(feature = "sim")]
    Demo(demo::DemoArgs),
    /// Run one of the demo's stand-ins alone, for testing offline
    #[cfg(feature = "sim")]
    #[command(subcommand)]
    Sim(sim::Sim),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

/// Runs the command from the command line.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to stdout, an error to stderr; nothing can be done when neither is open.
            error.print().ok();
            return match error.use_stderr() {
                true => ExitCode::from(USAGE),
                false => ExitCode::SUCCESS,
            };
        }
    };
    config::return_memory();
    let done = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let done = runtime.block_on(run(cli.command));
            // What still runs has had its time; waiting for it could take for ever.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(error.into()),
    };
    let Err(error) = done else {
        return ExitCode::SUCCESS;
    };
    let (code, text) = failure::exit(&error);
    if let Some(text) = text {
        print_error(&text);
    }
    code
}

async fn run(command: Command) -> anyhow::Result<()> {
    if let Command::Completions { shell } = command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
        return print_text(&String::from_utf8_lossy(&script));
    }
    let source = Source::from_env();
    let log = Config::log(&source)?;
    let format = match log.format {
        config::LogFormat::Json => LogFormat::Json,
        config::LogFormat::Text => LogFormat::Text,
    };
    telemetry::init(&log.filter, format);
    telemetry::log_panics();
    let proxies = Config::proxies(&source)?;
    telemetry::use_proxies(Proxies {
        http: proxies.http,
        https: proxies.https,
        none_for: proxies.none_for,
    });
    match command {
        Command::Serve(args) => serve::run(args, &source).await,
        Command::Bootstrap(args) => bootstrap::run(args, &source).await,
        Command::Calls(calls) => calls::run(calls, &source).await,
        Command::Record(record) => record::run(record, &source).await,
        Command::Redrive(args) => redrive::run(args, &source).await,
        Command::Replay(args) => replay::run(args, &source).await,
        Command::Backfill(args) => backfill::run(args, &source).await,
        Command::Audit(args) => audit::run(args, &source).await,
        Command::Healthcheck(args) => healthcheck::run(args, &source).await,
        #[cfg(feature = "sim")]
        Command::Demo(args) => demo::run(args).await,
        #[cfg(feature = "sim")]
        Command::Sim(sim) => sim::run(sim).await,
        Command::Completions { .. } => Ok(()),
    }
}
