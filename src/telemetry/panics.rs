//! Panics in the log.

/// Logs the place of a panic and not its message, which may quote what a caller said.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let place = place.unwrap_or_default();
        tracing::error!(place, "panic: this is a bug; please report this line");
    }));
}
