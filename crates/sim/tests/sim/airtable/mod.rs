//! The Airtable stand-in keeps Airtable's rules.

mod base;
mod both_sides;
mod computed;
mod control;
mod generated;
mod limits;
mod links;
mod permissions;
mod reads;
mod webhooks;
mod writes;
