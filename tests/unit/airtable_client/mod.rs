//! The Airtable client against a server with scripted responses.

mod locks;
mod rate_limiter;
mod refusals;
mod script;
mod writes;
