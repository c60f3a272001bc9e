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
//!        what a sink     │  storage sink  ── HEAD ──▶ bucket
//!        found out       └─ airtable sink ── upsert ×10 ──▶ Airtable
//!                           mirror sink   ── POST ──▶ n8n
//! ```
//!
//! # Invariants
//!
//! 1. A webhook or transcript answered 2xx is on disk. Nothing else happens in the request.
//! 2. `apply` cannot fail for outside reasons and cannot see the clock; `now` is a parameter everywhere but at the edge.
//! 3. All SQL is in `store`. Every transaction's first statement is a guarded write. No transaction is open while
//!    anything waits on a network.
//! 4. Only `intake`, and `replay` as it would, write calls; `keep` takes the transcripts out of those delivered long ago.
//!    Only `deliver` and `bootstrap` act on the outside world.
//! 5. Wakes carry no data; the periodic scan alone would be correct.
//! 6. A sink's answer is a value; who decides stands beside the client.
//! 7. Secrets are `SecretString`; transcripts, phone numbers and URLs with signatures are never logged.
//! 8. The environment is read in `config` only; every configuration error is told at once, each naming its variable.

pub mod domain;
pub mod store;

pub mod airtable;
pub mod alert;
pub mod livekit;
pub mod mirror;
pub mod storage;

pub mod pipeline;

pub mod http;

pub mod cli;
pub mod config;
pub mod telemetry;

/// The first thing a process does: rustls needs to know its cryptography before the first connection.
pub fn install_crypto() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
}
