//! CALL: written only by intake, read by everyone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::{
    Any, AssertSqlSafe, Row,
    any::{AnyArguments, AnyRow},
    query::Query,
};

use super::{
    delivery_state::DeliveryState,
    error::{Error, Result},
    large_bodies::beside_others,
    open::Store,
    sql::{chunks, open_statuses, rows, rows_that_fit, text, time},
    unknown::UnknownValue,
};
use crate::domain::{Call, Claim, Project, Recording, Status, transcript::Reports};

/// A stored call and how often it has changed.
#[derive(Debug, Clone)]
pub struct CallRow {
    /// The call itself.
    pub call: Call,
    /// Counts its changes.
    pub revision: i64,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// What it is found and sorted by; `None`: it is complete.
    pub listing: Option<Listing>,
    /// How large it is as stored JSON.
    pub bytes: usize,
}

/// Which calls `GET /v1/calls` lists.
#[derive(Debug, Clone, Default)]
pub struct CallFilter {
    /// Of this room only.
    pub room_name: Option<String>,
    /// With this status only.
    pub status: Option<Status>,
    /// With a delivery in this state only.
    pub delivery: Option<DeliveryState>,
    /// How many at most.
    pub limit: i64,
    /// `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

/// Some calls of a list, newest first.
#[derive(Debug)]
pub struct Page {
    /// Without what agents reported.
    pub calls: Vec<CallRow>,
    /// Where the next page begins; `None`: this is the last.
    pub next_cursor: Option<String>,
}

const COLUMNS: &str = "SELECT id, state, project, revision, changed_at, room_name, status, started_at, complete_at FROM calls";
/// The IDs and sizes of the calls to read.
pub(super) const IDS_AND_SIZES: &str =
    "SELECT id, CAST(OCTET_LENGTH(state) AS BIGINT) AS bytes FROM calls";

impl Store {
    /// The call of this id, if it is known.
    pub async fn call(&self, id: &str) -> Result<Option<CallRow>> {
        self.one_call("WHERE id = $1", id).await
    }

    /// The known ones of these calls.
    pub async fn calls(&self, ids: &[&str]) -> Result<Vec<CallRow>> {
        let mut calls = Vec::new();
        for chunk in chunks(ids) {
            let ids = rows(1, 1, chunk.len(), "");
            let sql = AssertSqlSafe(format!("{COLUMNS} WHERE id IN {ids}"));
            let query = sqlx::query(sql);
            let query = chunk.iter().fold(query, |query, id| query.bind(*id));
            for row in query.fetch_all(&self.read).await? {
                calls.push(read(&row)?);
            }
        }
        Ok(calls)
    }

    /// The call that an egress belongs to.
    pub async fn call_of_egress(&self, egress_id: &str) -> Result<Option<CallRow>> {
        let clause = "WHERE id = (SELECT call_id FROM recordings WHERE egress_id = $1)";
        self.one_call(clause, egress_id).await
    }

    /// The known ones of these egresses in calls of our project, by ID; many at once, and without their calls.
    pub async fn recordings(&self, egress_ids: &[&str]) -> Result<BTreeMap<String, Recording>> {
        let mut known = BTreeMap::new();
        for chunk in chunks(egress_ids) {
            let ids = rows(1, 1, chunk.len(), "");
            let sql = format!(
                "SELECT egress_id, state FROM recordings r WHERE egress_id IN {ids}
                 AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.id = r.call_id AND c.project IS NOT NULL)"
            );
            let query = sqlx::query(AssertSqlSafe(sql));
            let query = chunk.iter().fold(query, |query, id| query.bind(text(id)));
            for row in query.fetch_all(&self.read).await? {
                let (id, state): (String, &str) =
                    (row.try_get("egress_id")?, row.try_get("state")?);
                let recording = serde_json::from_str(state);
                let recording = recording.map_err(|error| {
                    UnknownValue::json(format!("recording {id}"), "state", &error)
                })?;
                known.insert(id, recording);
            }
        }
        Ok(known)
    }

    async fn one_call(&self, clause: &str, key: &str) -> Result<Option<CallRow>> {
        let query = sqlx::query(AssertSqlSafe(format!("{COLUMNS} {clause}")));
        let row = query.bind(text(key)).fetch_optional(&self.read).await?;
        row.as_ref().map(read).transpose()
    }

    /// Calls with this room name that the claim admits, newest first, without agents' reports.
    pub async fn calls_named(
        &self,
        room_name: &str,
        claim: &Claim,
        limit: i64,
    ) -> Result<Vec<CallRow>> {
        let sql = format!(
            "{IDS_AND_SIZES} WHERE room_name = $1 AND ($2 = '*' OR COALESCE(project, '') = $2) ORDER BY started_at DESC LIMIT $3"
        );
        // No key has such a name.
        let project = match claim {
            Claim::Any => "*",
            Claim::Ours => "",
            Claim::Other(key) => key,
        };
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(text(room_name))
            .bind(text(project))
            .bind(limit);
        self.without_reports(query).await
    }

    /// Calls whose room is open or whose recording is pending, without agents' reports, because there may be many.
    pub async fn unfinished(&self) -> Result<Vec<CallRow>> {
        let open = open_statuses();
        let sql = format!("{IDS_AND_SIZES} WHERE status IN ({open}) ORDER BY started_at");
        self.without_reports(sqlx::query(AssertSqlSafe(sql))).await
    }

