//! Writes what a command has done to the audit trail, with its exit code.

use super::failure;
use crate::{
    domain::{
        Call, Recording,
        audit::{AuditAction, AuditEntry, AuditSubject, shown_id},
    },
    service::audit::by_process,
    store::Store,
};

/// Does the work and writes a line for each of these calls or recordings, or one line for all. The second part of
/// `action`: the command's options.
///
/// # Errors
/// When the work fails, or the line cannot be written.
pub(super) async fn audited<T>(
    store: &Store,
    action: (AuditAction, String),
    ids: &[String],
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let done = work.await;
    let mut subjects = Vec::new();
    for id in ids {
        subjects.push(subject(store, id).await);
    }
    if subjects.is_empty() {
        subjects.push(AuditSubject::default());
    }
    write(store, &action, subjects, done).await
}

/// Writes a line about a recording that was started or stopped, or was not.
///
/// # Errors
/// Those of `done`, or when the line cannot be written.
pub(super) async fn audited_recording(
    store: &Store,
    action: AuditAction,
    done: anyhow::Result<(Call, Recording)>,
) -> anyhow::Result<(Call, Recording)> {
    let subject = match &done {
        Ok((call, recording)) => AuditSubject {
            call_id: Some(call.id.to_string()),
            egress_id: Some(recording.egress_id.to_string()),
            configuration: None,
        },
        Err(_) => AuditSubject::default(),
    };
    write(store, &(action, String::new()), vec![subject], done).await
}

async fn write<T>(
    store: &Store,
    (action, options): &(AuditAction, String),
    subjects: Vec<AuditSubject>,
    done: anyhow::Result<T>,
) -> anyhow::Result<T> {
    let status = done.as_ref().err().map_or(0, failure::code);
    let entries = subjects.into_iter().map(|subject| AuditEntry {
        status: status.into(),
        ..by_process(*action, subject, options.clone())
    });
    let entries: Vec<AuditEntry> = entries.collect();
    let written = store.append_audit(&entries).await;
    match (done, written) {
        (Ok(_), Err(error)) => Err(anyhow::Error::from(error)
            .context("the command has done its work, but the audit trail cannot be written")),
        (done, _) => done,
    }
}

/// The call, or the recording with its call. What was typed and is neither may be a name or a number.
async fn subject(store: &Store, id: &str) -> AuditSubject {
    if let Ok(Some(row)) = store.call(id).await {
        return AuditSubject {
            call_id: Some(row.call.id.into()),
            ..AuditSubject::default()
        };
    }
    match store.call_of_egress(id).await {
        Ok(Some(row)) => AuditSubject {
            call_id: Some(row.call.id.into()),
            egress_id: Some(id.to_owned()),
            configuration: None,
        },
        _ => AuditSubject {
            call_id: shown_id(id).map(str::to_owned),
            ..AuditSubject::default()
        },
    }
}
