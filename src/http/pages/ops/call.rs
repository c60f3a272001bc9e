//! `/ops/calls/{call_id}`: everything that is known of a call.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, RawQuery, Request, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use url::form_urlencoded;

use super::{
    call_parts, deliveries,
    explained::explained,
    figures, links,
    links::Links,
    marks,
    row::name,
    shell::{OpsPage, Section},
    timeline::{self, Timeline},
};
use crate::{
    domain::{
        Call, Recording, Scope, Sink, Status,
        transcript::{ToolCall, tool_calls},
    },
    http::{
        App,
        assets::{PLAYER_JS, WAVESURFER_JS},
        calls::find,
        error::Problem,
        pages::player::{Player, Sound},
        visitor::Visitor,
    },
    store::{CallMessage, CallRow, Delivery, InMemory},
    view::{CallDetailView, PlayerView},
};

/// The way from a call's pages to the root of the service.
const ROOT: &str = "../../";

/// Bytes of the largest report whose tools are shown.
const REPORT: i64 = 1 << 20;

/// Whether the words are on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    /// Somebody asked for them, which left a line in the audit trail.
    Shown,
    Hidden,
}

/// The page, without the words.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let asked = Asked::new(path?.0, &headers, query.as_deref());
    answer(&app, &visitor, asked, Words::Hidden).await
}

/// The page with the words; audited.
pub(super) async fn words(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    visitor.require(Scope::Words)?;
    let asked = Asked::new(path?.0, &headers, query.as_deref());
    answer(&app, &visitor, asked, Words::Shown).await
}

/// What a request for the page asks for.
struct Asked {
    call_id: String,
    /// The last message of the page before.
    after: String,
    /// The second that the recording is played from.
    starts_at: Option<f64>,
    /// For commands that people copy.
    host: String,
}

impl Asked {
    fn new(call_id: String, headers: &HeaderMap, query: Option<&str>) -> Asked {
        let query = query.unwrap_or_default();
        let get = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            let found = pairs.find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
        let starts_at = get("t").and_then(|t| t.parse::<f64>().ok());
        Asked {
            call_id,
            after: get("after").unwrap_or_default(),
            starts_at: starts_at.filter(|it| (0.0..1e6).contains(it)),
            host: host.unwrap_or_default().to_owned(),
        }
    }
}

async fn answer(
    app: &App,
    visitor: &Visitor,
    asked: Asked,
    words: Words,
) -> Result<Response, Problem> {
    visitor.require(Scope::Read)?;
    let CallRow { mut call, .. } = find(app, &asked.call_id).await?;
    let place = app.answer_place(&call.id).await?;
    let in_memory = app.store.load_reports(&mut call).await?;
    let deliveries = app.store.deliveries_of(&call.id).await?;
    let messages = app
        .store
        .timeline_messages(&call.id, &asked.after, timeline::PAGE);
    let messages = messages.await?;
    let links = Links::of(app, &call, &deliveries, &asked.host).await?;
    let waits = app.waits(&call, &deliveries).await?;
    let tools = match words {
        Words::Shown => tools(app, &call).await?,
        Words::Hidden => Vec::new(),
    };
    let player = sound(app, (&call, &in_memory), words, asked.starts_at).await?;
    let main = CallPage {
        call: &call,
        deliveries: &deliveries,
        messages: &messages,
        visitor,
        words,
        tools: &tools,
        after: &asked.after,
    };
    let main = main.markup(
        &CallDetailView::new(&call, &deliveries, app.prices.as_deref(), &waits),
        &links,
        player,
    );
    let page = OpsPage {
        title: &name(&call),
        root: ROOT,
        section: Section::Calls,
        scripts: &[&WAVESURFER_JS, &PLAYER_JS],
        media: links.media.as_deref(),
        main,
    };
    Ok(page.response_with(visitor, place))
}

/// The tools that agents called. What they gave them may be what was said.
async fn tools(app: &App, call: &Call) -> Result<Vec<ToolCall>, Problem> {
    let messages = app.store.report_messages(&call.id, REPORT).await?;
    Ok(messages
        .iter()
        .flat_map(|message| tool_calls(message))
        .collect())
}

/// The player, and the words if they are shown.
struct SoundAndWords {
    player: Option<Markup>,
    words: Option<Markup>,
}

async fn sound(
    app: &App,
    (call, in_memory): (&Call, &InMemory),
    words: Words,
    starts_at: Option<f64>,
) -> Result<SoundAndWords, Problem> {
    let parts: Vec<&Recording> = call.parts();
    let parts: Vec<&Recording> = parts
        .into_iter()
        .filter(|it| call.is_playable(it))
        .collect();
    let waveforms = app.store.waveforms(&call.id).await?;
    let transcript = in_memory.work(|| call.transcript());
    let view = in_memory.work(|| {
        let view = PlayerView::new(call, &parts, transcript.as_deref());
        view.with_tools(call, &call.tool_calls())
    });
    let source = |recording: &&Recording| Sound {
        src: format!("{ROOT}ops/recordings/{}", recording.egress_id),
        waveform: waveforms.get(recording.egress_id.as_str()).cloned(),
    };
    let sounds: Vec<Sound> = parts.iter().map(source).collect();
    let player = Player {
        view: &view,
        sounds: &sounds,
        starts_at,
    };
    Ok(SoundAndWords {
        player: (!parts.is_empty()).then(|| player.controls()),
        words: (words == Words::Shown && transcript.is_some()).then(|| player.words()),
    })
}

