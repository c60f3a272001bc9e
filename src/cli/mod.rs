//! The command line: one file a command. Nothing but the answer on stdout.

mod backfill;
pub mod base;
mod bootstrap;
mod bucket;
mod calls;
mod caretakers;
mod choice;
mod database;
#[cfg(feature = "sim")]
mod demo;
mod listen;
mod lock;
mod out;
mod record;
mod recorder;
mod redrive;
mod replay;
pub mod serve;
#[cfg(feature = "sim")]
mod sim;
mod since;
mod table;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    config::{self, Config, Source},
    store,
};

/// Records every LiveKit call, keeps the recording in your bucket, writes one Airtable row per call.
#[derive(Parser)]
#[command(name = "livekit-airtable", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service
    Serve(serve::Args),
    /// Create what is missing in the Airtable base
    Bootstrap(bootstrap::Args),
    /// Show what is known of calls
    #[command(subcommand)]
    Calls(calls::Calls),
    /// Start or stop a recording
    #[command(subcommand)]
    Record(record::Record),
    /// Send again from what is stored: without IDs what is not delivered
    Redrive(redrive::Args),
    /// Make calls anew of what was heard of them, with today's code and schema
    Replay(replay::Args),
    /// Bring history into the base: what LiveKit still lists, and recordings in the bucket
    Backfill(backfill::Args),
    /// Show the main job with stand-ins for LiveKit, storage and Airtable; needs no configuration
    #[cfg(feature = "sim")]
    Demo(demo::Args),
    /// Run one of the demo's stand-ins alone, for testing offline
    #[cfg(feature = "sim")]
    #[command(subcommand)]
    Sim(sim::Sim),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

/// Failures that scripts tell apart by the exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// 64
    #[error("{0}")]
    Usage(String),
    /// 69
    #[error("{0}")]
    Unavailable(String),
    /// 77
    #[error("{0}")]
    NotPermitted(String),
    /// 1: the answer is on stdout already.
    #[error("")]
    Told,
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to stdout, a mistake to stderr; nothing to do when neither is open.
            error.print().ok();
            let usage = error.use_stderr();
            return ExitCode::from(if usage { 64 } else { 0 });
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(run(cli.command));
            // What is still under way was given its time; waiting for it could take any time.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    if let Command::Completions { shell } = command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "livekit-airtable", &mut script);
        return out::text(&String::from_utf8_lossy(&script));
    }
    let source = Source::from_env();
    let log = Config::log(&source)?;
    crate::telemetry::init(&log.filter, log.json);
    match command {
        Command::Serve(args) => serve::run(args, &source).await,
        Command::Bootstrap(args) => bootstrap::run(args, &source).await,
        Command::Calls(calls) => calls::run(calls, &source).await,
        Command::Record(record) => record::run(record, &source).await,
        Command::Redrive(args) => redrive::run(args, &source).await,
        Command::Replay(args) => replay::run(args, &source).await,
        Command::Backfill(args) => backfill::run(args, &source).await,
        #[cfg(feature = "sim")]
        Command::Demo(args) => demo::run(args).await,
        #[cfg(feature = "sim")]
        Command::Sim(sim) => sim::run(sim).await,
        Command::Completions { .. } => Ok(()),
    }
}

/// SIGTERM or Ctrl-C.
async fn asked_to_stop() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}

fn failed(error: &anyhow::Error) -> ExitCode {
    if let Some(errors) = error.downcast_ref::<config::Errors>() {
        out::complain(&errors.to_string());
        return ExitCode::from(64);
    }
    if let Some(store::Error::Away(_)) = error.downcast_ref() {
        out::complain(&format!("{error:#}"));
        return ExitCode::from(69);
    }
    match error.downcast_ref::<Failure>() {
        Some(Failure::Told) => return ExitCode::from(1),
        Some(failure) => {
            out::complain(&failure.to_string());
            return ExitCode::from(match failure {
                Failure::Usage(_) => 64,
                Failure::Unavailable(_) => 69,
                Failure::NotPermitted(_) => 77,
                Failure::Told => 1,
            });
        }
        None => out::complain(&format!("{error:#}")),
    }
    ExitCode::from(1)
}
