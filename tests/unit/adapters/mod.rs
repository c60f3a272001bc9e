//! The adapters against servers on real sockets that answer as LiveKit, a bucket or n8n do, and as they do when ill.

mod egress;
mod long_answers;
mod mirror;
mod rooms;
mod server;
mod storage;
mod storage_keys;
mod telemetry;
