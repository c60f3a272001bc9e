//! What can be seen on this machine alone: the configuration, files, the user, limits. A first `serve` says the most
//! important of it by itself.

use std::path::Path;

use super::{
    finding::{Finding, Severity},
    row::Row,
};
use crate::{
    config::{Config, Source},
    service::{
        file_system::network_mount,
        limits::{memory_limit, open_files},
    },
    store::sqlite_file,
};

/// Below this, connections of agents and LiveKit may be refused.
const ENOUGH_FILES: usize = 1024;
/// What the service is made for.
const ENOUGH_MEMORY: u64 = 512 << 20;
const MIB: u64 = 1 << 20;

/// Every variable is right, and none is without the one that it needs.
pub(super) fn configuration(source: &Source) -> Finding {
    let wrong = match Config::serve(source) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .iter()
            .map(|(name, why)| format!("{name}: {why}"))
            .collect(),
    };
    let half = source.half_set().into_iter();
    let half = half.map(|(set, needed)| format!("{set}: has no effect without {needed}"));
    let wrong: Vec<String> = wrong.into_iter().chain(half).collect();
    if wrong.is_empty() {
        return Finding::ok("every variable is right");
    }
    Finding::failure(
        Severity::Configuration,
        wrong.join("\n"),
        "correct these lines of .env; docs/src/set-up.md says where each value is found",
        Row::Configuration,
    )
}

/// No variable has a slip in its name.
pub(super) fn names(source: &Source) -> Finding {
    let slips = source.misspelled().into_iter();
    let slips: Vec<String> = slips
        .map(|(name, known)| format!("{name} is no variable: did you mean {known}?"))
        .collect();
    if slips.is_empty() {
        return Finding::ok("every name is known");
    }
    let remedy = "correct the names in .env";
    Finding::warning(slips.join("\n"), remedy, Row::Configuration)
}

/// Nobody else can read the secrets.
pub(super) fn files(source: &Source) -> Finding {
    let exposed: Vec<String> = source
        .exposed_files()
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    if exposed.is_empty() {
        return Finding::ok("only this user can read the files with secrets");
    }
    let files = exposed.join(" ");
    let detail = format!("other users of this machine can read {files}");
    Finding::warning(detail, &format!("chmod 600 {files}"), Row::Files)
}

/// Not the user who may do everything.
pub(super) fn user() -> Finding {
    if !rustix::process::geteuid().is_root() {
        return Finding::ok("not root");
    }
    Finding::warning(
        "this process runs as root, and the service needs no such rights",
        "run it as a user of its own, as deploy/livekit-airtable.service does",
        Row::Files,
    )
}

/// The database is on a local disk.
pub(super) fn file_system(database_url: &str) -> Finding {
    let Some(file) = sqlite_file(database_url) else {
        return Finding::skipped("the database is PostgreSQL");
    };
    let Some(mount) = network_mount(&file) else {
        return Finding::ok("a local disk");
    };
    let (kind, point) = (mount.file_system, mount.point.display());
    Finding::warning(
        format!(
            "{file} is on {kind} ({point}), where SQLite's locks do not work reliably: calls can get lost"
        ),
        "DATABASE_URL: name a file on a local disk, or a PostgreSQL database",
        Row::Database,
    )
}

/// Files and memory that this process may use. The limits of the service are those of its own unit or container.
pub(super) fn limits() -> Finding {
    let (files, memory) = (open_files(), memory_limit());
    let mut low = Vec::new();
    if files < ENOUGH_FILES {
        low.push(format!(
            "{files} open files are allowed, and {ENOUGH_FILES} are needed under load"
        ));
    }
    if let Some(memory) = memory.filter(|memory| *memory < ENOUGH_MEMORY) {
        low.push(format!(
            "{} MiB of memory are allowed, and 512 MiB are needed under load",
            memory / MIB
        ));
    }
    if low.is_empty() {
        let memory = memory.map_or("no limit of memory".to_owned(), |memory| {
            format!("{} MiB of memory", memory / MIB)
        });
        return Finding::ok(format!("{files} open files, {memory}"));
    }
    Finding::warning(
        low.join("\n"),
        "raise LimitNOFILE and MemoryMax of the systemd unit, or the limits of the container",
        Row::Machine,
    )
}

/// The folder of the database, which may not exist yet.
pub(super) fn folder(file: &str) -> &Path {
    match Path::new(file).parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
