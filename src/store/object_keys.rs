//! Which call an object in the bucket belongs to: keys are reserved before a recording starts, and claimed by the call whose
//! recording is reported with them. The first call has the key.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{
    error::Result,
    inbox_writer,
    message::{InboxMessage, MessageKind},
    open::Store,
    sql::{chunks, rows, text},
};
use crate::domain::{Call, CallId, event::Observation, sha256};

/// A call that claims a key, and the key.
type Claim<'a> = (&'a CallId, &'a str);

impl Store {
    /// Reserves a key for a call's next recording or text; `false`: it is another call's.
    pub async fn reserve_key(&self, key: &str, call_id: &str, now: Timestamp) -> Result<bool> {
        let mut transaction = self.write.begin().await?;
        let reserved = sqlx::query(
            "INSERT INTO object_keys (id, object_key, call_id, reserved_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET reserved_at = excluded.reserved_at WHERE object_keys.call_id = excluded.call_id",
        );
        let reserved = reserved
            .bind(id(key))
            .bind(text(key))
            .bind(call_id)
            .bind(now.as_millisecond())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(reserved.rows_affected() > 0)
    }

    /// Gives up a reservation: LiveKit did not start the recording. A key that a recording of the call has stays.
    pub async fn release_key(&self, key: &str, call_id: &str) -> Result<()> {
        let query = sqlx::query("DELETE FROM object_keys WHERE id = $1 AND call_id = $2");
        query
            .bind(id(key))
            .bind(call_id)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// The calls that have these keys.
    pub async fn key_owners(&self, keys: &[&str]) -> Result<BTreeMap<String, CallId>> {
        let mut owners = BTreeMap::new();
        for chunk in chunks(keys) {
            let sql = format!(
                "SELECT id, call_id FROM object_keys WHERE id IN {}",
                rows(1, 1, chunk.len(), "")
            );
            let query = sqlx::query(AssertSqlSafe(sql));
            let query = chunk.iter().fold(query, |query, key| query.bind(id(key)));
            let found = query.fetch_all(&self.read).await?;
            let mut by_id = BTreeMap::new();
            for row in &found {
                let id: String = row.try_get("id")?;
                by_id.insert(id, row.try_get::<String, _>("call_id")?);
            }
            let owned = chunk.iter().filter_map(|key| {
                let owner = by_id.get(&id(key))?;
                Some(((*key).to_owned(), CallId::from(owner.as_str())))
            });
            owners.extend(owned);
        }
        Ok(owners)
    }
}

/// Claims the keys of these calls. Of the calls that claim one key, each later one and once the first get an inbox message; the
/// answer is the calls for which such a message is new. A call of another project takes no key from ours, and ours takes it from that.
pub(super) async fn claim(
    connection: &mut AnyConnection,
    process: &str,
    calls: &[&Call],
    now: Timestamp,
) -> Result<BTreeSet<CallId>> {
    release(connection, calls).await?;
    let mut claims: BTreeMap<(String, &CallId), (&str, &Call)> = BTreeMap::new();
    for call in calls {
        let keys = call.claimed_keys().into_iter();
        claims.extend(keys.map(|key| ((id(key), &call.id), (key, *call))));
    }
    // Of two calls in one batch, only one can be inserted.
    let mut firsts: BTreeMap<&str, Claim<'_>> = BTreeMap::new();
    let (others, ours): (Vec<_>, Vec<_>) =
        claims.iter().partition(|(_, (_, call))| call.is_others());
    for ((id, call), (key, _)) in ours.into_iter().chain(others) {
        firsts.entry(id).or_insert((call, key));
    }
    let firsts: Vec<(&str, Claim<'_>)> = firsts.into_iter().collect();
    let mut owners: BTreeMap<String, Owner> = BTreeMap::new();
    for chunk in chunks(&firsts) {
        owners.extend(insert(connection, chunk).await?);
    }
    let mut disputes = Vec::new();
    for ((id, _), (key, call)) in &claims {
        let owner = owners.get(id).filter(|owner| owner.call_id != call.id);
        let Some(owner) = owner else { continue };
        let known = call.contested.get(*key);
        if known.is_some_and(|others| others.contains(&owner.call_id)) {
            continue;
        }
        let (first, later) = (&owner.call_id, &call.id);
        match (call.is_others(), owner.project) {
            (false, Owned::Other) => {
                take(connection, id, call).await?;
                disputes.push(Dispute::of(first, key, later));
            }
            (true, _) => disputes.push(Dispute::of(later, key, first)),
            (false, Owned::Ours) => {
                disputes.push(Dispute::of(later, key, first));
                if !knows(calls, first, key) {
                    disputes.push(Dispute::of_first(first, key, later));
                }
            }
        }
    }
    disputed(connection, process, &disputes, now).await
}

/// Whether this call is among those, and knows of a call that claims its key.
fn knows(calls: &[&Call], owner: &CallId, key: &str) -> bool {
    let owner = calls.iter().find(|call| call.id == *owner);
    owner.is_some_and(|owner| owner.contested.contains_key(key))
}

/// Another call claims a key of this one.
struct Dispute<'a> {
    call: &'a CallId,
    key: &'a str,
    by: &'a CallId,
    /// Of messages with the same one, one is stored.
    dedupe: String,
}

impl<'a> Dispute<'a> {
    fn of(call: &'a CallId, key: &'a str, by: &'a CallId) -> Dispute<'a> {
        Dispute {
            call,
            key,
            by,
            dedupe: format!("contested:{}:{call}:{by}", id(key)),
        }
    }

    /// Of the call that has the key. It learns of one other call: a program that records every call into one file may claim
    /// it for years.
    fn of_first(call: &'a CallId, key: &'a str, by: &'a CallId) -> Dispute<'a> {
        let dedupe = format!("contested:{}:{call}", id(key));
        Dispute {
            dedupe,
            ..Dispute::of(call, key, by)
        }
    }

    fn message(&self, now: Timestamp) -> InboxMessage {
        let observation = Observation::KeyContested {
            key: self.key.to_owned(),
            by: self.by.clone(),
        };
        let body = serde_json::to_vec(&observation).unwrap_or_default();
        let message = InboxMessage::new(MessageKind::Observation, body, now).of_call(self.call);
        InboxMessage {
            dedupe: Some(self.dedupe.clone()),
            ..message
        }
    }
}

/// Puts the disputes into the inbox; the answer is their calls.
async fn disputed(
    connection: &mut AnyConnection,
    process: &str,
    disputes: &[Dispute<'_>],
    now: Timestamp,
) -> Result<BTreeSet<CallId>> {
    let (mut messages, mut contested) = (Vec::new(), BTreeSet::new());
    for dispute in disputes {
        // Not the key: the room's name may be in it, and a phone number in that.
        tracing::warn!(
            call = %dispute.call, other = %dispute.by,
            "another call claims the same object in the bucket: this call is not linked to it"
        );
        messages.push(dispute.message(now));
        contested.insert(dispute.call.clone());
    }
    messages.sort_by(|a, b| a.dedupe.cmp(&b.dedupe));
    inbox_writer::insert(connection, process, messages).await?;
    Ok(contested)
}

/// The call that has a key.
struct Owner {
    call_id: CallId,
    project: Owned,
}

/// Whose call has a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owned {
    Ours,
    /// Another project's.
    Other,
}

/// Inserts keys that nobody has; the answer is the call of each, by the key's id.
async fn insert(
    connection: &mut AnyConnection,
    chunk: &[(&str, Claim<'_>)],
) -> Result<Vec<(String, Owner)>> {
    let sql = format!(
        "INSERT INTO object_keys (id, object_key, call_id) VALUES {} ON CONFLICT (id) DO NOTHING",
        rows(chunk.len(), 1, 3, "")
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for (id, (call, key)) in chunk {
        query = query.bind(*id).bind(text(key)).bind(call.as_str());
    }
    query.execute(&mut *connection).await?;
    let sql = format!(
        "SELECT k.id, k.call_id, c.project FROM object_keys k LEFT JOIN calls c ON c.id = k.call_id WHERE k.id IN {}",
        rows(1, 1, chunk.len(), "")
    );
    let query = sqlx::query(AssertSqlSafe(sql));
    let query = chunk.iter().fold(query, |query, (id, _)| query.bind(*id));
    let found = query.fetch_all(&mut *connection).await?;
    let read = |row: &sqlx::any::AnyRow| {
        let call_id: String = row.try_get("call_id")?;
        let project: Option<String> = row.try_get("project")?;
        let owner = Owner {
            call_id: call_id.into(),
            project: project.map_or(Owned::Ours, |_| Owned::Other),
        };
        Ok((row.try_get("id")?, owner))
    };
    found.iter().map(read).collect()
}

/// Gives a key of another project's call to this one.
async fn take(connection: &mut AnyConnection, id: &str, call: &Call) -> Result<()> {
    let query = sqlx::query("UPDATE object_keys SET call_id = $1 WHERE id = $2");
    let query = query.bind(call.id.as_str()).bind(id);
    query.execute(connection).await?;
    Ok(())
}

/// Gives up keys of recordings that left no file. What was reserved stays reserved: the start may have been made.
async fn release(connection: &mut AnyConnection, calls: &[&Call]) -> Result<()> {
    for call in calls {
        for key in call.unused_keys() {
            sqlx::query(
                "DELETE FROM object_keys WHERE id = $1 AND call_id = $2 AND reserved_at IS NULL",
            )
            .bind(id(key))
            .bind(call.id.as_str())
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}

/// The primary key of a key.
fn id(key: &str) -> String {
    sha256(key.as_bytes())
}
