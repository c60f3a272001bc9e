//! The database and its disk.

use std::{fs::File, io::Read, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    examined::Examined,
    finding::{Finding, Severity},
    local::folder,
    row::Row,
};
use crate::{
    domain::counted,
    store::{self, Growth, Store, free_bytes, sqlite_file},
};

/// A write that takes longer slows webhooks down.
const SLOW_WRITE: Duration = Duration::from_millis(500);
/// A log of this size was not written back for long.
const LARGE_LOG: u64 = 256 << 20;
/// How a SQLite database begins.
const HEADER: &[u8] = b"SQLite format 3\0";
const MIB: u64 = 1 << 20;
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// With fewer days left, somebody should look.
const FEW_DAYS: u64 = 30;
/// With fewer days left, somebody must act.
const LAST_DAYS: u64 = 3;

/// The database opens, is ours, and takes a write.
pub(super) async fn database(examined: &Examined) -> Finding {
    let Some(url) = &examined.settings.database_url else {
        return super::examined::not_configured("DATABASE_URL");
    };
    match (&examined.store, &examined.store_error) {
        (Some(store), _) => written(examined, store, url).await,
        (None, Some(error)) => not_opened(error, url),
        (None, None) => first_write(examined, url),
    }
}

async fn written(examined: &Examined, store: &Store, url: &str) -> Finding {
    let took = match store.try_write(&examined.id, examined.now()).await {
        Ok(took) => took,
        Err(error) => {
            let detail = format!("the database cannot be written: {error}");
            let remedy = "DATABASE_URL: check the permissions of the file and its folder, whether the disk is full, and whether another program locks it";
            return Finding::failure(Severity::Failed, detail, remedy, Row::Database);
        }
    };
    let ms = took.as_millis();
    if took > SLOW_WRITE {
        let detail = format!("a write took {ms} ms; each webhook waits for one");
        let remedy = "DATABASE_URL: use a faster disk, or a PostgreSQL database nearby";
        return Finding::warning(detail, remedy, Row::Database);
    }
    let log = log_bytes(url);
    if log > LARGE_LOG {
        let detail = format!("the write-ahead log has {} MiB", log / MIB);
        let remedy = "DATABASE_URL: a program that reads the database keeps SQLite from writing the log back; end it";
        return Finding::warning(detail, remedy, Row::Database);
    }
    let version = store::newest_migration();
    let log = match sqlite_file(url) {
        Some(_) => format!(", write-ahead log {} KiB", log / 1024),
        None => String::new(),
    };
    Finding::ok(format!(
        "of this program, migration {version}; a write reached the disk in {ms} ms{log}"
    ))
}

fn log_bytes(url: &str) -> u64 {
    let file = sqlite_file(url);
    let log = file.and_then(|file| std::fs::metadata(format!("{file}-wal")).ok());
    log.map_or(0, |log| log.len())
}

fn not_opened(error: &store::Error, url: &str) -> Finding {
    let free = sqlite_file(url).and_then(|file| free_bytes(folder(&file)));
    if free.is_some_and(|free| free < MIB) {
        return Finding::failure(
            Severity::Failed,
            "the disk is full, so the database can be neither opened nor written",
            "free space on the disk of DATABASE_URL, or use a larger one; what was acknowledged is not lost",
            Row::Database,
        );
    }
    let severity = match error {
        store::Error::Away(_) => Severity::Unavailable,
        store::Error::Pooler(_) | store::Error::Tls(_) => Severity::Configuration,
        _ => Severity::Failed,
    };
    let remedy =
        "DATABASE_URL: name the database of this service, and run doctor as the service's user";
    let broken = sqlite_file(url).and_then(|file| broken(&file));
    let detail = broken.unwrap_or_else(|| describe(error));
    Finding::failure(severity, detail, remedy, Row::Database)
}

/// What is wrong with the file of a SQLite database, as far as the file itself shows it.
fn broken(file: &str) -> Option<String> {
    let opened = File::options().read(true).write(true).open(file);
    let mut start = Vec::new();
    match opened.map(|file| file.take(HEADER.len() as u64).read_to_end(&mut start)) {
        Err(error) => Some(format!("{file} cannot be opened for writing: {error}")),
        Ok(_) if !start.is_empty() && start != HEADER => {
            Some(format!("{file} is not a SQLite database"))
        }
        Ok(_) => None,
    }
}

/// The error with its causes.
fn describe(error: &store::Error) -> String {
    let (mut text, mut source) = (error.to_string(), std::error::Error::source(error));
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// There is no database yet: whether `serve` can make one.
fn first_write(examined: &Examined, url: &str) -> Finding {
    let Some(file) = sqlite_file(url) else {
        return Finding::skipped("there is no database yet");
    };
    let folder = std::path::absolute(folder(&file)).unwrap_or_else(|_| folder(&file).into());
    let trial = folder.join(&examined.id);
    let written = std::fs::write(&trial, &examined.id).and_then(|()| std::fs::remove_file(&trial));
    match written {
        Ok(()) => Finding::ok(format!("there is none yet; `serve` creates {file}")),
        Err(error) => Finding::failure(
            Severity::Failed,
            format!(
                "{file} cannot be created in the folder {}: {error}",
                folder.display()
            ),
            "DATABASE_URL: name a file in a folder that this user can write",
            Row::Database,
        ),
    }
}

/// The disk has room for the next weeks.
pub(super) async fn disk(examined: &Examined) -> Finding {
    let url = examined.settings.database_url.as_deref();
    let Some(file) = url.and_then(sqlite_file) else {
        return Finding::skipped("the database is not a file of this machine");
    };
    let Some(free) = free_bytes(folder(&file)) else {
        return Finding::skipped("the system does not say how much is free");
    };
    let growth = match &examined.store {
        Some(store) => store.growth(examined.now()).await.ok().flatten(),
        None => None,
    };
    let days = growth.map(|growth| days_left(free, growth, examined.now()));
    let free = free / MIB;
    let detail = match days {
        Some(days) if days <= 3650 => {
            format!(
                "{free} MiB free: {} at this week's growth",
                counted(days, "day", "days")
            )
        }
        _ => format!("{free} MiB free"),
    };
    let remedy = "free space on the disk of DATABASE_URL, use a larger one, or lower KEEP";
    match (free, days) {
        (0, _) => Finding::failure(Severity::Failed, detail, remedy, Row::Disk),
        (_, Some(days)) if days < LAST_DAYS => {
            Finding::failure(Severity::Failed, detail, remedy, Row::Disk)
        }
        (_, Some(days)) if days < FEW_DAYS => Finding::warning(detail, remedy, Row::Disk),
        _ => Finding::ok(detail),
    }
}

fn days_left(free: u64, growth: Growth, now: Timestamp) -> u64 {
    let span = now
        .duration_since(growth.since)
        .max(DAY)
        .as_secs()
        .unsigned_abs();
    let a_day = growth.bytes.saturating_mul(86_400) / span.max(1);
    free / a_day.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_at_the_growth_of_this_week() {
        let now = Timestamp::from_second(10_000_000).unwrap();
        let left = |bytes, days: i64| {
            let since = now - SignedDuration::from_hours(24 * days);
            days_left(7000, Growth { bytes, since }, now)
        };
        assert_eq!(left(700, 7), 70);
        assert_eq!(left(100, 1), 70);
        assert_eq!(left(0, 7), 7000);
    }
}
