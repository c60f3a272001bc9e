//! Icons, by lucide (<https://lucide.dev>).

use maud::{Markup, PreEscaped, html};

/// An icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Icon {
    Play,
    Pause,
    Back,
    Forward,
    Download,
}

impl Icon {
    fn svg(self) -> &'static str {
        match self {
            Icon::Play => include_str!("../../../assets/vendor/icons/play.svg"),
            Icon::Pause => include_str!("../../../assets/vendor/icons/pause.svg"),
            Icon::Back => include_str!("../../../assets/vendor/icons/rotate-ccw.svg"),
            Icon::Forward => include_str!("../../../assets/vendor/icons/rotate-cw.svg"),
            Icon::Download => include_str!("../../../assets/vendor/icons/download.svg"),
        }
    }
}

/// The icon as a picture beside a text; who cannot see it misses nothing.
pub(super) fn icon(icon: Icon) -> Markup {
    // The file begins with a comment.
    let svg = icon.svg();
    let svg = svg.find("<svg").map_or(svg, |at| &svg[at..]);
    html! { span.icon aria-hidden="true" { (PreEscaped(svg.trim_end())) } }
}
