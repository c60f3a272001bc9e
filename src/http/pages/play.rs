//! The page of a recording's link: its sound and its words, and nothing else of the call.

use axum::response::Response;
use maud::{Markup, html};

use super::{
    icon::{Icon, icon},
    layout::Page,
    player::{Player, Sound},
};
use crate::{
    domain::{
        Call, Recording,
        link::{Linked, SignedLink},
    },
    http::{
        App,
        assets::{PLAYER_JS, WAVESURFER_JS},
        audit::WordsShown,
        error::Problem,
    },
    storage,
    view::{PlayerView, clock_position},
};

/// A link that was followed, and that is valid.
pub(in crate::http) struct Played<'a> {
    /// The call, without what agents reported.
    pub call: Call,
    /// `EG_…`
    pub egress_id: &'a str,
    /// As it stands in the address.
    pub signature: &'a str,
    /// What it says.
    pub link: SignedLink,
    /// The second to start from.
    pub starts_at: Option<f64>,
}

/// What is said beside the words.
struct About<'a> {
    recording: &'a Recording,
    /// The link's last part: the page's own address.
    signature: &'a str,
    /// Where the words are that the page does not show.
    full_text: Option<String>,
    is_purged: bool,
}

/// The page.
///
/// # Errors
/// 503 when database or bucket cannot be asked, or another long transcript is being sent.
pub(in crate::http) async fn play(app: &App, played: Played<'_>) -> Result<Response, Problem> {
    let Played {
        mut call,
        egress_id,
        signature,
        link,
        starts_at,
    } = played;
    let place = app.answer_place(&call.id).await?;
    let in_memory = app.store.load_reports(&mut call).await?;
    let waveforms = app.store.waveforms(&call.id).await?;
    let recording = call.recordings.get(egress_id);
    let recording = recording.ok_or_else(|| Problem::not_found("this recording does not exist"))?;
    let origin = app.storage.origin(&recording.key).await;
    let origin = origin.map_err(|error| unavailable(&error))?;
    let transcript = in_memory.work(|| call.transcript());
    let view = in_memory.work(|| PlayerView::new(&call, &[recording], transcript.as_deref()));
    let player = Player {
        view: &view,
        sounds: &[Sound {
            src: signature.to_owned(),
            waveform: waveforms.get(egress_id).cloned(),
        }],
        starts_at,
    };
    let about = About {
        recording,
        signature,
        full_text: full_text(app, &call, link),
        is_purged: call.is_purged(),
    };
    let page = Page {
        title: "Call recording",
        root: "../../",
        nav: html! {},
        styles: &[],
        scripts: &[&WAVESURFER_JS, &PLAYER_JS],
        media: Some(&origin),
        main: body(&player, &about),
    };
    let has_words = !view.lines.is_empty() || view.text.is_some();
    let mut response = page.response(place);
    if has_words {
        response.extensions_mut().insert(WordsShown);
    }
    Ok(response)
}

fn body(player: &Player<'_>, about: &About<'_>) -> Markup {
    let begins_at = about.recording.begins_at();
    let view = player.view;
    let length = view.parts.iter().find_map(|part| part.length);
    html! { div.narrow {
        header.title {
            h1 { "Call recording" }
            p.facts {
                @if let Some(at) = begins_at {
                    time datetime=(at) { (at.strftime("%A, %-d %B %Y, %H:%M UTC")) }
                }
                @if let Some(length) = length { span { (clock_position(length)) } }
                a.button href={ (about.signature) "?download=1" } { (icon(Icon::Download)) "Download" }
            }
        }
        (player.controls())
        section.transcript aria-labelledby="transcript" {
            h2 #transcript { "Transcript" }
            @if view.lines.is_empty() && view.text.is_none() {
                p.empty {
                    @if about.is_purged { "The words of this call are no longer stored here." } @else { "There are no words for this recording." }
                }
            } @else {
                (player.words())
            }
            @if view.is_cut {
                p.more {
                    "The transcript is longer than this page. "
                    @if let Some(address) = &about.full_text { a href=(address) { "Read the full text" } }
                }
            }
        }
        p.keys data-keys hidden { kbd { "Space" } " play or pause " kbd { "," } " " kbd { "." } " 5 seconds back or forward" }
    } }
}

/// The link of the full text in the bucket, as old as the link that was followed: both end together.
fn full_text(app: &App, call: &Call, link: SignedLink) -> Option<String> {
    call.transcript_file.as_ref()?;
    let signature = app.links.sign(Linked::Transcript(&call.id), link.issue);
    Some(format!("../../r/{}/transcript/{signature}", call.id))
}

fn unavailable(error: &storage::Error) -> Problem {
    tracing::warn!(%error, "page of a recording could not be made");
    Problem::unavailable("the storage is not available; try again in a moment")
}
