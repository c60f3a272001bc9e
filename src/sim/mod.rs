//! Stand-ins for the services around us, on real sockets: for `demo`, `sim` and the tests.

pub mod airtable;
