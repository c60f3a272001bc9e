//! The reports of one call: which of them count.

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{origin::ReportOrigin, report::Report};
use crate::domain::{id_rules::as_id, latest::Latest};

/// A report and the time when it arrived, by our clock. Shared, because a report may have megabytes and a call is copied and
/// compared with every event.
type Received = Latest<Arc<Report>, Timestamp>;

/// Reports are kept for this many jobs, the last ones.
pub(super) const MOST_JOBS: usize = 32;

/// For each of the agents' jobs, the newest report counts: a room has several jobs after a handoff or a restart. Of a job
/// whose agent sent its report and whose SDK uploaded it, too, the one with more turns counts, else the newer. Among reports
/// without a job, only the newest counts. The order of the events does not matter.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "StoredReports", into = "StoredReports")]
pub struct Reports {
    /// By job; reports without a job have the empty key.
    jobs: BTreeMap<String, JobReports>,
}

/// The newest reports of one job, by how they came.
#[derive(Debug, Clone, PartialEq, Default)]
struct JobReports {
    sent: Newest,
    uploaded: Newest,
}

/// The newest reports of one job that came in one way. Dated reports are compared by date, undated ones by arrival; of the two winners, the one
/// that arrived last counts.
#[derive(Debug, Clone, PartialEq, Default)]
struct Newest {
    dated: Option<Received>,
    undated: Option<Received>,
    /// Without a conversation: only its other fields count, and it never replaces words.
    wordless: Option<Received>,
}

/// The stored form: the newest reports of all jobs are in the fields that earlier versions read, the others in `others`.
#[derive(Serialize, Deserialize)]
struct StoredReports {
    dated: Option<Received>,
    undated: Option<Received>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<Received>,
}

impl Reports {
    /// Keeps the report if it is newer than the one of its job; `received_at` is by our clock.
    pub fn add(&mut self, report: &Arc<Report>, received_at: Timestamp) {
        self.keep(Latest::new(received_at, Arc::clone(report)));
    }

