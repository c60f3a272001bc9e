//! A strict Airtable: the REST and metadata API of a base in memory, with its rate limit, its checks and its refusals.
//!
//! Requests are checked as the live API checks them, so that what passes here passes there. Tests and people look at
//! rows, do what a user does in the interface, and ask for faults, through [`Airtable`]; other programs do so over HTTP, see
//! `control`.

mod attachments;
mod base;
mod changes;
mod comments;
mod computed;
mod control;
mod faults;
mod field_options;
mod formula;
mod ids;
mod limits;
mod links;
mod list;
mod records;
mod refusal;
mod routes;
mod schema;
mod seed;
mod server;
mod types;
mod upsert;
mod webhooks;
mod wire;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use faults::Fault;

use attachments::Content;
use base::{Base, Table};
use limits::Limits;
use refusal::Refusal;

const DEFAULT_BASE: &str = "appSimulated00001";

/// How a stand-in behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Per base; 0 is no limit. Airtable's is 5.
    pub requests_per_second: f64,
    /// Per token, over all bases; 0 is no limit. Airtable's is 50, for all tokens of one user together.
    pub token_requests_per_second: f64,
    /// How long nothing but 429 comes after one request too many. Airtable's is 30 s.
    pub lockout: Duration,
    /// With this token one looks on: its requests do not count, are never refused for their number and meet no faults.
    /// A test reads with it what the client under test has written.
    pub onlooker_token: Option<String>,
    /// A rollup's options may name its `formula`, e.g. `SUM(values)`, which the metadata API does not print:
    /// `{"id","name","tables":[as the metadata API prints them, each with "records":[{"id"?,"fields"}]]}`.
    pub seed: Option<Value>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            requests_per_second: 5.0,
            token_requests_per_second: 50.0,
            lockout: Duration::from_secs(30),
            onlooker_token: None,
            seed: None,
        }
    }
}

impl Options {
    /// As many requests as one likes.
    pub fn unlimited() -> Self {
        Self {
            requests_per_second: 0.0,
            token_requests_per_second: 0.0,
            ..Self::default()
        }
    }
}

/// A running stand-in; clones are the same one.
#[derive(Clone)]
pub struct Airtable(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    options: Options,
    state: Mutex<State>,
    stop: CancellationToken,
}

/// All that changes.
struct State {
    first_base: String,
    bases: Vec<Base>,
    limits: Limits,
    faults: faults::Faults,
    contents: HashMap<String, Content>,
    /// Attachments that will not be fetched.
    unfetched: usize,
    /// Texts that no write may hold.
    poisons: Vec<String>,
    /// Attachments that are being fetched.
    fetching: usize,
    requests: u64,
    breaches: u64,
}

/// Listens and serves until [`Airtable::stop`]. Port 0 picks one. An error is the socket's, or tells what is wrong
/// with the seed (`InvalidInput`).
pub async fn start(listen: SocketAddr, options: Options) -> std::io::Result<Airtable> {
    let invalid = |why| std::io::Error::new(std::io::ErrorKind::InvalidInput, why);
    let base = seed::plant(options.seed.as_ref()).map_err(invalid)?;
    // Attachments are fetched over https too.
    crate::install_crypto();
    let listener = TcpListener::bind(listen).await?;
    let limits = Limits::new(&options);
    let airtable = Airtable(Arc::new(Inner {
        address: listener.local_addr()?,
        options,
        state: Mutex::new(State {
            first_base: base.id.clone(),
            bases: vec![base],
            limits,
            faults: faults::Faults::default(),
            contents: HashMap::new(),
            unfetched: 0,
            poisons: Vec::new(),
            fetching: 0,
            requests: 0,
            breaches: 0,
        }),
        stop: CancellationToken::new(),
    }));
    tokio::spawn(server::serve(listener, airtable.clone()));
    Ok(airtable)
}

impl Airtable {
    /// `http://address:port`, without `/v0`.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// The base it started with.
    pub fn base_id(&self) -> String {
        self.state().first_base.clone()
    }

    /// The rows of a table (name or id) in the order of their creation: fields by name, and the record's id as `id`.
    /// Without such a table: none.
    pub fn rows(&self, table: &str) -> Vec<Map<String, Value>> {
        let state = self.state();
        let Some(base) = state.bases.first() else {
            return Vec::new();
        };
        let Ok(table) = base.table_at(table) else {
            return Vec::new();
        };
        let row = |at: usize| {
            let mut printed = base.place(table, at).print(false, None);
            let mut row = printed["fields"].as_object_mut().map(std::mem::take);
            row.get_or_insert_default()
                .insert("id".to_owned(), printed["id"].take());
            row.unwrap_or_default()
        };
        let records = 0..base.tables[table].records.len();
        records.map(row).collect()
    }

    /// All API requests that came, refused ones included.
    pub fn requests(&self) -> u64 {
        self.state().requests
    }

    /// Requests that the rate limit refused: one too many, and each that came during the lockout.
    pub fn breaches(&self) -> u64 {
        self.state().breaches
    }

    /// The next `times` requests that the rate limit lets through go wrong; several calls queue up.
    pub fn fail_next(&self, times: usize, fault: Fault) {
        self.state().faults.push(times, None, fault);
    }

    /// The next `times` attachments are not fetched: they go away in silence.
    pub fn fail_fetches(&self, times: usize) {
        self.state().unfetched += times;
    }

    /// From now on a write that holds this text (as JSON spells it) is refused, with words that name nothing.
    pub fn refuse_text(&self, text: &str) {
        self.state().poisons.push(text.to_owned());
    }

    /// Ends the server: no new connections, and none stays open after its running request.
    pub fn stop(&self) {
        self.0.stop.cancel();
    }

    /// As a user deletes a row in the interface. False: there was none.
    pub fn delete_row(&self, table: &str, id: &str) -> bool {
        let mut state = self.state();
        let Some(base) = state.bases.first_mut() else {
            return false;
        };
        let table = base.table_at(table);
        table.is_ok_and(|table| records::delete_one(base, table, id).is_ok())
    }

    /// As a user renames a field in the interface; `old` may be its id. False: there was none.
    pub fn rename_field(&self, table: &str, old: &str, new: &str) -> bool {
        self.edit(table, |table| {
            let field = table.field_mut(old)?;
            field.name = new.to_owned();
            Some(())
        })
    }

    /// As a user deletes a field, with its values. False: there was none.
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

    /// As a user changes the type of a field; its values stay as they are. A type that the API cannot write (`formula`,
    /// `autoNumber`, …) makes the field a computed one. False: there was no such field.
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

    /// A panic in one request must not take the others with it, hence no poisoning.
    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn base(&mut self, id: &str) -> Result<&mut Base, Refusal> {
        let found = self.bases.iter_mut().find(|base| base.id == id);
        found.ok_or_else(Refusal::forbidden)
    }
}