    /// Calls without what agents reported, in the order of `ids`, which begins with [`IDS_AND_SIZES`]. Never more of them
    /// are read at once than memory is meant for: a transcript may have 16 MiB, and a driver reads ahead (sqlx: 50 rows).
    pub(super) async fn without_reports(
        &self,
        ids: Query<'_, Any, AnyArguments>,
    ) -> Result<Vec<CallRow>> {
        let named = ids.fetch_all(&self.read).await?;
        let (mut ids, mut sizes) = (Vec::new(), Vec::new());
        for row in &named {
            ids.push(row.try_get::<&str, _>("id")?);
            sizes.push(row.try_get::<i64, _>("bytes")?);
        }
        self.load_without_reports(&ids, &sizes).await
    }

    /// The calls with these IDs and sizes in this order, likewise.
    pub(super) async fn load_without_reports(
        &self,
        ids: &[&str],
        sizes: &[i64],
    ) -> Result<Vec<CallRow>> {
        let mut calls = Vec::new();
        while calls.len() < ids.len() {
            let from = calls.len();
            let some = &ids[from..][..rows_that_fit(&sizes[from..])];
            let rows = self.calls(some).await?.into_iter();
            let mut rows: BTreeMap<_, _> = rows.map(|row| (row.call.id.clone(), row)).collect();
            for id in some {
                // Calls are never deleted.
                let mut row = rows.remove(*id).ok_or(Error::Conflict)?;
                row.call.reports = Reports::default();
                calls.push(row);
            }
        }
        Ok(calls)
    }

    /// A page of calls, without what agents reported: with their transcripts it might be gigabytes.
    pub async fn page(&self, filter: &CallFilter) -> Result<Page> {
        let sql = format!(
            "{IDS_AND_SIZES} WHERE ($1 = '' OR room_name = $1) AND ($2 = '' OR status = $2)
             AND ($3 = '' OR EXISTS (SELECT 1 FROM deliveries d WHERE d.call_id = calls.id AND d.state = $3))
             AND (started_at < $4 OR (started_at = $4 AND id < $5))
             ORDER BY started_at DESC, id DESC LIMIT $6"
        );
        let (at, id) = filter
            .cursor
            .as_deref()
            .and_then(cursor)
            .unwrap_or((i64::MAX, String::new()));
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(text(filter.room_name.as_deref().unwrap_or("")))
            .bind(filter.status.map_or("", Status::as_str))
            .bind(filter.delivery.map_or("", DeliveryState::as_str))
            .bind(at)
            .bind(text(&id))
            .bind(filter.limit + 1);
        let mut calls = self.without_reports(query).await?;
        let more = calls.len() as i64 > filter.limit;
        calls.truncate(filter.limit as usize);
        let next =
            |row: &CallRow| format!("{}.{}", sort_time(&row.call, row.changed_at), row.call.id);
        let next_cursor = calls.last().filter(|_| more).map(next);
        Ok(Page { calls, next_cursor })
    }

    /// The number of calls per status.
    pub async fn count_calls(&self) -> Result<Vec<(Status, i64)>> {
        let query = sqlx::query("SELECT status, COUNT(*) AS n FROM calls GROUP BY status");
        let rows = query.fetch_all(&self.read).await?;
        let count = |row: &AnyRow| {
            let status: &str = row.try_get("status")?;
            let status = status.parse().map_err(|_| {
                UnknownValue::name("at least one call".to_owned(), "status", status)
            })?;
            Ok((status, row.try_get("n")?))
        };
        rows.iter().map(count).collect()
    }
}

fn read(row: &AnyRow) -> Result<CallRow> {
    // Borrowed: a long transcript makes the state many megabytes large.
    let state: &str = row.try_get("state")?;
    let project: Option<String> = row.try_get("project")?;
    let project = project.map_or(Project::Ours, Project::Other);
    // That of an earlier version has the reports, too.
    let call = match beside_others(state.len(), || serde_json::from_str::<Call>(state)) {
        Ok(call) => Call { project, ..call },
        Err(error) => {
            let id: &str = row.try_get("id")?;
            return Err(UnknownValue::json(format!("call {id}"), "state", &error).into());
        }
    };
    Ok(CallRow {
        call,
        revision: row.try_get("revision")?,
        changed_at: time(row.try_get("changed_at")?),
        listing: Listing::read(row)?,
        bytes: state.len(),
    })
}

/// The time by which calls are sorted, in milliseconds: of one that was found in the bucket only the end may be known.
pub(super) fn sort_time(call: &Call, written_at: Timestamp) -> i64 {
    let known = call.started_at().or(call.ended_at());
    known.unwrap_or(written_at).as_millisecond()
}

/// What a call is found and sorted by, as it is stored. As long as it stays, the database need not write its indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    room_name: String,
    status: String,
    /// Milliseconds since the epoch.
    started_at: i64,
}

impl Listing {
    /// Of a call that is written at this time.
    pub(super) fn of(call: &Call, written_at: Timestamp) -> Listing {
        Listing {
            room_name: text(&call.room_name),
            status: call.status().as_str().to_owned(),
            started_at: sort_time(call, written_at),
        }
    }

    /// `None`: the call is complete, which a change of it ends.
    fn read(row: &AnyRow) -> Result<Option<Listing>> {
        if row.try_get::<Option<i64>, _>("complete_at")?.is_some() {
            return Ok(None);
        }
        Ok(Some(Listing {
            room_name: row.try_get("room_name")?,
            status: row.try_get("status")?,
            started_at: row.try_get("started_at")?,
        }))
    }
}

/// Whether it is a cursor that a page may have had.
pub fn is_cursor(text: &str) -> bool {
    cursor(text).is_some()
}

fn cursor(text: &str) -> Option<(i64, String)> {
    let (at, id) = text.split_once('.')?;
    Some((at.parse().ok()?, id.to_owned()))
}
