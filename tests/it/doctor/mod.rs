//! `doctor`: every check on parts that answer, and each failure once.

mod causes;
mod failures;
mod machine;
mod other;
mod real;
mod remotes;
mod rooms;
mod screen;
mod unusual;

use serde_json::Value;

use crate::{
    harness::World,
    process::{Done, run},
};

/// The results of one run with `--json`.
pub(crate) struct Checked {
    pub code: Option<i32>,
    checks: Vec<Value>,
}

impl Checked {
    pub(crate) fn of(done: &Done) -> Checked {
        let checks = serde_json::from_str(&done.stdout);
        Checked {
            code: done.code,
            checks: checks.unwrap_or_else(|error| panic!("{error}: {done:?}")),
        }
    }

    pub(crate) fn find(&self, group: &str, check: &str) -> &Value {
        let is_it = |it: &&Value| it["group"] == group && it["check"] == check;
        let found = self.checks.iter().find(is_it);
        found.unwrap_or_else(|| panic!("no {group}: {check} in {:#?}", self.checks))
    }

    pub(crate) fn level(&self, group: &str, check: &str) -> &str {
        self.find(group, check)["level"].as_str().unwrap()
    }

    pub(crate) fn detail(&self, group: &str, check: &str) -> &str {
        self.find(group, check)["detail"].as_str().unwrap()
    }

    /// Group and check of everything with this level.
    pub(crate) fn names(&self, level: &str) -> Vec<String> {
        let same = self.checks.iter().filter(|it| it["level"] == level);
        let text = |name: &Value| name.as_str().unwrap().to_owned();
        same.map(|it| format!("{}: {}", text(&it["group"]), text(&it["check"])))
            .collect()
    }

    /// Group, check and detail of everything with this level.
    pub(crate) fn with_level(&self, level: &str) -> Vec<String> {
        let same = self.checks.iter().filter(|it| it["level"] == level);
        let text = |it: &Value| format!("{}: {}: {}", it["group"], it["check"], it["detail"]);
        same.map(text).collect()
    }
}

/// The settings with some others in their place; an empty value removes a variable.
pub(crate) fn changed(
    settings: &[(String, String)],
    changes: &[(&str, &str)],
) -> Vec<(String, String)> {
    let mut settings = settings.to_vec();
    for (name, value) in changes {
        settings.retain(|(known, _)| known != name);
        if !value.is_empty() {
            settings.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    settings
}

/// Runs `doctor --json` and more arguments with the settings of a world and these changes.
pub(crate) async fn doctor(world: &World, args: &[&str], changes: &[(&str, &str)]) -> Checked {
    let args: Vec<&str> = ["doctor", "--json"].iter().chain(args).copied().collect();
    let settings = changed(world.settings(), changes);
    Checked::of(&run(world.folder.path(), &args, &settings).await)
}
