//! The pages under `/ops`, for those who run the service and those who are asked what happened in a call.
//!
//! `routes` lists them; `guard` lets in who is signed in (`sessions`, `cookie`, `login`, `attempts`, `form`), and `shell` is
//! their frame. `list` shows calls (`list_query`, `search`, `counts`, `row`, `explained`), `call` one of them (`call_parts`, `figures`, `deliveries`,
//! `timeline`, `message`, `links`), `redrive` retries deliveries (`redrive_query`), `health` shows the dependencies (`refused`) and `attention` what
//! needs somebody, and `events` sends what changes (`live`, `live_reader`). `state` is what they share.

mod attempts;
mod cookie;
mod counts;
mod form;
mod live;
mod marks;
mod message;
mod row;
mod row_check;
mod schema_check;

mod state;

mod sessions;
mod shell;

mod guard;
mod login;

mod list_query;
mod search;

mod attention;
mod first_run;
mod health;
mod health_log;
mod health_reader;
mod job_name;
mod list;
mod refused;
mod schema;

mod call_parts;
mod deliveries;
mod figures;
mod links;
mod timeline;

mod call;
mod compared_row;

mod redrive;
mod redrive_query;

mod events;
mod explained;
mod live_reader;

mod routes;

pub use health_reader::HealthReader;
pub use live_reader::LiveReader;
pub(crate) use routes::routes;
pub use row_check::{ComparedRow, RowCheck};
pub use schema_check::SchemaCheck;
pub use state::{OpsPages, OpsSettings};
