//! The pages under `/ops`: signing in, the list, a call, retries, and what changes by itself.

mod attention;
mod browser;
mod calls;
mod changes;
mod health;
mod lanes;
mod list;
mod reasons;
mod refused;
mod retries;
mod rows;
mod sign_in;
mod visitor;
mod waits;
