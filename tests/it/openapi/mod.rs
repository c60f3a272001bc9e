//! The OpenAPI document: what it says, and what programs that are made of it do.

mod clients;
mod document;
mod routes;
