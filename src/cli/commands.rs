//! The commands, and how one is run.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

use super::{
    audit, backfill, bootstrap, calls,
    console::output::{print_error, print_text},
    doctor,
    failure::{self, USAGE},
    healthcheck, init, record, redrive, replay, serve,
};
#[cfg(feature = "sim")]
use super::{demo, sim};
use crate::{
    config::{self, Config, LogSettings, ProxySettings, Source},
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
    /// Ask for what is needed, check each answer, write .env, and create the table
    Init(init::InitArgs),
    /// Create the missing table and columns in the Airtable base
    Bootstrap(bootstrap::BootstrapArgs),
    /// Test every permission by using it, and say what to do about what does not work
    Doctor(doctor::DoctorArgs),
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
    let advice = Advice::of(&cli.command);
    let done = match runtime() {
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
        print_error(&advice.added_to(text.trim_end(), &error));
    }
    code
}

/// Answers of the database come from its driver's threads. By default a worker that is busy with requests looks for what other
/// threads woke only now and then, and each statement of a transaction, which all requests wait for, would wait for that.
fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .global_queue_interval(1)
        .build()
}

/// What an error of a command ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Advice {
    /// Of `serve`: what examines an installation.
    Doctor,
    /// Of commands that need a configuration: where it comes from, if there is none at all.
    Configuration,
    None,
}

impl Advice {
    fn of(command: &Command) -> Advice {
        match command {
            Command::Serve(_) => Advice::Doctor,
            Command::Init(_) | Command::Doctor(_) => Advice::None,
            _ => Advice::Configuration,
        }
    }

    fn added_to(self, text: &str, error: &anyhow::Error) -> String {
        let is_empty = error.is::<config::Errors>() && Source::from_env().is_unconfigured();
        match self {
            Advice::Doctor | Advice::Configuration if is_empty => format!(
                "{text}\nThere is no .env in this folder: run {NAME} in the folder that has it, or make one with `{NAME} init`"
            ),
            Advice::Doctor if text.contains('\n') => format!("{text}\nrun `{NAME} doctor`"),
            Advice::Doctor => format!("{text}; run `{NAME} doctor`"),
            Advice::Configuration | Advice::None => text.to_owned(),
        }
    }
}

/// A log of nothing but errors; not of what the audit trail has, either.
fn quiet() -> LogSettings {
    LogSettings {
        filter: "error,audit=off,sqlx=off,rustls_platform_verifier=off".to_owned(),
        format: config::LogFormat::Text,
    }
}

fn is_demo(command: &Command) -> bool {
    match command {
        #[cfg(feature = "sim")]
        Command::Demo(_) => true,
        _ => false,
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    if let Command::Completions { shell } = command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
        return print_text(&String::from_utf8_lossy(&script));
    }
    let source = Source::from_env();
    // These two report themselves what is wrong with the configuration.
    let is_doctor = matches!(command, Command::Doctor(_) | Command::Init(_));
    let log = match Config::log(&source) {
        // Lines of the log between those of the demo would be read as a part of it.
        Ok(_) if is_demo(&command) && !source.is_set("RUST_LOG") => quiet(),
        Ok(log) if !is_doctor => log,
        Err(errors) if !is_doctor => return Err(errors.into()),
        _ => quiet(),
    };
    let format = match log.format {
        config::LogFormat::Json => LogFormat::Json,
        config::LogFormat::Text => LogFormat::Text,
    };
    telemetry::init(&log.filter, format);
    telemetry::log_panics();
    let proxies = match Config::proxies(&source) {
        Err(_) if is_doctor => ProxySettings::default(),
        proxies => proxies?,
    };
    telemetry::use_proxies(Proxies {
        http: proxies.http,
        https: proxies.https,
        none_for: proxies.none_for,
    });
    match command {
        Command::Serve(args) => serve::run(args, &source).await,
        Command::Bootstrap(args) => bootstrap::run(args, &source).await,
        Command::Init(args) => init::run(args, &source).await,
        Command::Doctor(args) => doctor::run(args, &source).await,
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
