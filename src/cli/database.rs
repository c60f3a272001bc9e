//! The database as commands use it: beside a running service, or without one.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, out};
use crate::{
    domain::Sink,
    store::{self, CallRow, Store},
    telemetry,
};

/// Works on a database that is there: a mistyped DATABASE_URL makes no empty one.
pub async fn existing<T>(
    url: &str,
    work: impl AsyncFnOnce(&Store) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if let Some(file) = store::sqlite_file(url)
        && !store::exists(url)
    {
        let text = format!("DATABASE_URL: there is no database {file}; `serve` makes it");
        return Err(Failure::Usage(text).into());
    }
    with(url, work).await
}

/// Works on the database; on SQLite it is made when there is none. It is closed whatever comes of the work: else SQLite
/// leaves files behind that belong to whoever ran the command, and that the service may not be allowed to open.
pub async fn with<T>(
    url: &str,
    work: impl AsyncFnOnce(&Store) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let store = Store::open(url, telemetry::now()).await.map_err(|error| {
        let error = anyhow::Error::from(error);
        match url.starts_with("sqlite:") {
            true => error,
            false => Failure::Unavailable(format!("{error:#}")).into(),
        }
    })?;
    let done = work(&store).await;
    store.close().await;
    done
}

/// The call of this id, or of this recording's.
pub async fn find(store: &Store, id: &str) -> anyhow::Result<CallRow> {
    if let Some(row) = store.call(id).await? {
        return Ok(row);
    }
    let row = store.call_of_egress(id).await?;
    row.ok_or_else(|| {
        anyhow::anyhow!(
            "no call or recording {id:?} is known; `calls list --room NAME` finds a room's calls"
        )
    })
}

/// Says who sends what was made due: commands do not.
pub async fn tell_who_sends(store: &Store) -> anyhow::Result<()> {
    let airtable = Sink::Airtable.as_str();
    let serves = store.is_leased(airtable, telemetry::now()).await?;
    out::complain(if serves {
        "The running service sends it now."
    } else {
        "No service runs on this database: nothing is sent until `livekit-airtable serve` does."
    });
    Ok(())
}

/// A bar on stderr, when that is a terminal.
pub fn bar(doing: &'static str, all: usize) -> ProgressBar {
    let bar = ProgressBar::new(all as u64).with_message(doing);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    // The template is ours, and right.
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The same where nobody knows how much there is.
pub fn spinner(doing: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {spinner} {pos}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::new_spinner()
        .with_message(doing)
        .with_style(style);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}
