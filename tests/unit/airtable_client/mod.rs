//! The Airtable client against a server that answers what a test tells it to.

mod pace;
mod refusals;
mod script;
mod writes;