struct CallPage<'a> {
    call: &'a Call,
    deliveries: &'a [Delivery],
    messages: &'a [CallMessage],
    visitor: &'a Visitor,
    words: Words,
    tools: &'a [ToolCall],
    after: &'a str,
}

impl CallPage<'_> {
    fn markup(&self, view: &CallDetailView<'_>, links: &Links, sound: SoundAndWords) -> Markup {
        let address = format!("{ROOT}ops/calls/{}", self.call.id);
        let offers_retry = self.visitor.may(Scope::Redrive) && self.visitor.form_token().is_some();
        html! {
            article.call data-watch=(self.call.id) data-address=(address) {
                (self.title(view, links))
                div #notices {
                    (self.notice(view))
                }
                div.columns {
                    div.stack {
                        @if let Some(player) = sound.player { (player) }
                        (self.transcript(sound.words))
                        (call_parts::tools(self.tools))
                        section aria-labelledby="deliveries" {
                            h2 #deliveries { "Deliveries" }
                            (deliveries::markup(view, ROOT, offers_retry.then_some(&self.call.id), self.has_row()))
                        }
                    }
                    aside.side {
                        (call_parts::facts(view))
                        (figures::figures(view))
                        (call_parts::participants(view))
                        (call_parts::recordings(self.call, view, ROOT))
                    }
                }
                section aria-labelledby="timeline" {
                    h2 #timeline { "Timeline" }
                    (Timeline::new(self.messages, self.deliveries, self.after).markup(&address))
                }
            }
        }
    }

    /// What is wrong, or why the call has its status.
    fn notice(&self, view: &CallDetailView<'_>) -> Markup {
        let tone = match self.call.status() {
            Status::Complete | Status::Live => "warn",
            _ => "bad",
        };
        html! {
            @match &view.call.error {
                Some(error) => div class={ "notice " (tone) } role="note" { @for line in error.lines() { p { (line) } } },
                None => @if let Some(why) = explained(self.call) { div.notice role="note" { p { (why) } } },
            }
        }
    }

    fn has_row(&self) -> bool {
        let mut deliveries = self.deliveries.iter();
        deliveries.any(|it| it.key.sink == Sink::Airtable && it.delivered > 0)
    }

    fn title(&self, view: &CallDetailView<'_>, links: &Links) -> Markup {
        html! {
            header.title {
                p.crumbs { a href={ (ROOT) "ops" } { "Calls" } }
                h1 { (name(self.call)) " " (marks::status(self.call.status())) }
                p.ids {
                    code { (view.call.call_id) }
                    button.copy type="button" data-copy=(view.call.call_id) hidden { "Copy ID" }
                    @if let Some(record) = &links.record { button.copy type="button" data-copy=(record) hidden { "Copy record ID" } }
                    button.copy type="button" data-copy=(links.curl) hidden { "Copy curl" }
                    @for (name, address) in &links.elsewhere {
                        a href=(address) rel="noreferrer" target="_blank" { (name) }
                    }
                }
            }
        }
    }

    fn transcript(&self, words: Option<Markup>) -> Markup {
        let is_known = self.call.has_words || self.call.transcript().is_some();
        html! {
            section.transcript aria-labelledby="words" {
                h2 #words { "Transcript" }
                @match (words, self.words, is_known) {
                    (Some(words), ..) => (words),
                    (None, _, false) => p.empty { "No words were reported." },
                    (None, Words::Shown, true) => p.empty { "The words of this call are no longer stored here." },
                    (None, Words::Hidden, true) => @if self.visitor.may(Scope::Words) {
                        p.actions { a.button href={ (ROOT) "ops/words/" (self.call.id) "#words" } { "Show the words" }
                            span.hint { "Reading them leaves a line in the audit trail." } }
                    } @else {
                        p.empty { "Your token lacks the scope " code { "words" } "." }
                    },
                }
            }
        }
    }
}

/// Leads to the recording's file; audited.
pub(super) async fn recording(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    visitor.require(Scope::Read)?;
    let Path(egress_id) = path?;
    let row = app.store.call_of_egress(&egress_id).await?;
    let row = row.ok_or_else(|| Problem::not_found("this recording does not exist"))?;
    let url = links::file(&app, &row.call, &egress_id, &request.into_parts().0).await?;
    Ok((StatusCode::FOUND, [(header::LOCATION, url)]).into_response())
}
