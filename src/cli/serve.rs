//! `serve`: the service.

use std::{path::PathBuf, pin::pin};

use anyhow::Context;

use super::{console::signal::shutdown, doctor};
use crate::{
    config::{Config, Source},
    service::Service,
    telemetry,
};

#[derive(clap::Args)]
pub(super) struct ServeArgs {
    /// Write the address (`IP:port`) to this file once the socket is listening
    #[arg(long, value_name = "PATH")]
    addr_file: Option<PathBuf>,
}

/// Runs until SIGTERM or Ctrl-C.
pub(super) async fn run(args: ServeArgs, source: &Source) -> anyhow::Result<()> {
    let config = Config::serve(source)?;
    let begun = telemetry::now();
    let metrics = telemetry::metrics().context("the metrics recorder could not be installed")?;
    // From the first moment on: a signal without a handler ends the process as a failure or, for the first process in a
    // container, is lost.
    let mut stop = pin!(shutdown());
    let service = tokio::select! {
        service = Service::start(&config, metrics, telemetry::now) => service?,
        stopped = &mut stop => return stopped,
    };
    warn_of(source);
    tracing::info!(address = %service.address, "listening");
    if service.store.began_at().await.is_ok_and(|at| at >= begun) {
        for finding in doctor::most_useful(source) {
            tracing::warn!("first start: {finding}");
        }
        tracing::info!("to test every permission, run `livekit-airtable doctor`");
    }
    if let Some(path) = args.addr_file {
        let line = format!("{}\n", service.address);
        std::fs::write(&path, line)
            .with_context(|| format!("{} could not be written", path.display()))?;
    }
    stop.await?;
    tracing::info!("stopping: no new requests; finishing those in progress");
    service.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// Warns of variables with a slip in their name, and of secrets that others can read.
fn warn_of(source: &Source) {
    for (name, known) in source.misspelled() {
        tracing::warn!(
            "{name} is no variable of this program and has no effect: did you mean {known}?"
        );
    }
    for file in source.exposed_files() {
        let file = file.display();
        tracing::warn!(
            "other users of this machine can read {file}, which has secrets: run chmod 600 {file}"
        );
    }
}
