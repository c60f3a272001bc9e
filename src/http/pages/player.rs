//! The sound and the words of a call. Without JavaScript the browser's own controls play, and each line's time leads to the page
//! that starts there; `assets/player.js` adds the waveform, marks the line that is heard, and seeks.

use maud::{Markup, html};

use super::{
    icon::{Icon, icon},
    lanes::lanes,
};
use crate::{
    domain::{Waveform, transcript::Speaker},
    view::{LineView, PartView, PlayerView, clock_position},
};

/// A click on a line starts a little before its words, in seconds.
const BEFORE: f64 = 0.3;
/// The speeds of the player.
const SPEEDS: [&str; 5] = ["0.75", "1", "1.25", "1.5", "2"];

/// Where a recording of the call comes from.
pub(super) struct Sound {
    /// The address of its file.
    pub src: String,
    /// `None`: nobody has listened to it.
    pub waveform: Option<Waveform>,
}

/// What is played and read.
pub(super) struct Player<'a> {
    pub view: &'a PlayerView<'a>,
    /// Of the view's recordings, in their order.
    pub sounds: &'a [Sound],
    /// The second that the first recording is played from.
    pub starts_at: Option<f64>,
}

impl Player<'_> {
    /// The controls, with lanes and waveforms.
    pub(super) fn controls(&self) -> Markup {
        let parts = self.view.parts.iter().zip(self.sounds);
        let is_dual = |sound: &Sound| sound.waveform.as_ref().is_some_and(|it| it.channels() == 2);
        html! {
            section.player data-player aria-label="Recording" {
                @for (index, (part, sound)) in parts.enumerate() {
                    (self.part(index, part, sound))
                }
                (legend(&self.view.parts, self.sounds.iter().any(is_dual)))
            }
        }
    }

    fn part(&self, index: usize, part: &PartView<'_>, sound: &Sound) -> Markup {
        let count = self.view.parts.len();
        let starts_at = self.starts_at.filter(|_| index == 0);
        let fragment = starts_at.map_or_else(String::new, |at| format!("#t={at}"));
        let peaks = sound.waveform.as_ref().map(Waveform::to_string);
        html! {
            div.part data-part=(index) data-length=[part.length] data-peaks=[peaks.as_deref()] {
                @if count > 1 {
                    h3 { "Part " (index + 1) " of " (count) }
                }
                div.tracks {
                    @if let Some(length) = part.length {
                        (lanes(part, length))
                    }
                    @if peaks.is_some() {
                        span.name {}
                        div.wave data-wave aria-hidden="true" {}
                    }
                    div.over aria-hidden="true" { div.head data-head hidden {} }
                }
                audio controls preload="none" src={ (sound.src) (fragment) } {}
                (buttons(part.length))
            }
        }
    }

    /// The transcript, a line per turn.
    pub(super) fn words(&self) -> Markup {
        let several = self.view.parts.len() > 1;
        html! {
            @if let Some(text) = self.view.text {
                p.plain { (text) }
            } @else {
                ol.lines data-lines {
                    @for it in &self.view.lines {
                        (line(it, several))
                    }
                }
            }
        }
    }
}

/// Shown by the script, which does what they say.
fn buttons(length: Option<f64>) -> Markup {
    let length = length.unwrap_or_default();
    html! {
        div.controls data-controls hidden {
            button.round type="button" data-play aria-label="Play" {
                span data-when="paused" { (icon(Icon::Play)) }
                span data-when="playing" hidden { (icon(Icon::Pause)) }
            }
            button.plain type="button" data-step="-5" aria-label="Back 5 seconds" title="Back 5 seconds (,)" { (icon(Icon::Back)) }
            button.plain type="button" data-step="5" aria-label="Forward 5 seconds" title="Forward 5 seconds (.)" { (icon(Icon::Forward)) }
            span.clock { span data-now { "0:00" } span.of { " / " span data-total { (clock_position(length)) } } }
            input type="range" data-seek min="0" max=(length) step="0.1" value="0" aria-label="Position";
            label.speed {
                span.unseen { "Speed" }
                select data-speed {
                    @for speed in SPEEDS {
                        option value=(speed) selected[speed == "1"] { (speed) "×" }
                    }
                }
            }
        }
        p.problem role="alert" data-problem hidden {}
    }
}

fn legend(parts: &[PartView<'_>], is_dual: bool) -> Markup {
    let any = |has: fn(&PartView<'_>) -> bool| parts.iter().any(has);
    let keys = [
        ("agent", "Agent", is_dual || any(|it| !it.agent.is_empty())),
        (
            "caller",
            "Caller",
            is_dual || any(|it| !it.caller.is_empty()),
        ),
        (
            "silence",
            "Silence over 3 s",
            any(|it| !it.silences.is_empty()),
        ),
        (
            "interruption",
            "Interrupted",
            any(|it| !it.interruptions.is_empty()),
        ),
        ("tool", "Tool called", any(|it| !it.tools.is_empty())),
    ];
    html! {
        @if keys.iter().any(|(_, _, is_there)| *is_there) {
            ul.legend {
                @for (class, name, _) in keys.iter().filter(|(_, _, is_there)| *is_there) {
                    li { span class={ "swatch " (class) } aria-hidden="true" {} (name) }
                }
            }
        }
    }
}

fn line(line: &LineView<'_>, several: bool) -> Markup {
    let side = match line.speaker {
        Some(Speaker::Agent) => "agent",
        Some(Speaker::Caller) => "caller",
        None => "voice",
    };
    let place = line.part.zip(line.start);
    html! {
        li class={ "line " (side) } data-part=[place.map(|(part, _)| part)] data-start=[place.map(|(_, start)| start)] data-end=[place.and(line.end)] {
            @match place {
                Some((part, start)) => {
                    a.at href=(address(part, start, several)) title=[line.approximate.then_some("About then")] {
                        @if line.approximate { "≈\u{202f}" }
                        (clock_position(start))
                    }
                }
                None => span.at title="Not in the recording, or nobody knows where" { "–" },
            }
            span.who { (name(line)) }
            p.words dir="auto" {
                (line.text)
                @if line.interrupted { " " span.cut { "interrupted" } }
            }
        }
    }
}

/// The page that plays from a little before that second.
fn address(part: usize, start: f64, several: bool) -> String {
    let from = ((start - BEFORE).max(0.0) * 10.0).round() / 10.0;
    match several {
        true => format!("?part={}&t={from}", part + 1),
        false => format!("?t={from}"),
    }
}

/// A voice that is named by many digits may be a phone number.
fn name<'a>(line: &LineView<'a>) -> &'a str {
    match (line.speaker, line.voice) {
        (Some(Speaker::Agent), _) => "Agent",
        (Some(Speaker::Caller), _) => "Caller",
        (None, Some(voice)) if voice.chars().filter(|c| c.is_numeric()).count() < 5 => voice,
        (None, _) => "Speaker",
    }
}
