//! Progress on stderr, when that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for this many steps.
pub(in crate::cli) fn bar(doing: &'static str, steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64).with_message(doing);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    // The template is a constant, and right.
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A counter where the number of steps is unknown.
pub(in crate::cli) fn spinner(doing: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {spinner} {pos}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::new_spinner()
        .with_message(doing)
        .with_style(style);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}
