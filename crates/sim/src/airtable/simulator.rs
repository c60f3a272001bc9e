//! A running stand-in, as tests see it: they read rows, inject faults and do what people do in the interface.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::base::Table;
use super::faults::Fault;
use super::options::Options;
use super::print::{self, FieldKeys};
use super::state::State;
use super::{records, schema};

/// A running stand-in; clones share it.
#[derive(Clone)]
pub struct Airtable(pub(super) Arc<Inner>);

/// Whether permissions keep tokens from editing a field, or from creating records in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    Locked,
    Open,
}

/// What the clones share.
pub(super) struct Inner {
    pub address: SocketAddr,
    pub options: Options,
    pub state: Mutex<State>,
    pub stop: CancellationToken,
}

impl Airtable {
    /// `http://address:port`, without `/v0`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// The id of the base it started with.
    #[must_use]
    pub fn base_id(&self) -> String {
        self.state().first_base.clone()
    }

    /// The rows of a table (name or id) of the first base, oldest first: fields by name, and the record's id as `id`.
    /// An unknown table has none.
    #[must_use]
    pub fn rows(&self, table: &str) -> Vec<Map<String, Value>> {
        let state = self.state();
        let Some(base) = state.bases.first() else {
            return Vec::new();
        };
        let Ok(table) = base.table_at(table) else {
            return Vec::new();
        };
        let row = |at: usize| {
            let mut printed = print::record(base.place(table, at), FieldKeys::Names, None);
            let mut row = printed["fields"].as_object_mut().map(std::mem::take);
            row.get_or_insert_default()
                .insert("id".to_owned(), printed["id"].take());
            row.unwrap_or_default()
        };
        let records = 0..base.tables[table].records.len();
        records.map(row).collect()
    }

    /// How many API requests came, refused ones included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.state().requests
    }

    /// How many requests a rate limit refused: each one too many, and each during a lockout.
    #[must_use]
    pub fn breaches(&self) -> u64 {
        self.state().breaches
    }

    /// Makes the next `times` requests that pass the rate limit fail. Faults of several calls queue up.
    pub fn fail_next(&self, times: usize, fault: Fault) {
        self.state().faults.push(times, None, fault);
    }

    /// Makes the next `times` fetches of attachments fail: the attachments disappear without an error, as Airtable's do.
    pub fn fail_fetches(&self, times: usize) {
        self.state().failing_fetches += times;
    }

    /// Refuses every later write whose body contains this text (as JSON writes it), with an error that names no field.
    pub fn refuse_text(&self, text: &str) {
        self.state().refused_texts.push(text.to_owned());
    }

    /// Answers every later write whose body contains this text with the page of a firewall (403).
    pub fn stop_text(&self, text: &str) {
        self.state().stopped_texts.push(text.to_owned());
    }

    /// The firewall lets everything pass.
    pub fn stop_no_text(&self) {
        self.state().stopped_texts.clear();
    }

    /// Records that the first base may hold in all its tables; None is no limit.
    pub fn limit_records(&self, limit: Option<usize>) {
        if let Some(base) = self.state().bases.first_mut() {
            base.record_limit = limit;
        }
    }

    /// What the first base says when it is full: Airtable documents no error for that.
    pub fn call_full(&self, kind: &str, message: &str) {
        if let Some(base) = self.state().bases.first_mut() {
            base.full_words = Some((kind.to_owned(), message.to_owned()));
        }
    }

    /// "Edit field permissions", as a user sets them. False if there is no such field.
    pub fn lock_field(&self, table: &str, field: &str, lock: Lock) -> bool {
        self.edit(table, |table| {
            let id = table.field(field)?.id.clone();
            match lock {
                Lock::Locked => table.permissions.locked_fields.insert(id),
                Lock::Open => table.permissions.locked_fields.remove(&id),
            };
            Some(())
        })
    }

    /// "Edit table permissions", as a user sets them. False if there is no such table.
    pub fn lock_table(&self, table: &str, lock: Lock) -> bool {
        self.edit(table, |table| {
            table.permissions.no_creates = lock == Lock::Locked;
            Some(())
        })
    }

    /// Stops the server: no new connections, and open ones close after the request in progress.
    pub fn stop(&self) {
        self.0.stop.cancel();
    }

    /// Deletes a row as a user does in the interface. False if there is no such row.
    pub fn delete_row(&self, table: &str, id: &str) -> bool {
        let mut state = self.state();
        let Some(base) = state.bases.first_mut() else {
            return false;
        };
        let table = base.table_at(table);
        table.is_ok_and(|table| records::delete_one(base, table, id).is_ok())
    }

    /// Renames a field as a user does in the interface; `old` is its name or id. False if there is no such field.
    pub fn rename_field(&self, table: &str, old: &str, new: &str) -> bool {
        self.edit(table, |table| {
            let field = table.field_mut(old)?;
            field.name = new.to_owned();
            Some(())
        })
    }

    /// Deletes a field with its values, as a user does in the interface. False if there is no such field.
    pub fn delete_field(&self, table: &str, field: &str) -> bool {
        self.edit(table, |table| {
            let id = table.field(field)?.id.clone();
            table.fields.retain(|f| f.id != id);
            for record in &mut table.records {
                Arc::make_mut(record).cells.remove(&id);
            }
            Some(())
        })
    }

    /// Changes the type of a field as a user does in the interface; its values stay. A type that the API cannot write
    /// (`formula`, `autoNumber`, …) makes the field a computed one. False if there is no such field.
    pub fn change_type(
        &self,
        table: &str,
        field: &str,
        kind: &str,
        options: Option<Value>,
    ) -> bool {
        self.edit(table, |table| {
            let field = table.field_mut(field)?;
            field.kind = kind.to_owned();
            field.options = options;
            *field = schema::with_ids(field.clone());
            Some(())
        })
    }

    fn edit<T>(&self, table: &str, change: impl FnOnce(&mut Table) -> Option<T>) -> bool {
        let mut state = self.state();
        let base = state.bases.first_mut();
        let table = base.and_then(|base| base.table_mut(table).ok());
        table.and_then(change).is_some()
    }

    /// Locks the state. A panic in one request must not fail the later ones, so poisoning is ignored.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}
