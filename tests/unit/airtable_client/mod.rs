//! The Airtable client against a server that answers what a test tells it to.

mod rate_limiter;
mod refusals;
mod script;
mod writes;
