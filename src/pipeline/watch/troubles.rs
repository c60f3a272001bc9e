//! What is wrong now, in words for people.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Watch;
use crate::{
    domain::{
        Call,
        alarm::{Trouble, lasted},
    },
    pipeline::JobState,
    store::{self, Backlog, WebhookGap},
};

pub const STORE: &str = "store";
pub const LEASES: &str = "leases";
pub const WATCH: &str = "watch";
/// Leases that cannot be renewed for so long have run out.
const RUN_OUT: SignedDuration = SignedDuration::from_secs(15);
/// So many recordings that fail one after the other are no accident of theirs.
const IN_A_ROW: usize = 3;
/// A job that fails so long will not mend itself.
const FAILS: SignedDuration = SignedDuration::from_mins(5);

/// What is too long.
#[derive(Debug, Clone)]
pub struct Patience {
    /// How often it is looked.
    pub every: Duration,
    /// An open call without a recording.
    unrecorded: SignedDuration,
    /// No webhook while rooms are open.
    silence: SignedDuration,
    /// A delivery that has failed.
    failed: SignedDuration,
    /// A delivery that nothing is wrong with.
    quiet: SignedDuration,
    /// Before this process nobody knows whether webhooks came.
    started_at: Timestamp,
}

impl Patience {
    /// `gathering`: how long rows may wait for company although nothing is wrong (AIRTABLE_MONTHLY_REQUESTS).
    pub fn new(gathering: SignedDuration, started_at: Timestamp) -> Patience {
        let failed = SignedDuration::from_mins(10);
        Patience {
            every: Duration::from_secs(5),
            unrecorded: SignedDuration::from_secs(60),
            silence: SignedDuration::from_hours(1),
            failed,
            quiet: failed + gathering,
            started_at,
        }
    }
}

impl Watch {
    /// The database can be written, and yet nobody is let at the leases: what is owed waits, and nobody sends it.
    pub(super) async fn unleased(&self, now: Timestamp) -> Option<Trouble> {
        if !self.leases.is_failing() {
            return None;
        }
        let stuck = self.store.waiting(now, now).await.unwrap_or_default();
        let count = stuck.iter().map(|stuck| stuck.count).sum();
        let due_deliveries = match count {
            1 => "1 delivery waits".to_owned(),
            count => format!("{count} deliveries wait"),
        };
        let text = format!(
            "No job goes on: the leases cannot be renewed, though the database can be written. {due_deliveries}; what comes is \
             kept. Look for a transaction that holds the table `leases` locked (pg_stat_activity, pg_locks) and end it."
        );
        Some(Trouble {
            count,
            patience: RUN_OUT,
            ..trouble(LEASES, "no job went on for want of a lease", text)
        })
    }

    pub(super) async fn troubles(&self, now: Timestamp) -> anyhow::Result<Vec<Trouble>> {
        let limits = &self.limits;
        let mut troubles = Vec::new();
        let calls = self.store.unrecorded(now - limits.unrecorded).await?;
        troubles.extend(unrecorded(calls));
        let failed = self.store.failed_in_a_row(&self.our_key).await?;
        troubles.extend(failed_in_a_row(&failed));
        let silence = self.store.webhook_gap().await?;
        troubles.extend(silent(&silence, limits, now));
        let (failed, quiet) = (now - limits.failed, now - limits.quiet);
        let stuck = self.store.waiting(failed, quiet).await?;
        troubles.extend(stuck.into_iter().map(|stuck| waiting(stuck, now)));
        troubles.extend(self.store.dead().await?.into_iter().map(dead));
        let (count, since) = self.store.unprocessed_count(now).await?;
        troubles.extend(since.and_then(|since| unfolded(count, since, limits, now)));
        let states = self.status.all().into_iter();
        troubles.extend(states.filter_map(|(job, state)| failing(job, state)));
        Ok(troubles)
    }
}

fn trouble(condition: impl Into<String>, name: impl Into<String>, text: String) -> Trouble {
    Trouble {
        condition: condition.into(),
        name: name.into(),
        text,
        count: 0,
        calls: Vec::new(),
        patience: SignedDuration::ZERO,
    }
}

/// "1 call waits", "3 calls wait".
fn calls(count: i64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 call {one}"),
        _ => format!("{count} calls {many}"),
    }
}

pub fn unwritable(error: &store::Error) -> Trouble {
    let why = error.reason();
    let text = format!(
        "The database cannot be written: {why}. Senders are told to come again; make room or mend it, it goes on by itself."
    );
    trouble(STORE, "the database could not be written", text)
}

fn unrecorded(mut ids: Vec<String>) -> Option<Trouble> {
    if ids.is_empty() {
        return None;
    }
    let count = ids.len() as i64;
    ids.truncate(3);
    let what = calls(count, "is live and is", "are live and are");
    let text = format!(
        "{what} not being recorded, a minute after it was due. `livekit-airtable calls show ID` says what LiveKit answered."
    );
    Some(Trouble {
        count,
        calls: ids,
        ..trouble("unrecorded", "live calls were not being recorded", text)
    })
}

/// `calls`: the newest first.
fn failed_in_a_row(calls: &[Call]) -> Option<Trouble> {
    let latest = calls.first().filter(|_| calls.len() >= IN_A_ROW)?;
    let (count, why) = (calls.len(), latest.failure()?);
    let text = format!(
        "{count} of the last {count} recordings failed, the latest because {why}. `livekit-airtable calls show ID` has LiveKit's words."
    );
    let ids = calls.iter().take(3).map(|call| call.id.clone());
    Some(Trouble {
        count: count as i64,
        calls: ids.collect(),
        ..trouble("failed", "recordings failed one after the other", text)
    })
}

