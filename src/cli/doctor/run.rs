//! The command.

use std::{io::ErrorKind, net::SocketAddr, pin::pin};

use super::{
    agents, airtable, alerts, arrivals, bucket,
    cleanup::clean_up,
    clock,
    examined::{Examined, Writes},
    finding::{DATABASE, Finding, Severity},
    here, links, livekit, mirror, one_call,
    report::{Color, Report},
    row::Row,
};
use crate::{
    cli::{
        console::{output::print_error, signal::shutdown},
        failure::{FAILED, Failure},
    },
    config::Source,
    livekit::token::Keys,
    service::cannot_listen,
};

#[derive(clap::Args)]
pub(in crate::cli) struct DoctorArgs {
    /// Write no object and no row
    #[arg(long)]
    no_write: bool,
    /// Count the records of the base: a request for each hundred
    #[arg(long)]
    count: bool,
    /// Send one request to EGRESS_WEBHOOK_URL
    #[arg(long)]
    mirror_test: bool,
    /// Send one line to ALERT_WEBHOOK_URL
    #[arg(long)]
    alert_test: bool,
    /// Wait for one real call and tick each step of it; nothing else is checked
    #[arg(long, conflicts_with_all = ["no_write", "count", "mirror_test", "alert_test"])]
    call: bool,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

/// Runs all checks. Whatever they create is removed, also after Ctrl-C.
pub(in crate::cli) async fn run(args: DoctorArgs, source: &Source) -> anyhow::Result<()> {
    let writes = match args.no_write {
        true => Writes::Skipped,
        false => Writes::Allowed,
    };
    let examined = Examined::open(source, writes).await?;
    let color = Color::for_stdout(source.no_color());
    let mut report = Report::new(args.json.into(), color);
    let stopped = {
        let mut stop = pin!(shutdown());
        let checks = check(&examined, source, &args, &mut report);
        tokio::select! {
            checked = with_listener(&examined, checks) => { checked?; false }
            stopped = &mut stop => { stopped?; true }
        }
    };
    for left in clean_up(&examined).await {
        print_error(&format!("doctor could not remove {left}"));
    }
    if let Some(store) = &examined.store {
        store.close().await;
    }
    if stopped {
        print_error("stopped; what doctor had created is removed");
        return Err(Failure::Diagnosed(FAILED).into());
    }
    match report.finish()? {
        None => Ok(()),
        Some(worst) => Err(Failure::Diagnosed(worst.code()).into()),
    }
}

/// Runs the checks while a listener takes webhooks at LISTEN_ADDR, unless `serve` does.
async fn with_listener(
    examined: &Examined,
    checks: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let (Some(http), Some(livekit), false) = (
        &examined.settings.http,
        &examined.settings.livekit,
        examined.is_served,
    ) else {
        return checks.await;
    };
    if http.listen.port() == 0 {
        let why = "LISTEN_ADDR has port 0, so LiveKit's webhooks lead to no fixed address";
        examined.arrivals.close(Finding::skipped(why));
        return checks.await;
    }
    let keys = Keys::new(livekit.webhook_keys.clone());
    match arrivals::listen(http.listen, keys, examined.arrivals.clone()).await {
        Ok(listening) => tokio::select! {
            checked = checks => checked,
            // The listener ends only when its socket breaks.
            ended = listening => Ok(ended?),
        },
        Err(error) => {
            let why = match (&examined.store_error, error.kind()) {
                // It may be `serve`.
                (Some(_), ErrorKind::AddrInUse) => Finding::not_checked(DATABASE),
                _ => not_listening(http.listen, &error),
            };
            examined.arrivals.close(why);
            checks.await
        }
    }
}

/// Why the webhooks of LiveKit cannot be seen.
fn not_listening(address: SocketAddr, error: &std::io::Error) -> Finding {
    let why = cannot_listen(address, error);
    let (what, remedy) = match error.kind() {
        ErrorKind::AddrInUse => (
            why,
            "LISTEN_ADDR: stop the program that listens there; if that is `serve`, give doctor the DATABASE_URL of `serve`",
        ),
        ErrorKind::AddrNotAvailable => (
            why,
            "LISTEN_ADDR: 0.0.0.0 with the port listens on all addresses of the machine",
        ),
        ErrorKind::PermissionDenied => (
            why,
            "LISTEN_ADDR: choose a port from 1024 on, which needs no permission",
        ),
        _ => (
            format!("{why}: {error}"),
            "LISTEN_ADDR: choose another address or port",
        ),
    };
    let detail = format!("{what}, so LiveKit's webhooks cannot be received here");
    Finding::failure(Severity::Failed, detail, remedy, Row::Webhook)
}

async fn check(
    examined: &Examined,
    source: &Source,
    args: &DoctorArgs,
    report: &mut Report,
) -> anyhow::Result<()> {
    if args.call {
        return one_call::follow(examined, report).await;
    }
    let count = match args.count {
        true => airtable::Count::Records,
        false => airtable::Count::Skipped,
    };
    let payload = match args.mirror_test {
        true => mirror::Payload::Test,
        false => mirror::Payload::None,
    };
    let line = match args.alert_test {
        true => alerts::Line::Test,
        false => alerts::Line::None,
    };
    here::check(examined, source, report).await?;
    let reached = clock::check(examined, report).await?;
    livekit::check(examined, reached, report).await?;
    bucket::check(examined, report).await?;
    airtable::check(examined, count, report).await?;
    links::check(examined, report).await?;
    mirror::check(examined, payload, report).await?;
    alerts::check(examined, line, report).await?;
    agents::check(examined, report).await
}
