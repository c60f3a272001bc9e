//! Nothing accepted is lost: the service is killed, stopped and disconnected under load, and afterwards every accepted
//! message must be in its row. `tests/run --long` runs the same storms for longer.

mod balancer;
mod kills;
mod load;
mod losses;
mod outages;
mod postgres;
mod previous;
mod reference;
mod replicas;
mod restarts;
mod sharing;
mod soak;

/// Whether to run the long forms.
#[expect(
    clippy::disallowed_methods,
    reason = "only tests/run knows whether it was asked for the long form"
)]
fn long() -> bool {
    std::env::var("TEST_LONG").is_ok()
}

/// The first of these in the ordinary run, the second in the long one.
pub(crate) fn sized<T>(ordinary: T, in_long: T) -> T {
    if long() { in_long } else { ordinary }
}

/// The result of the long form; the ordinary run only prints it if a test fails.
#[expect(clippy::print_stdout, reason = "the long form is for reading")]
fn say(line: &str) {
    println!("{line}");
}
