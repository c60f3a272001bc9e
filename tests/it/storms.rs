//! What must be kept is kept: the service is killed, stopped and cut off while a load runs, and every message that it
//! accepted is looked for in its row afterwards. `tests/run --long` runs the same storms for longer.

mod balancer;
mod kills;
mod load;
mod outages;
mod postgres;
mod previous;
mod replicas;
mod restarts;

/// Whether these are the long forms.
#[expect(
    clippy::disallowed_methods,
    reason = "only tests/run knows whether it was asked for the long form"
)]
fn long() -> bool {
    std::env::var("TEST_LONG").is_ok()
}

/// The first of these in the ordinary run, the second in the long one.
pub fn sized<T>(ordinary: T, in_long: T) -> T {
    if long() { in_long } else { ordinary }
}

/// What the long form is read for; the ordinary run keeps it for when a test fails.
#[expect(clippy::print_stdout, reason = "the long form is for reading")]
fn say(line: &str) {
    println!("{line}");
}
