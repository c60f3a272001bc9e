//! For all other tests: neither the service's output nor its error responses contain a secret, a token, a signature, a
//! phone number or spoken words. Services in this process log at level debug, where each rejected request logs its
//! response; the logs of processes are read when their world ends.

use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::{Mutex, Once, PoisonError},
};

use livekit_airtable::telemetry;
use serde_json::Value;
use tracing::Subscriber;
use tracing_subscriber::{Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::harness::{API_TOKEN, SECRET};

/// Texts that must not appear, whatever the test. The two that start with `eyJ` are the start of a token.
const ALWAYS: [&str; 8] = [
    SECRET,
    API_TOKEN,
    "patTest",
    "testsecret",
    "eyJhbGci",
    "eyJ0eXAi",
    "X-Amz-Signature",
    "x-amz-signature",
];

/// Secrets that tests have created since.
static PLANTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Log lines about waiting deliveries, of all services in this process.
static WAITING: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on this must be nowhere.
pub(crate) fn plant(text: &str) {
    let mut planted = PLANTED.lock().unwrap_or_else(PoisonError::into_inner);
    planted.insert(text.to_owned());
}

/// Everything that somebody says in a transcript.
pub(crate) fn plant_words(transcript: &Value) {
    match transcript {
        // Shorter ones turn up by chance.
        Value::String(words) if words.len() > 11 && words.contains(' ') => {
            plant(words.get(..60).unwrap_or(words));
        }
        Value::Array(all) => all.iter().for_each(plant_words),
        Value::Object(all) => all.values().for_each(plant_words),
        _ => {}
    }
}

/// The lines that hold what must be nowhere.
fn found_in(text: &str) -> Vec<String> {
    let planted = PLANTED.lock().unwrap_or_else(PoisonError::into_inner);
    let all = || ALWAYS.into_iter().chain(planted.iter().map(String::as_str));
    if !all().any(|canary| text.contains(canary)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for line in text.lines() {
        found.extend(
            all()
                .filter(|c| line.contains(c))
                .map(|c| format!("{c:?} in: {line:.300}")),
        );
    }
    found
}

/// Notes what must be nowhere and is in this text.
pub(crate) fn look_through(text: &str) {
    let found = found_in(text);
    let mut all = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    all.extend(found);
}

/// Reads what processes have written into a world's folder, and panics if anything was found by any test up to now.
pub(crate) fn check(folder: &Path) {
    for name in ["stdout", "stderr"] {
        look_through(&std::fs::read_to_string(folder.join(name)).unwrap_or_default());
    }
    if std::thread::panicking() {
        return;
    }
    // Reported once: by the test that ends first.
    let found = std::mem::take(&mut *FOUND.lock().unwrap_or_else(PoisonError::into_inner));
    assert!(
        found.is_empty(),
        "printed or answered by a test of this run:\n{}",
        found.join("\n")
    );
}

/// Listens to all services of this process.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| subscriber(|| Ear(hear)).init());
}

fn hear(line: &str) {
    look_through(line);
    if line.contains("deliveries are waiting; the oldest for") {
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(line.to_owned());
    }
}

/// The log lines about waiting deliveries of which this call is the oldest.
pub(crate) fn said_to_wait(call: &str) -> Vec<String> {
    let waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    let ours = waiting.iter().filter(|line| line.contains(call));
    ours.cloned().collect()
}

fn subscriber<F>(ear: F) -> impl Subscriber + Send + Sync
where
    F: Fn() -> Ear + Send + Sync + 'static,
{
    let reported = fmt::layer().with_ansi(false).with_writer(ear);
    // The stand-ins are the world outside.
    let filter = telemetry::filter("debug,livekit_airtable_sim=off,s3s=off,s3s_fs=off");
    tracing_subscriber::registry().with(reported.with_filter(filter))
}

struct Ear(fn(&str));

impl io::Write for Ear {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        (self.0)(&String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_canaries_are_found() {
    static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    fn note(line: &str) {
        HEARD.lock().unwrap().extend(found_in(line));
    }
    plant_words(&serde_json::json!({ "turns": [{ "text": "a canary sings alone" }] }));
    plant("+15550000001");
    let _listening = tracing::subscriber::set_default(subscriber(|| Ear(note)));
    tracing::debug!(key = SECRET, "a careless line");
    tracing::warn!("and \"a canary sings alone\" said +15550000001");
    tracing::info!(url = "https://b/x?X-Amz-Signature=1", "nothing to see");
    tracing::info!("nothing at all");
    let heard = HEARD.lock().unwrap().join("\n");
    assert_eq!(heard.lines().count(), 4, "{heard}");
    for canary in [SECRET, "canary sings", "+15550000001", "X-Amz-Signature"] {
        assert!(heard.contains(canary), "{canary}: {heard}");
    }
}
