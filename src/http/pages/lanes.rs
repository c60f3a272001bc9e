//! Who spoke when, as a picture above the waveform: a lane for each side, and one for what happened.

use maud::{Markup, html};

use crate::{
    domain::counted,
    view::{Interval, PartView, clock_position},
};

/// The height of a lane in its own units.
const HEIGHT: u32 = 10;
/// The share of the recording's length that a mark is wide.
const MARK: f64 = 200.0;

/// A bar of a lane.
struct Bar {
    class: &'static str,
    start: f64,
    width: f64,
    title: String,
}

/// A lane's name, and what is in it for those who cannot see it.
struct Lane {
    name: &'static str,
    label: String,
    bars: Vec<Bar>,
}

/// The lanes of a recording of this length, as rows of a grid; a lane of which nothing is known is left out.
pub(super) fn lanes(part: &PartView<'_>, length: f64) -> Markup {
    let lanes = [
        side("Agent", "agent", &part.agent),
        side("Caller", "caller", &part.caller),
        events(part, length),
    ];
    html! {
        @for lane in lanes.iter().filter(|lane| !lane.bars.is_empty()) {
            span.name aria-hidden="true" { (lane.name) }
            svg.lane viewBox={ "0 0 " (length) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(lane.label) {
                @for bar in &lane.bars {
                    rect class=(bar.class) x=(bar.start) y="0" width=(bar.width) height=(HEIGHT) {
                        title { (bar.title) }
                    }
                }
            }
        }
    }
}

fn side(name: &'static str, class: &'static str, intervals: &[Interval]) -> Lane {
    let bar = |it: &Interval| Bar {
        class: match (it.is_estimated, class) {
            (false, class) => class,
            (true, "agent") => "agent estimated",
            (true, _) => "caller estimated",
        },
        start: it.start,
        width: width(it.start, it.end),
        title: format!(
            "{name} {}–{}",
            clock_position(it.start),
            clock_position(it.end)
        ),
    };
    let total: f64 = intervals.iter().map(|it| it.end - it.start).sum();
    Lane {
        name,
        label: format!(
            "{name} spoke {}, {} in all",
            counted(intervals.len(), "time", "times"),
            clock_position(total)
        ),
        bars: intervals.iter().map(bar).collect(),
    }
}

fn events(part: &PartView<'_>, length: f64) -> Lane {
    let mark = |class, name: &str, at: f64| Bar {
        class,
        start: at,
        width: round(length / MARK),
        title: format!("{name} {}", clock_position(at)),
    };
    let silences = part.silences.iter().map(|(start, end)| Bar {
        class: "silence",
        start: *start,
        width: width(*start, *end),
        title: format!(
            "Silence of {:.1} s from {}",
            end - start,
            clock_position(*start)
        ),
    });
    let interruptions = part.interruptions.iter();
    let interruptions = interruptions.map(|at| mark("interruption", "Interrupted at", *at));
    let tools = part.tools.iter();
    let tools = tools.map(|at| mark("tool", "Tool called at", *at));
    let label = format!(
        "{}, {}, {}",
        counted(
            part.silences.len(),
            "silence of more than 3 seconds",
            "silences of more than 3 seconds"
        ),
        counted(part.interruptions.len(), "interruption", "interruptions"),
        counted(part.tools.len(), "tool call", "tool calls")
    );
    Lane {
        name: "Events",
        label,
        bars: silences.chain(interruptions).chain(tools).collect(),
    }
}

fn width(start: f64, end: f64) -> f64 {
    round(end - start)
}

/// To milliseconds.
fn round(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
