//! The Airtable client against a server with scripted responses.

mod rate_limiter;
mod refusals;
mod script;
mod writes;
