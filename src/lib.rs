//! livekit-airtable: every LiveKit call recorded, the recording in the bucket, one Airtable row per call.
//!
//! # The flow, one direction
//!
//! ```text
//! LiveKit ──webhook──▶ INBOX ──intake: apply()──▶ CALL ──┐ (same transaction)
//! agent ──transcript──▶  ▲                               ▼
//! reconcile, requests,───┤                            DELIVERY (sink, call, revision)
//! backfill               │                               │
//!                        │  egress sink   ── start / stop / adopt ──▶ LiveKit
//!        observations    │  storage sink  ── HEAD ──▶ bucket
//!        of the sinks    └─ airtable sink ── upsert ×10 ──▶ Airtable
//!                           mirror sink   ── POST ──▶ n8n
//! ```
//!
//! A webhook, a transcript or a request is stored as an inbox message and only then acknowledged. Intake folds inbox
//! messages into calls and, in the same transaction, makes deliveries due. A delivery is a pointer, not a payload: its
//! sink sends the call as it is at that moment, so bursts coalesce and a retry sends the newest state. `service` is the
//! composition root: `service::start` builds everything from a configuration, runs it and stops it.
//!
//! # Invariants
//!
//! 1. A webhook or transcript answered 2xx is on disk. Nothing else is sent or written in the request; some requests wait for the
//!    result.
//! 2. `apply` cannot fail for outside reasons and cannot see the clock; only
//!    `telemetry::now` reads the clock: jobs and HTTP take it as a `Clock`, commands call it, everything else takes `now`.
//! 3. All SQL is in `store`. Every transaction's first statement is a write. No transaction is open while
//!    anything waits on a network.
//! 4. Only `intake` writes calls. Only `deliver`, `alerts` and `bootstrap` act on the outside world.
//! 5. Wakes carry no data; the periodic scan alone would be correct.
//! 6. A sink's outcome is a value. An adapter classifies its errors, and the sink turns the class into an outcome.
//! 7. Secrets are `SecretString`; transcripts, phone numbers and signed URLs are never logged.
//! 8. The environment is read in `config` only; every configuration error at once, each naming its variable.
//! 9. Closed sets are enums. Text is parsed at the edge and printed at the edge; no code decides by comparing prose.
//! 10. Stored JSON, API JSON and domain types are three things: a rename in one does not change the others.
//!
//! Of 4 there are two exceptions: `replay` writes what intake would write, and retention takes transcripts out of calls
//! that were delivered long ago.
//!
//! # Glossary
//!
//! - **inbox message**: anything received (webhook, transcript, request, observation), stored before it is acknowledged;
//!   two with the same deduplication key are stored once (`livekit::webhook` makes a webhook's, `store::inbox_writer`
//!   keeps each once).
//! - **event**: what an inbox message says once it is parsed.
//! - **call**: one LiveKit room session (`RM_…`), folded from its events.
//! - **fold**: applying events to a call; any order, with repeats, gives the same call.
//! - **revision**: counts the changes of a call; a delivery notes which one it has delivered.
//! - **recording**: one egress of a call (`EG_…`) and the object that it leaves in the bucket.
//! - **recording request**: a policy (`domain::policy`), the API or the command line asks for a recording of a call;
//!   `sinks::egress` starts it.
//! - **sink**: where calls are delivered: egress, storage, airtable, mirror.
//! - **delivery**: call C must be delivered to sink S at revision R; pending, parked, dead or done.
//! - **attempt**: one try of a delivery, with its outcome.
//! - **parked**: a delivery that waits for a person or a date; it is retried slowly.
//! - **dead letter**: a delivery that failed permanently; `redrive` retries it.
//! - **paused sink**: nothing is sent to it until an error is fixed; one delivery probes it now and then.
//! - **observation**: what reconcile or a sink found out; an inbox message like any other.
//! - **reconcile**: asking LiveKit for what no webhook reported.
//! - **backfill, replay**: history imported into the inbox; calls rebuilt from their stored events.
//! - **retention**: purging transcripts and messages KEEP after a call's rows were delivered (`pipeline::retention` decides
//!   when, `store::retention` which calls, `Call::purge` which of their data).
//! - **permanent link**: `/r/…`, signed by us, which redirects to a new signed URL of the storage (`domain::link`, `http::links`).
//! - **lease**: which process runs a job that has one owner, and that a process lives (`pipeline::leases` decides and takes
//!   over, `store::lease` is its SQL).
//! - **claim**: a delivery that a process is sending, its own as long as its lease (`store::claims`).
//! - **request budget**: requests to Airtable per second and per month; `store::ledger` counts and refuses,
//!   `domain::budget` decides when to save, `pipeline::budget` applies it to the batches.
//! - **condition, alert**: something that is wrong (`alerts::checks`); when it fires and is resolved (`alerts::firing`).

pub mod domain;
pub mod store;

pub mod airtable;
pub mod alert;
pub mod forward;
pub mod livekit;
pub mod mirror;
pub mod sound;
pub mod spool;
pub mod storage;

pub mod pipeline;

pub mod view;

pub mod http;

pub mod service;

pub mod cli;

pub mod config;
pub mod telemetry;

/// Chooses ring for rustls; a process calls it before its first connection.
pub fn install_crypto() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
}
