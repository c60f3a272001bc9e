//! `--call`: waits for one real call and ticks each step of it.

use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    examined::Examined,
    finding::{Finding, Group, Severity},
    links,
    report::Report,
    row::Row,
};
use crate::{
    cli::console::output::print_error,
    domain::{Call, Sink, Status},
    store::{self, CallFilter, DeliveryState, Store},
};

const GROUP: Group = Group::Call;
const POLL: Duration = Duration::from_millis(250);
/// A call that began so shortly before counts, too: people start both at once.
const BEFORE: SignedDuration = SignedDuration::from_secs(10);
/// How long after the row the words may come.
const LATE_WORDS: SignedDuration = SignedDuration::from_secs(30);

/// What happens to a call, in the usual order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    RoomHeard,
    RecordingStarted,
    FirstAudio,
    WordsReceived,
    RoomClosed,
    FileInBucket,
    RowComplete,
    LinkPlays,
}

impl Step {
    const ALL: [Step; 8] = [
        Step::RoomHeard,
        Step::RecordingStarted,
        Step::FirstAudio,
        Step::WordsReceived,
        Step::RoomClosed,
        Step::FileInBucket,
        Step::RowComplete,
        Step::LinkPlays,
    ];

    fn name(self) -> &'static str {
        match self {
            Step::RoomHeard => "room heard",
            Step::RecordingStarted => "recording started",
            Step::FirstAudio => "first audio",
            Step::WordsReceived => "words received",
            Step::RoomClosed => "room closed",
            Step::FileInBucket => "file in the bucket",
            Step::RowComplete => "row complete",
            Step::LinkPlays => "link plays",
        }
    }
}

/// Waits for the next call and reports its steps until its row is complete.
pub(super) async fn follow(examined: &Examined, report: &mut Report) -> anyhow::Result<()> {
    let Some(store) = examined.store.as_ref().filter(|_| examined.is_served) else {
        let why = match examined.store_error {
            Some(_) => {
                "the database cannot be opened, so no call is seen: `doctor` without --call says why"
            }
            None => "`serve` does not run on this database, so no call is seen",
        };
        let found = Finding::failure(
            Severity::Failed,
            why,
            "DATABASE_URL: the same as that of `serve`; start it: livekit-airtable serve",
            Row::Service,
        );
        report.note(GROUP, Step::RoomHeard.name(), found)?;
        return Ok(());
    };
    print_error(
        "Waiting for a call: open a room with your agent, talk, and leave. Ctrl-C ends this.",
    );
    let since = examined.begun_at - BEFORE;
    let mut ticked = BTreeSet::new();
    let mut complete_at = None;
    loop {
        let call = newest(store, since).await?;
        if let Some(call) = call {
            let row = row(store, &call).await?;
            for step in Step::ALL {
                if !ticked.contains(&step)
                    && let Some(found) = seen(examined, (&call, row), step).await
                {
                    report.note(GROUP, step.name(), found)?;
                    ticked.insert(step);
                }
            }
            let is_over = call.status().is_final() && row != RowState::Waits;
            let now = examined.now();
            let over_at = is_over.then(|| *complete_at.get_or_insert(now));
            let is_late = over_at.is_some_and(|at| now.duration_since(at) > LATE_WORDS);
            if ticked.len() == Step::ALL.len() || is_late {
                return unticked(&call, &ticked, report);
            }
            if is_over && call.status() != Status::Complete {
                return unticked(&call, &ticked, report);
            }
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The oldest call that began since then.
async fn newest(store: &Store, since: Timestamp) -> Result<Option<Call>, store::Error> {
    let filter = CallFilter {
        limit: 50,
        ..CallFilter::default()
    };
    let calls = store.page(&filter).await?.calls.into_iter();
    let calls = calls.map(|row| row.call);
    let mut fresh = calls.filter(|call| call.started_at().is_some_and(|at| at >= since));
    // Newest first: the last is the one that was there first.
    Ok(fresh.next_back())
}

/// How the row of a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowState {
    Waits,
    Written,
    Failed,
}

async fn row(store: &Store, call: &Call) -> Result<RowState, store::Error> {
    let deliveries = store.deliveries_of(&call.id).await?;
    let row = deliveries.iter().find(|it| it.key.sink == Sink::Airtable);
    Ok(match row.map(|row| row.state) {
        Some(DeliveryState::Done) => RowState::Written,
        Some(DeliveryState::Dead) => RowState::Failed,
        _ => RowState::Waits,
    })
}

/// The result of a step that has happened; `None`: it has not.
async fn seen(examined: &Examined, (call, row): (&Call, RowState), step: Step) -> Option<Finding> {
    let recording = call.primary_recording();
    let is_complete = call.status() == Status::Complete;
    match step {
        Step::RoomHeard => Some(Finding::ok(format!("{}", call.id))),
        Step::RecordingStarted => {
            let started = recording?.started_at?;
            let after = started
                .duration_since(call.started_at()?)
                .as_millis()
                .max(0);
            Some(Finding::ok(format!("{after} ms after the room")))
        }
        Step::FirstAudio => {
            let audio = recording?.file_started_at?;
            let after = audio.duration_since(call.started_at()?).as_millis().max(0);
            Some(Finding::ok(format!("{after} ms after the room")))
        }
        Step::WordsReceived => call.has_words.then(|| Finding::ok("a transcript")),
        Step::RoomClosed => (!call.is_open()).then(|| Finding::ok("the call has ended")),
        Step::FileInBucket => {
            let (_, bytes) = call.playable_recording()?;
            Some(Finding::ok(format!("{bytes} bytes")))
        }
        Step::RowComplete => (is_complete && row == RowState::Written)
            .then(|| Finding::ok("Airtable has accepted it")),
        Step::LinkPlays => match is_complete && row == RowState::Written {
            true => Some(links::plays(examined, call).await),
            false => None,
        },
    }
}

/// Reports the steps that did not happen: of those that follow from each other, the first.
fn unticked(call: &Call, ticked: &BTreeSet<Step>, report: &mut Report) -> anyhow::Result<()> {
    let mut failed: Option<Step> = None;
    for step in Step::ALL.into_iter().filter(|step| !ticked.contains(step)) {
        let found = match step {
            Step::WordsReceived => Finding::warning(
                "the agent sent no transcript",
                "API_TOKEN or LIVEKIT_API_KEY: add the lines of docs/src/set-up.md#agents to your agent",
                Row::Agents,
            ),
            Step::FirstAudio if ticked.contains(&Step::FileInBucket) => {
                Finding::skipped("LiveKit does not say when it began")
            }
            step => match failed {
                Some(failed) => Finding::not_checked((GROUP, failed.name())),
                None => {
                    failed = Some(step);
                    Finding::failure(
                        Severity::Failed,
                        format!("it did not happen: {}", call.error()),
                        &format!("livekit-airtable calls show {} has every attempt", call.id),
                        Row::Call,
                    )
                }
            },
        };
        report.note(GROUP, step.name(), found)?;
    }
    Ok(())
}
