//! Whatever comes to `/webhooks/livekit`.
#![no_main]
// Compiled in from the product, which is used in parts here.
#![allow(dead_code)]

#[path = "../../src/domain/mod.rs"]
mod domain;
#[path = "../../src/livekit"]
mod livekit {
    pub mod body;
    pub mod token;
    mod token_error;
    pub mod webhook;
}
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
