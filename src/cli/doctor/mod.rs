//! `doctor`: tests every permission by using it, in the order in which they unblock each other.
//!
//! `finding` is the result of a check, `report` prints it; `row` are the rows of the documentation that findings name.
//! `examined` has what the checks work on, `traces` removes what they created, `arrivals` sees the webhooks that come in.
//! Then one file per group of checks. `run` runs them all; `first_start` tells a new service's operator the most important.

mod row;

mod finding;
mod report;

mod arrivals;
mod reach;
mod traces;

mod examined;

mod cleanup;

mod certificate;

mod agents;
mod airtable;
mod airtable_plan;
mod alerts;
mod bucket;
mod bucket_settings;
mod clock;
mod disk;
mod egress;
mod here;
mod links;
mod livekit;
mod local;
mod mirror;
mod one_call;
mod service;
mod trial_room;
mod webhook;

mod run;

mod first_start;

pub(super) use first_start::most_useful;
pub(super) use run::{DoctorArgs, run};
