//! What the list shows before the first call: the steps until then, and which of them are done.

use maud::{Markup, html};

use super::{
    health_log::{Dependency, State},
    marks,
};
use crate::{
    domain::Sink,
    http::{App, refused_tokens::Entrance},
    pipeline::JobState,
    store::{self, Setting},
};

/// The job that asks LiveKit regularly.
const RECONCILE: &str = "reconcile";

/// A step.
struct Step {
    name: &'static str,
    /// What to do, or where to look.
    hint: Markup,
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
    let steps = [
        local(app, "The database is writable", Dependency::Database),
        local(app, "The disk has room", Dependency::Disk),
        local(app, "The clock runs evenly", Dependency::Clock),
        livekit(app),
        local(app, "The bucket answers", Dependency::Bucket),
        table(app).await?,
        webhook(app).await?,
        Step {
            name: "The first call",
            hint: html! { "Call your agent. The call appears here when its room opens, and its row in Airtable a moment later." },
            done: Done::No,
        },
    ];
    Ok(html! {
        div.first-run data-again="2" {
            h2 { "No call yet" }
            p.hint { "These steps are checked automatically. " code { "livekit-airtable doctor" } " also tests what needs requests to LiveKit, the bucket and Airtable." }
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
                @if self.done != Done::Yes { p.hint { (self.hint) } }
            }
        }
    }
}

fn livekit(app: &App) -> Step {
    let (done, hint) = match app.status.all().remove(RECONCILE) {
        Some(JobState::Running | JobState::Standby) => (Done::Yes, html! {}),
        Some(JobState::Failing(error)) => (Done::Failed, html! { (error) }),
        _ => (
            Done::No,
            html! { "It is asked some seconds after the start." },
        ),
    };
    Step {
        name: "LiveKit answers to LIVEKIT_API_KEY",
        hint,
        done,
    }
}

/// What the service looks at every few seconds.
fn local(app: &App, name: &'static str, dependency: Dependency) -> Step {
    let known = app.ops.health.all().remove(&dependency);
    let state = known.as_ref().and_then(|history| history.since);
    let error = known.and_then(|history| history.last_error);
    let (done, hint) = match (state, error) {
        (Some((_, State::Working)), _) => (Done::Yes, html! {}),
        (Some((_, State::Failing)), Some((_, error))) => (Done::Failed, html! { (error) }),
        _ => (Done::No, html! { "Checked a few seconds after the start." }),
    };
    Step { name, hint, done }
}

/// The table, whose columns are stored when it was read.
async fn table(app: &App) -> Result<Step, store::Error> {
    let paused = app.store.paused_sinks().await?;
    let paused = paused.into_iter().find(|it| it.sink == Sink::Airtable);
    let columns = Setting::Columns(&app.ops.columns_key);
    let is_known = app.store.get(columns).await?.is_some();
    let (done, hint) = match (paused, is_known) {
        (Some(paused), _) => (Done::Failed, html! { (paused.error) }),
        (None, true) => (Done::Yes, html! {}),
        (None, false) => (
            Done::No,
            html! { "Run " code { "livekit-airtable bootstrap" } ", which creates what is missing. The table is read again before the first row." },
        ),
    };
    Ok(Step {
        name: "Airtable's table has its columns",
        hint,
        done,
    })
}

async fn webhook(app: &App) -> Result<Step, store::Error> {
    let address = match &app.links.public_url {
        Some(url) => url.as_str(),
        None => "https://THIS-SERVICE",
    };
    let last = app.store.webhook_gap().await?.last_webhook_at;
    let refused = app.refused_tokens.all().into_iter();
    let refused = refused.filter(|one| one.entrance == Entrance::Webhooks);
    let refused = refused.max_by_key(|one| one.last_at);
    let names_our_key = refused.as_ref().is_some_and(|one| one.key.is_some());
    Ok(Step {
        name: "A webhook has arrived from LiveKit",
        hint: html! {
            @match &refused {
                Some(one) => { "One was refused at " (marks::time(Some(one.last_at))) ": " (one.reason) ". What to do: " (one.advice) "." },
                None => { "In LiveKit's settings, add a webhook to " code { (address) "/webhooks/livekit" } ", signed with LIVEKIT_API_KEY. One that is refused is shown here." },
            }
        },
        done: match last {
            Some(_) => Done::Yes,
            None if names_our_key => Done::Failed,
            None => Done::No,
        },
    })
}
