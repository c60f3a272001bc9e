//! The log line of a panic.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_panic_says_where_and_not_what() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let earlier = std::panic::take_hook();
    livekit_airtable::telemetry::log_panics();
    let words = String::from("the caller's words: é");
    let cut = tracing::subscriber::with_default(subscriber.finish(), || {
        std::panic::catch_unwind(|| words[..words.len() - 1].to_owned())
    });
    std::panic::set_hook(earlier);
    assert!(cut.is_err());
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("panic") && log.contains("panics.rs:"), "{log}");
    assert!(!log.contains("words"), "{log}");
}
