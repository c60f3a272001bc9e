//! A call's reports without their words: which of them are kept, and which are shown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{facts::ReportFacts, origin::ReportOrigin, reports::MOST_JOBS};

/// The reports that are kept of one job.
const MOST_OF_A_JOB: usize = 3;
/// Bytes of the reports that are shown together; the newest is always shown.
const MOST_BYTES: u64 = 16 << 20;

/// A report of a call, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportEntry {
    /// That of the inbox message.
    pub id: String,
    /// What it is about.
    pub facts: ReportFacts,
    /// Equal for equal bodies.
    pub hash: String,
    /// By our clock.
    pub received_at: Timestamp,
    /// Of its body.
    pub bytes: u64,
}

/// Reports that compete with each other: of one job, which came in one way, and dated, undated or without words.
type Slot = (ReportOrigin, Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Dated,
    Undated,
    Wordless,
}

impl ReportEntry {
    fn slot(&self) -> Slot {
        let kind = match self.facts.dated {
            _ if !self.facts.has_words => Kind::Wordless,
            Some(_) => Kind::Dated,
            None => Kind::Undated,
        };
        (self.facts.origin, kind)
    }

    /// Of a slot, the largest counts.
    fn age(&self) -> (Option<Timestamp>, Timestamp, &str) {
        (self.facts.dated, self.received_at, &self.hash)
    }

    /// In the order of arrival.
    fn arrival(&self) -> (Timestamp, &str) {
        (self.received_at, &self.hash)
    }
}

type Entries<'a> = Vec<&'a ReportEntry>;

/// The IDs of the reports that are not kept any more: earlier ones with the same body, all but the newest of their job, and
/// those of all but the last jobs.
pub fn superseded(entries: &[ReportEntry]) -> Vec<&str> {
    let mut jobs: Vec<Entries<'_>> = jobs(entries).into_values().map(of_a_job).collect();
    jobs.sort_by_key(|kept| std::cmp::Reverse(kept.iter().map(|it| it.arrival()).max()));
    let kept = jobs.iter().take(MOST_JOBS).flatten();
    let kept: BTreeSet<&str> = kept.map(|entry| entry.id.as_str()).collect();
    let ids = entries.iter().map(|entry| entry.id.as_str());
    ids.filter(|id| !kept.contains(id)).collect()
}

/// The reports that are kept of one job.
fn of_a_job(entries: Entries<'_>) -> Entries<'_> {
    let mut bodies: BTreeMap<&str, &ReportEntry> = BTreeMap::new();
    for entry in entries {
        let known = bodies.entry(&entry.hash).or_insert(entry);
        if (entry.arrival(), &entry.id) > (known.arrival(), &known.id) {
            *known = entry;
        }
    }
    let mut kept = winners(bodies.values().copied());
    let mut others: Entries<'_> = bodies
        .into_values()
        .filter(|it| !kept.contains(it))
        .collect();
    others.sort_by_key(|entry| std::cmp::Reverse(entry.arrival()));
    let room = MOST_OF_A_JOB.saturating_sub(kept.len());
    kept.extend(others.into_iter().take(room));
    kept
}

/// The reports whose bodies are needed to show the call, the newest first. Together they have a limited size.
pub fn shown(entries: &[ReportEntry]) -> Entries<'_> {
    let jobs = jobs(entries).into_values();
    let mut shown: Entries<'_> = jobs
        .flat_map(|of_job| winners(of_job.into_iter()))
        .collect();
    shown.sort_by_key(|it| std::cmp::Reverse((it.facts.has_words, it.arrival())));
    let (mut bytes, mut count) = (0, 0);
    shown.retain(|entry| {
        let fits = count == 0 || bytes + entry.bytes <= MOST_BYTES;
        if fits {
            bytes += entry.bytes;
            count += 1;
        }
        fits
    });
    shown
}

/// The one of each slot that counts.
fn winners<'a>(entries: impl Iterator<Item = &'a ReportEntry>) -> Entries<'a> {
    let mut slots: BTreeMap<Slot, &ReportEntry> = BTreeMap::new();
    for entry in entries {
        let known = slots.entry(entry.slot()).or_insert(entry);
        if entry.age() > known.age() {
            *known = entry;
        }
    }
    slots.into_values().collect()
}

fn jobs(entries: &[ReportEntry]) -> BTreeMap<&str, Entries<'_>> {
    let mut jobs: BTreeMap<&str, Entries<'_>> = BTreeMap::new();
    for entry in entries {
        jobs.entry(&entry.facts.job).or_default().push(entry);
    }
    jobs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_763_884_800 + second).unwrap()
    }

    /// The n-th report to arrive.
    fn entry(n: i64, job: &str, dated: Option<i64>) -> ReportEntry {
        ReportEntry {
            id: format!("{n:03}"),
            facts: ReportFacts {
                dated: dated.map(at),
                job: job.to_owned(),
                has_words: true,
                refused_words: None,
                origin: ReportOrigin::Sent,
            },
            hash: n.to_string(),
            received_at: at(n),
            bytes: 6 << 20,
        }
    }

    #[test]
    fn three_of_each_job_are_kept_and_among_them_the_one_that_counts() {
        let mut entries: Vec<_> = (0..6).map(|n| entry(n, "AJ_1", Some(10 - n))).collect();
        assert_eq!(superseded(&entries), ["001", "002", "003"]);
        assert_eq!(shown(&entries)[0].id, "000");
        entries.push(entry(7, "AJ_1", None));
        entries.push(entry(8, "", None));
        assert_eq!(superseded(&entries), ["001", "002", "003", "004"]);
    }

    #[test]
    fn of_equal_bodies_the_last_is_kept() {
        let mut entries: Vec<_> = (0..3).map(|n| entry(n, "", None)).collect();
        entries[2].hash = "0".into();
        assert_eq!(superseded(&entries), ["000"]);
        assert_eq!(shown(&entries)[0].id, "002");
    }

    #[test]
    fn the_last_jobs_are_kept_and_only_so_much_is_shown() {
        let jobs = 0..40;
        let entries: Vec<_> = jobs.map(|n| entry(n, &format!("AJ_{n}"), None)).collect();
        let superseded = superseded(&entries);
        assert_eq!(
            (superseded.len(), superseded[0], superseded[7]),
            (8, "000", "007")
        );
        let shown = shown(&entries);
        let ids: Vec<&str> = shown.iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(ids, ["039", "038"]);
    }
}