    fn keep(&mut self, report: Received) {
        let job = self.jobs.entry(as_id(report.job().to_owned())).or_default();
        let newest = match report.origin {
            ReportOrigin::Sent => &mut job.sent,
            ReportOrigin::Uploaded => &mut job.uploaded,
        };
        let slot = match date(&report) {
            _ if report.transcript.is_empty() => &mut newest.wordless,
            Some(_) => &mut newest.dated,
            None => &mut newest.undated,
        };
        if slot.as_ref().is_none_or(|known| is_newer(&report, known)) {
            *slot = Some(report);
        }
        if self.jobs.len() > MOST_JOBS {
            let oldest = self.jobs.iter().min_by_key(|(_, job)| job.last());
            let oldest = oldest.map(|(job, _)| job.clone());
            self.jobs.remove(&oldest.unwrap_or_default());
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Every report, and when it arrived.
    pub fn all(&self) -> impl Iterator<Item = (&Report, Timestamp)> {
        let all = self.jobs.values().flat_map(JobReports::all);
        all.map(|report| (report.value().as_ref(), *report.stamp()))
    }

    /// The newest of the reports whose conversations count.
    pub fn newest(&self) -> Option<&Report> {
        self.winner().map(|(_, report)| report.value().as_ref())
    }

    /// The reports whose conversations count: one per job, or only the newest of all if that has no job. In the order of
    /// arrival.
    pub fn counted(&self) -> Vec<&Report> {
        let mut winners: Vec<&Received> = match self.winner() {
            None => Vec::new(),
            Some((job, report)) if job.is_empty() || report.transcript.is_empty() => vec![report],
            Some(_) => {
                let jobs = self.jobs.iter().filter(|(job, _)| !job.is_empty());
                let winners = jobs.filter_map(|(_, job)| job.winner());
                winners
                    .filter(|report| !report.transcript.is_empty())
                    .collect()
            }
        };
        winners.sort_by_key(|report| *report.stamp());
        let reports = winners.into_iter().map(|report| report.value().as_ref());
        reports.collect()
    }

    /// The first value that `read` finds, from the newest report to the oldest.
    pub fn find<T>(&self, read: impl Fn(&Report) -> Option<T>) -> Option<T> {
        let mut all: Vec<&Received> = self.jobs.values().flat_map(JobReports::all).collect();
        all.sort_by(|a, b| b.stamp().cmp(a.stamp()).then_with(|| order(b, a)));
        all.into_iter().find_map(|report| read(report.value()))
    }

    fn winner(&self) -> Option<(&str, &Received)> {
        let jobs = self.jobs.iter();
        let winners = jobs.filter_map(|(job, reports)| Some((job.as_str(), reports.winner()?)));
        winners.max_by(|(_, a), (_, b)| order(a, b))
    }
}

impl JobReports {
    /// When the last report arrived.
    fn last(&self) -> Option<Timestamp> {
        self.all().map(|report| *report.stamp()).max()
    }

    fn all(&self) -> impl Iterator<Item = &Received> {
        self.sent.all().chain(self.uploaded.all())
    }

    /// Of both ways the report with more turns, else the newer. Of one way the newest counts, however many turns it has.
    fn winner(&self) -> Option<&Received> {
        match (self.sent.winner(), self.uploaded.winner()) {
            (Some(sent), Some(uploaded)) => {
                let turns = |it: &Received| it.transcript.turns();
                let more = turns(sent).cmp(&turns(uploaded));
                let more = more.then_with(|| order(sent, uploaded));
                Some(if more.is_gt() { sent } else { uploaded })
            }
            (sent, uploaded) => sent.or(uploaded),
        }
    }
}

impl Newest {
    fn all(&self) -> impl Iterator<Item = &Received> {
        let all = [&self.dated, &self.undated, &self.wordless];
        all.into_iter().flatten()
    }

    fn winner(&self) -> Option<&Received> {
        self.all().max_by(|a, b| order(a, b))
    }
}

/// Compares two reports of the same job and kind.
fn is_newer(a: &Received, b: &Received) -> bool {
    let key = |it: &Received| (!it.transcript.is_empty(), date(it), *it.stamp());
    let order = key(a).cmp(&key(b));
    // With equal times either may win, but it must be the same one in every order of events.
    order.then_with(|| json(a).cmp(&json(b))).is_gt()
}

/// Compares two reports of different kinds or jobs: those with words are newer, then by arrival.
fn order(a: &Received, b: &Received) -> Ordering {
    let key = |it: &Received| (!it.transcript.is_empty(), *it.stamp(), date(it));
    let order = key(a).cmp(&key(b));
    order.then_with(|| json(a).cmp(&json(b)))
}

/// The report's own date, unless it lies after the arrival.
fn date(report: &Received) -> Option<Timestamp> {
    report.value().dated(*report.stamp())
}

fn json(report: &Received) -> String {
    serde_json::to_string(report.value().as_ref()).unwrap_or_default()
}

impl From<StoredReports> for Reports {
    fn from(stored: StoredReports) -> Reports {
        let mut reports = Reports::default();
        let newest = stored.dated.into_iter().chain(stored.undated);
        for report in newest.chain(stored.others) {
            reports.keep(report);
        }
        reports
    }
}

impl From<Reports> for StoredReports {
    fn from(reports: Reports) -> StoredReports {
        let mut stored = StoredReports {
            dated: None,
            undated: None,
            others: Vec::new(),
        };
        for report in reports.jobs.values().flat_map(JobReports::all).cloned() {
            let slot = match date(&report) {
                Some(_) => &mut stored.dated,
                None => &mut stored.undated,
            };
            match slot {
                Some(known) if !is_newer(&report, known) => stored.others.push(report),
                slot => stored.others.extend(slot.replace(report)),
            }
        }
        stored
    }
}
