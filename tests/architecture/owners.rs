//! Which job runs in which processes. A job that is not named here has one owner: work that replicas share must be claimed
//! row by row or be harmless when it is done twice.

/// Files with a job that says where it runs, and what they say.
const SAID: [(&str, &[&str]); 7] = [
    ("src/pipeline/agent_audio/job.rs", &["Each"]),
    ("src/pipeline/alerts/job.rs", &["Each"]),
    ("src/pipeline/deliver/dispatch.rs", &["Owner", "Replicas"]),
    ("src/pipeline/intake/job.rs", &["Replicas"]),
    ("src/pipeline/intake/large.rs", &["Replicas"]),
    ("src/pipeline/livekit_keys.rs", &["Each"]),
    ("src/pipeline/reconcile/job.rs", &["Replicas"]),
];

/// Jobs that do not say where they run, and therefore have one owner.
const OWNED: [&str; 5] = [
    "src/pipeline/alignment/job.rs",
    "src/pipeline/audit.rs",
    "src/pipeline/clock_regression.rs",
    "src/pipeline/links.rs",
    "src/pipeline/retention.rs",
];

/// The jobs of these sources that do not run where the tables say.
pub(crate) fn misplaced(sources: &[(String, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    let jobs = sources.iter();
    let jobs = jobs.filter(|(_, text)| text.contains(" Job for "));
    for (path, text) in jobs {
        let mut found: Vec<&str> = text
            .split("RunsIn::")
            .skip(1)
            .map(|rest| {
                rest.split(|c: char| !c.is_alphabetic())
                    .next()
                    .unwrap_or("")
            })
            .collect();
        found.sort_unstable();
        let said = SAID.iter().find(|(file, _)| file == path);
        match said {
            Some((_, said)) if found == *said => {}
            None if found.is_empty() && OWNED.contains(&path.as_str()) => {}
            _ => wrong.push(format!("{path}: {found:?}")),
        }
    }
    wrong
}
