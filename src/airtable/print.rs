//! A plan as text and as JSON.

use std::fmt;

use serde_json::{Value, json};

use super::plan::Plan;
use super::step::{Sign, Step};

/// The plan as text: one line per step.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.table_id.as_deref().unwrap_or("not created yet");
        writeln!(f, "Table {:?} ({id})", self.table)?;
        let columns = || {
            self.steps
                .iter()
                .filter(|step| !matches!(step, Step::CreateTable { .. }))
        };
        let width = columns()
            .map(|step| step.column().chars().count())
            .max()
            .unwrap_or(0);
        for step in columns() {
            writeln!(
                f,
                "  {} {:width$}  {}",
                step.sign().as_char(),
                step.column(),
                step.note()
            )?;
        }
        let count = |sign| columns().filter(|step| step.sign() == sign).count();
        let (create, fix) = (count(Sign::Create), count(Sign::ByHand));
        match (create, fix) {
            (0, 0) => writeln!(f, "Nothing to do."),
            (create, 0) => writeln!(f, "{create} to create."),
            (create, fix) => writeln!(f, "{create} to create, {fix} to fix by hand (!)."),
        }
    }
}

/// One line for a log: `column "Status": …`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::CreateColumn { column, kind } => {
                write!(f, "column {column:?}: missing, must be {kind}")
            }
            Step::CreateTable { table } => write!(f, "table {table:?}: missing"),
            step => write!(f, "column {:?}: {}", step.column(), step.note()),
        }
    }
}

impl Plan {
    /// `{table, table_id, ok, writes, steps: [{sign, step, column, …}]}`.
    pub fn as_json(&self) -> Value {
        let steps: Vec<Value> = self.steps.iter().map(Step::as_json).collect();
        json!({
            "table": self.table,
            "table_id": self.table_id,
            "ok": self.is_ok(),
            "writes": self.writes(),
            "steps": steps,
        })
    }
}

impl Step {
    fn as_json(&self) -> Value {
        let mut json = json!(self);
        json["sign"] = json!(self.sign().as_char());
        json
    }

    /// The state of a column, and for `!` which menu to use, because the API cannot change it.
    pub fn note(&self) -> String {
        match self {
            Step::CreateTable { .. } => "create the table".into(),
            Step::CreateColumn { kind, .. } => format!("{kind}, create"),
            Step::Kept { kind, .. } => kind.to_string(),
            Step::Renamed { name, kind, .. } => {
                format!("{kind}, called {name:?} in Airtable, which is fine")
            }
            Step::NotPrimary { primary, .. } => format!(
                "not the first column, which is {primary:?}; this is fine. To change it, open the menu of the column {primary:?} in Airtable and choose \"Change primary field\""
            ),
            Step::Foreign { kind, .. } => format!("{kind}, your own column: never changed"),
            Step::WrongType {
                name, kind, wanted, ..
            } => format!(
                "{kind}, must be {wanted}: in Airtable, open the menu of the column {name:?}, choose \"Edit field\", then \"{}\"",
                wanted.menu_label()
            ),
            Step::Locked { name, .. } => format!(
                "locked, so rows are written without it: in Airtable, open the menu of the column {name:?}, choose \"Edit field permissions\", and let AIRTABLE_TOKEN's user edit values"
            ),
            Step::MissingChoice { name, choices, .. } => format!(
                "missing choice {}: in Airtable, open the menu of the column {name:?}, choose \"Edit field\", and add {}",
                quoted(choices),
                if choices.len() == 1 { "it" } else { "them" }
            ),
        }
    }
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(", ")
}
