//! `audit`: the audit trail, oldest line first, and the check of its chain.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    console::{
        output::{print_error, print_json, print_line, print_text},
        table::TextTable,
        time_args,
    },
    failure::Failure,
};
use crate::{
    config::{Config, Source},
    service::database,
    store::{AuditCheck, AuditFilter, AuditLine, Store},
    view::{AuditLineView, utc_seconds},
};

/// Lines that are read at a time.
const PAGE: i64 = 500;

#[derive(clap::Args)]
pub(super) struct AuditArgs {
    /// Only lines about this call (RM_…) or recording (EG_…)
    #[arg(long, value_name = "ID")]
    call: Option<String>,
    /// Only lines since: a time, a date, or how long ago (7d)
    #[arg(long, value_name = "T", value_parser = time_args::parse)]
    since: Option<Timestamp>,
    /// Check that no line was changed, removed or inserted; exit 1 if one was
    #[arg(long, conflicts_with_all = ["call", "since"])]
    verify: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The output of `--verify --json`.
#[derive(Serialize)]
struct CheckAnswer {
    ok: bool,
    first: Option<i64>,
    last: Option<i64>,
    broken: Option<i64>,
    reason: Option<&'static str>,
}

/// Prints the lines, or the outcome of the check.
pub(super) async fn run(args: AuditArgs, source: &Source) -> anyhow::Result<()> {
    let url = Config::database(source)?;
    let work = async |store: &Store| match args.verify {
        true => verify(&args, store).await,
        false => list(&args, store).await,
    };
    database::existing(&url, work).await
}

async fn verify(args: &AuditArgs, store: &Store) -> anyhow::Result<()> {
    let check = store.verify_audit().await?;
    if args.json {
        print_json(&CheckAnswer::new(&check))?;
    }
    match check {
        AuditCheck::Unbroken { first, last } if !args.json => print_line(&match last < first {
            true => "The audit trail has no lines.".to_owned(),
            false => format!("Lines {first} to {last} are as they were written."),
        }),
        AuditCheck::Unbroken { .. } => Ok(()),
        AuditCheck::Broken { number, reason } => {
            print_error(&format!(
                "The audit trail is broken at line {number}: {reason}."
            ));
            Err(Failure::Printed.into())
        }
    }
}

async fn list(args: &AuditArgs, store: &Store) -> anyhow::Result<()> {
    let filter = AuditFilter {
        id: args.call.clone(),
        since: args.since,
    };
    let mut output = Output::new(args.json);
    let mut last = 0;
    loop {
        let lines = store.audit_after(&filter, last, PAGE).await?;
        output.print(&lines)?;
        match lines.last().and_then(|line| line.number) {
            Some(number) => last = number,
            None => break,
        }
    }
    output.print(&store.open_refused(&filter).await?)?;
    output.end()
}

/// Prints lines as they are read: there may be years of them.
struct Output {
    is_json: bool,
    printed: usize,
}

impl Output {
    fn new(is_json: bool) -> Output {
        Output {
            is_json,
            printed: 0,
        }
    }

    fn print(&mut self, lines: &[AuditLine]) -> anyhow::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let text = match self.is_json {
            true => self.json(lines)?,
            false => table(lines),
        };
        self.printed += lines.len();
        print_text(&text)
    }

    fn json(&self, lines: &[AuditLine]) -> anyhow::Result<String> {
        let mut text = String::new();
        for (n, line) in lines.iter().enumerate() {
            text += match self.printed + n {
                0 => "{\"lines\":[",
                _ => ",",
            };
            text += &serde_json::to_string(&AuditLineView::new(line))?;
        }
        Ok(text)
    }

    fn end(&self) -> anyhow::Result<()> {
        match (self.is_json, self.printed) {
            (true, 0) => print_line("{\"lines\":[]}"),
            (true, _) => print_line("]}"),
            (false, 0) => print_line("No lines."),
            (false, _) => Ok(()),
        }
    }
}

fn table(lines: &[AuditLine]) -> String {
    let head = [
        "LINE",
        "TIME",
        "WHO",
        "ACTION",
        "CALL",
        "RECORDING",
        "FROM",
        "STATUS",
        "COUNT",
        "DETAIL",
    ];
    let mut table = TextTable::new(&head);
    for line in lines {
        let number = line.number.map(|number| number.to_string());
        let configuration = line.configuration.as_deref();
        let configuration = configuration.map(|it| format!("configuration {it} "));
        let detail = configuration.unwrap_or_default() + &line.detail;
        table.push([
            number.as_deref().unwrap_or("-"),
            &utc_seconds(line.at),
            &line.who,
            &line.action,
            line.call_id.as_deref().unwrap_or_default(),
            line.egress_id.as_deref().unwrap_or_default(),
            &line.client,
            &line.status.to_string(),
            &line.requests.to_string(),
            &detail,
        ]);
    }
    table.to_string()
}

impl CheckAnswer {
    fn new(check: &AuditCheck) -> CheckAnswer {
        match *check {
            AuditCheck::Unbroken { first, last } => CheckAnswer {
                ok: true,
                first: (first <= last).then_some(first),
                last: (first <= last).then_some(last),
                broken: None,
                reason: None,
            },
            AuditCheck::Broken { number, reason } => CheckAnswer {
                ok: false,
                first: None,
                last: None,
                broken: Some(number),
                reason: Some(reason),
            },
        }
    }
}
