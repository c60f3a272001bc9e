//! A transcript as SubRip captions of the file that the row's link plays. The format has no comments: what was said outside
//! of the file is left out.

use super::cues::{self, cues};
use crate::domain::{Call, transcript::Transcript};

/// One numbered caption per turn, in order of time; none of a plain text, whose times are unknown.
pub fn subrip(call: &Call, transcript: &Transcript) -> String {
    let Transcript::Turns(turns) = transcript else {
        return String::new();
    };
    let mut text = String::new();
    for (n, cue) in cues(call, turns).shown.into_iter().enumerate() {
        let (from, to) = (clock(cue.from), clock(cue.to));
        let gap = if n == 0 { "" } else { "\n" };
        text += &format!("{gap}{}\n{from} --> {to}\n{}\n", n + 1, cue.line());
    }
    text
}

fn clock(seconds: f64) -> String {
    cues::clock(seconds, ',')
}
