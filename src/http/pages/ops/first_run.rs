//! What the list shows before the first call: the steps until then, and which of them are done.

use maud::{Markup, html};

use super::health_log::{Dependency, State};
use crate::{http::App, pipeline::JobState, store};

/// The job that asks LiveKit regularly.
const RECONCILE: &str = "reconcile";

/// A step.
struct Step {
    name: &'static str,
    /// What to do, or where to look.
    hint: String,
    done: Done,
}

/// Whether a step is done, as far as the service knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Yes,
    No,
    /// Something is in the way.
    Failed,
}

/// The steps, for the page; the script asks for them again until the first call is there.
pub(super) async fn steps(app: &App) -> Result<Markup, store::Error> {
    let gap = app.store.webhook_gap().await?;
    let steps = [
        Step {
            name: "The service runs and its database is writable",
            hint: String::new(),
            done: Done::Yes,
        },
        livekit(app),
        bucket(app),
        Step {
            name: "A webhook has arrived from LiveKit",
            hint: "In LiveKit's settings, add a webhook to PUBLIC_ADDRESS/webhooks/livekit, signed with LIVEKIT_API_KEY.".to_owned(),
            done: match gap.last_webhook_at {
                Some(_) => Done::Yes,
                None => Done::No,
            },
        },
        Step {
            name: "The first call",
            hint: "Call your agent. The call appears here when its room opens, and its row in Airtable a moment later.".to_owned(),
            done: Done::No,
        },
    ];
    Ok(html! {
        div.first-run data-steps {
            h2 { "No call has been heard of yet" }
            ol.steps { @for step in &steps { (step.markup()) } }
        }
    })
}

impl Step {
    fn markup(&self) -> Markup {
        let (class, state) = match self.done {
            Done::Yes => ("good", "done"),
            Done::No => ("calm", "open"),
            Done::Failed => ("bad", "failed"),
        };
        html! {
            li data-done=(state) {
                span class={ "pill " (class) } { (state) } " " (self.name)
                @if self.done != Done::Yes && !self.hint.is_empty() { p.hint { (self.hint) } }
            }
        }
    }
}

fn livekit(app: &App) -> Step {
    let (done, hint) = match app.status.all().remove(RECONCILE) {
        Some(JobState::Running | JobState::Standby) => (Done::Yes, String::new()),
        Some(JobState::Failing(error)) => (Done::Failed, error),
        _ => (
            Done::No,
            "It is asked some seconds after the start.".to_owned(),
        ),
    };
    Step {
        name: "LiveKit answers to LIVEKIT_API_KEY",
        hint,
        done,
    }
}

fn bucket(app: &App) -> Step {
    let known = app.ops.health.all().remove(&Dependency::Bucket);
    let state = known.as_ref().and_then(|history| history.since);
    let error = known.and_then(|history| history.last_error);
    let (done, hint) = match (state, error) {
        (Some((_, State::Working)), _) => (Done::Yes, String::new()),
        (Some((_, State::Failing)), Some((_, error))) => (Done::Failed, error),
        _ => (Done::No, "It is asked a minute after the start.".to_owned()),
    };
    Step {
        name: "The bucket answers",
        hint,
        done,
    }
}
