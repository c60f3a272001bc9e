//! The audit trail of a running service: its writer, and the line of the start.

use std::path::Path;

use anyhow::Context;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    config::Config,
    domain::{
        audit::{Actor, AuditAction, AuditEntry, AuditSubject, Repeats},
        hex,
    },
    pipeline::Clock,
    store::Store,
    telemetry,
};

/// Writes who started the service with which settings.
///
/// # Errors
/// When the database is not writable.
pub(super) async fn record_start(
    config: &Config,
    store: &Store,
    clock: Clock,
) -> anyhow::Result<()> {
    let configuration = configuration(config);
    tracing::info!(target: "audit", configuration, "audit: the service starts");
    let version = env!("CARGO_PKG_VERSION");
    let subject = AuditSubject {
        configuration: Some(configuration),
        ..AuditSubject::default()
    };
    let detail = format!("version {version}");
    let entry = by_process(AuditAction::Start, subject, detail);
    let entry = AuditEntry {
        at: clock(),
        ..entry
    };
    let appended = store.append_audit(&[entry]).await;
    appended.context("DATABASE_URL: the database is not writable")?;
    Ok(())
}

/// An entry of the user who runs this process.
pub fn by_process(action: AuditAction, subject: AuditSubject, detail: String) -> AuditEntry {
    AuditEntry {
        at: telemetry::now(),
        who: Actor::User(telemetry::process_owner()),
        action,
        subject,
        client: telemetry::host_name(),
        status: 0,
        detail,
        repeats: Repeats::Each(Uuid::now_v7().simple().to_string()),
    }
}

/// The fingerprint of the settings and of the schema file. Secrets have no part in it.
fn configuration(config: &Config) -> String {
    let schema = config.airtable.schema.as_deref().map(Path::new);
    let schema = schema.and_then(|path| std::fs::read(path).ok());
    let mut hash = Sha256::new_with_prefix(&config.fingerprint);
    hash.update(schema.unwrap_or_default());
    hex(&hash.finalize()[..8])
}
