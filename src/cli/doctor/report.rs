//! Prints findings as they come: lines under their group, or JSON at the end.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::finding::{Finding, Group, Level, Name, Severity};
use crate::cli::console::{
    output::{Format, print_json, print_line},
    table::clean,
};

/// Whether lines have colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Color {
    Off,
    On,
}

impl Color {
    /// Only for a terminal, and not with NO_COLOR.
    pub(super) fn for_stdout(no_color: Option<()>) -> Color {
        match no_color.is_none() && std::io::stdout().is_terminal() {
            true => Color::On,
            false => Color::Off,
        }
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Color::On => format!("\x1b[{code}m{text}\x1b[0m"),
            Color::Off => text.to_owned(),
        }
    }
}

/// A check with its result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Check {
    group: Group,
    check: &'static str,
    level: Level,
    detail: String,
    remedy: Option<String>,
    ms: u64,
}

/// All results so far.
pub(super) struct Report {
    format: Format,
    color: Color,
    checks: Vec<Check>,
}

impl Report {
    /// Nothing was checked yet.
    pub(super) fn new(format: Format, color: Color) -> Report {
        Report {
            format,
            color,
            checks: Vec::new(),
        }
    }

    /// Runs a check and prints its result.
    pub(super) async fn check(
        &mut self,
        group: Group,
        check: &'static str,
        work: impl Future<Output = Finding>,
    ) -> anyhow::Result<Level> {
        let spinner = spinner(group, check);
        let begun = Instant::now();
        let found = work.await;
        spinner.finish_and_clear();
        self.add((group, check), found, begun.elapsed())
    }

    /// Runs a check that says nothing as long as one of these fails.
    pub(super) async fn check_after(
        &mut self,
        needs: &[Name],
        (group, check): Name,
        work: impl Future<Output = Finding>,
    ) -> anyhow::Result<Level> {
        match self.cause(needs) {
            Some(cause) => self.note(group, check, cause),
            None => self.check(group, check, work).await,
        }
    }

    /// What to report instead of a check because of the first of these that failed.
    pub(super) fn cause(&self, needs: &[Name]) -> Option<Finding> {
        let failed = |name: &&Name| matches!(self.level(**name), Some(Level::Failure(_)));
        needs
            .iter()
            .find(failed)
            .map(|name| Finding::not_checked(*name))
    }

    /// How a check ended; `None`: it did not run.
    pub(super) fn level(&self, (group, check): Name) -> Option<Level> {
        let mut checks = self.checks.iter();
        let found = checks.find(|it| it.group == group && it.check == check);
        found.map(|it| it.level)
    }

    /// The check that failed with the same words: the fault is the same.
    fn same_failure(&self, found: &Finding) -> Option<Name> {
        let is_failure = matches!(found.level, Level::Failure(_));
        let is_same = |it: &&Check| it.level == found.level && it.detail == found.detail;
        let same = self.checks.iter().find(is_same).filter(|_| is_failure);
        same.map(|it| (it.group, it.check))
    }

    /// Adds a result that took no time.
    pub(super) fn note(
        &mut self,
        group: Group,
        check: &'static str,
        found: Finding,
    ) -> anyhow::Result<Level> {
        self.add((group, check), found, Duration::ZERO)
    }

    fn add(
        &mut self,
        (group, check): (Group, &'static str),
        found: Finding,
        took: Duration,
    ) -> anyhow::Result<Level> {
        let found = match self.same_failure(&found) {
            Some(same) => Finding::not_checked(same),
            None => found,
        };
        let level = found.level;
        let is_first = self.checks.last().is_none_or(|last| last.group != group);
        let check = Check {
            group,
            check,
            level,
            detail: found.detail,
            remedy: found.remedy,
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        };
        if self.format == Format::Text {
            if is_first {
                let head = self.color.paint("1", group.as_str());
                let gap = if self.checks.is_empty() { "" } else { "\n" };
                print_line(&format!("{gap}{head}"))?;
            }
            print_line(&self.lines(&check))?;
        }
        self.checks.push(check);
        Ok(level)
    }

    fn lines(&self, check: &Check) -> String {
        let (code, sign) = match check.level {
            Level::Ok => ("32", "✓"),
            Level::Skipped => ("2", "-"),
            Level::Warning => ("33", "!"),
            Level::Failure(_) => ("31", "✗"),
        };
        let sign = self.color.paint(code, sign);
        let (name, detail) = (check.check, check.detail.trim());
        let first = match check.level {
            Level::Ok => format!("  {sign} {name}: {}", clean(detail)),
            Level::Skipped => format!("  {sign} {name}: skipped ({})", clean(detail)),
            Level::Warning | Level::Failure(_) => {
                let lines = detail
                    .lines()
                    .map(|line| format!("\n      {}", clean(line)));
                format!("  {sign} {name}{}", lines.collect::<String>())
            }
        };
        match &check.remedy {
            Some(remedy) => format!("{first}\n      → {}", clean(remedy)),
            None => first,
        }
    }

    /// Prints what is left to print; the exit code of the worst failure, if there was one.
    pub(super) fn finish(self) -> anyhow::Result<Option<Severity>> {
        match self.format {
            Format::Json => print_json(&self.checks)?,
            Format::Text => print_line(&format!("\n{}", self.summary()))?,
        }
        let failures = self.checks.iter().filter_map(|check| match check.level {
            Level::Failure(severity) => Some(severity),
            _ => None,
        });
        Ok(failures.max())
    }

    fn summary(&self) -> String {
        let count = |wanted: fn(Level) -> bool| {
            let checks = self.checks.iter();
            checks.filter(|check| wanted(check.level)).count()
        };
        let failures = count(|level| matches!(level, Level::Failure(_)));
        let warnings = count(|level| level == Level::Warning);
        match (failures, warnings) {
            (0, 0) => "Everything works.".to_owned(),
            (0, some) => format!("{some} should be looked at."),
            (some, 0) => format!("{some} must be fixed."),
            (some, more) => format!("{some} must be fixed, {more} should be looked at."),
        }
    }
}

/// Shown on stderr while a check runs, if that is a terminal.
fn spinner(group: Group, check: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("  {spinner} {msg}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::new_spinner().with_style(style);
    spinner.set_message(format!("{}: {check}", group.as_str()));
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}