/// A room that began after the last webhook has sent none itself.
fn silent(silence: &WebhookGap, limits: &Patience, now: Timestamp) -> Option<Trouble> {
    let heard = silence.last_webhook_at.max(Some(limits.started_at))?;
    let unheard = |began: Timestamp| began > heard && began <= now - limits.unrecorded;
    let began = silence.live.iter().filter(|(_, began)| unheard(*began));
    let calls: Vec<String> = began.map(|(id, _)| id.clone()).collect();
    if calls.is_empty() || now.duration_since(heard) < limits.silence {
        return None;
    }
    let since = lasted(now.duration_since(heard));
    let text = format!(
        "No webhook has come for {since} while LiveKit has open rooms: check the webhook's address and signing key in LiveKit's settings. \
         Until then calls are found out by asking, up to RECONCILE_INTERVAL late."
    );
    Some(Trouble {
        count: calls.len() as i64,
        calls: calls.into_iter().take(3).collect(),
        ..trouble("webhooks", "no webhooks came from LiveKit", text)
    })
}

fn waiting(stuck: Backlog, now: Timestamp) -> Trouble {
    let sink = place(&stuck.sink);
    let oldest = lasted(now.duration_since(stuck.oldest_created_at));
    let what = calls(stuck.count, "waits", "wait");
    let text = format!(
        "{what} for {sink}, the oldest for {oldest}. Everything is kept; `livekit-airtable calls list` says what is wrong, and `calls show ID` each try."
    );
    Trouble {
        count: stuck.count,
        calls: stuck.calls,
        ..trouble(
            format!("waiting_{}", stuck.sink),
            format!("calls waited for {sink}"),
            text,
        )
    }
}

fn dead(stuck: Backlog) -> Trouble {
    let sink = place(&stuck.sink);
    let what = calls(stuck.count, "was", "were");
    let text = format!(
        "{what} given up at {sink}. `livekit-airtable calls list --delivery dead` says why; after mending it, `redrive --dead` sends again."
    );
    Trouble {
        count: stuck.count,
        calls: stuck.calls,
        ..trouble(
            format!("dead_{}", stuck.sink),
            format!("calls were given up at {sink}"),
            text,
        )
    }
}

fn unfolded(count: i64, since: Timestamp, limits: &Patience, now: Timestamp) -> Option<Trouble> {
    let age = now.duration_since(since);
    if age < limits.failed {
        return None;
    }
    let text = format!(
        "{count} events wait to be read, the oldest for {}. They are kept; the log says what is wrong.",
        lasted(age)
    );
    let trouble = trouble("inbox", "events waited to be read", text);
    Some(Trouble { count, ..trouble })
}

fn failing(job: &str, state: JobState) -> Option<Trouble> {
    let (what, patience) = match state {
        JobState::Failing(error) if job != WATCH => (format!("keeps failing: {error}"), FAILS),
        JobState::Dead => (
            "has died; restart the service".to_owned(),
            SignedDuration::ZERO,
        ),
        _ => return None,
    };
    let text = format!("The job `{job}` {what}.");
    let condition = format!("job_{job}");
    Some(Trouble {
        patience,
        ..trouble(condition, format!("the job `{job}` failed"), text)
    })
}

fn place(sink: &str) -> &str {
    match sink {
        "airtable" => "Airtable",
        "mirror" => "EGRESS_WEBHOOK_URL",
        "storage" => "the bucket",
        "egress" => "LiveKit (the recording could not be started)",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn told(last: Option<i64>, began: &[i64], now: i64) -> Option<i64> {
        let live = began.iter().map(|b| (format!("RM_{b}"), at(*b)));
        let silence = WebhookGap {
            last_webhook_at: last.map(at),
            live: live.collect(),
        };
        silent(
            &silence,
            &Patience::new(SignedDuration::ZERO, at(0)),
            at(now),
        )
        .map(|trouble| trouble.count)
    }

    #[test]
    fn webhooks_are_missed_when_a_room_began_without_one() {
        assert_eq!(told(Some(5), &[10, 20], 64), None, "not for an hour yet");
        assert_eq!(told(Some(5), &[10, 20], 65), Some(2));
        assert_eq!(told(Some(5), &[4], 500), None, "a long and quiet call");
        assert_eq!(told(Some(5), &[], 500), None, "nobody called");
        assert_eq!(told(Some(5), &[500], 500), None, "it may be under way");
        assert_eq!(told(None, &[30], 59), None, "the service is young");
        assert_eq!(told(None, &[30], 60), Some(1), "none ever came");
        assert_eq!(told(None, &[-30], 100), None, "older than the service");
    }

    #[test]
    fn what_is_said_has_counts_and_no_more_than_three_calls() {
        let ids = (0..50).map(|n| format!("RM_{n}")).collect();
        let said = unrecorded(ids).unwrap();
        assert_eq!((said.count, said.calls.len()), (50, 3));
        assert!(said.text.starts_with("50 calls are live and are not"));
        assert!(unrecorded(Vec::new()).is_none());
        let stuck = Backlog {
            sink: "airtable".into(),
            count: 1,
            oldest_created_at: at(0),
            calls: vec!["RM_1".into()],
        };
        let said = waiting(stuck, at(11));
        assert!(
            said.text
                .starts_with("1 call waits for Airtable, the oldest for 11 min.")
        );
    }

    #[test]
    fn a_failing_job_is_given_five_minutes_and_a_dead_one_none() {
        let failing = |state| failing("intake", state).map(|trouble| trouble.patience);
        assert_eq!(failing(JobState::Running), None);
        assert_eq!(failing(JobState::Failing("x".into())), Some(FAILS));
        assert_eq!(failing(JobState::Dead), Some(SignedDuration::ZERO));
    }
}
