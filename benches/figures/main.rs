//! The figures in benches/README.md, measured with the release binary: `cargo bench --bench figures [-- PART…]`, where PART is
//! `webhooks`, `mix`, `pages`, `starts`, `rows`, `storm` or `recovery`. `benches/run` first builds the `dist` binary and measures its
//! size, too. Fails if a goal is missed.

#![expect(
    clippy::disallowed_methods,
    reason = "the tasks of a benchmark end with it"
)]

mod bare;
mod load;
mod mix;
mod pages;
mod recovery;
mod rows;
mod service;
mod starts;
mod storm;
mod webhooks;

use std::{io::Write, path::Path, time::Duration};

/// A row of the table.
pub struct Figure {
    pub what: String,
    pub value: String,
    /// Empty for figures without a goal.
    pub goal: &'static str,
    pub met: bool,
}

impl Figure {
    pub fn new(what: &str, value: String, goal: &'static str, met: bool) -> Figure {
        let what = what.to_owned();
        Figure {
            what,
            value,
            goal,
            met,
        }
    }

    pub fn without_goal(what: &str, value: String) -> Figure {
        Figure::new(what, value, "", true)
    }
}

fn main() -> anyhow::Result<()> {
    livekit_airtable::install_crypto();
    // Cargo adds `--bench`.
    let parts: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let wanted = |item: &str| parts.is_empty() || parts.iter().any(|p| p == item);
    let runtime = tokio::runtime::Runtime::new()?;
    let mut figures = Vec::new();
    if wanted("webhooks") {
        figures.extend(runtime.block_on(webhooks::measure())?);
    }
    if wanted("mix") {
        figures.extend(runtime.block_on(mix::measure())?);
    }
    if wanted("pages") {
        figures.extend(runtime.block_on(pages::measure())?);
    }
    if wanted("starts") {
        figures.extend(runtime.block_on(starts::measure())?);
    }
    if wanted("recovery") {
        figures.extend(runtime.block_on(recovery::measure())?);
    }
    if wanted("rows") {
        figures.extend(runtime.block_on(rows::measure())?);
    }
    if wanted("storm") {
        figures.extend(runtime.block_on(storm::measure())?);
    }
    figures.extend(binary_size(Path::new(env!("CARGO_TARGET_TMPDIR"))));
    print(&figures)?;
    let missed = figures.iter().filter(|figure| !figure.met).count();
    anyhow::ensure!(missed == 0, "missed goals: {missed}");
    Ok(())
}

/// Of the `dist` binary, if it has been built.
fn binary_size(target_tmp: &Path) -> Option<Figure> {
    let binary = target_tmp.parent()?.join("dist/livekit-airtable");
    let mib = binary.metadata().ok()?.len() as f64 / f64::from(1 << 20);
    let value = format!("{mib:.1} MiB");
    Some(Figure::new(
        "binary, profile dist",
        value,
        "< 20 MiB",
        mib < 20.0,
    ))
}

fn print(figures: &[Figure]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| figure | measured | goal | |\n| --- | --- | --- | --- |"
    )?;
    for figure in figures {
        let verdict = match (figure.goal, figure.met) {
            ("", _) => "",
            (_, true) => "met",
            (_, false) => "MISSED",
        };
        writeln!(
            out,
            "| {} | {} | {} | {verdict} |",
            figure.what, figure.value, figure.goal
        )?;
    }
    Ok(())
}

/// The value that `share` of all values do not exceed; sorts them.
pub fn percentile(sorted: &mut [Duration], share: f64) -> Duration {
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
