//! A transcript as WebVTT captions (<https://www.w3.org/TR/webvtt1/>) of the file that the row's link plays.

use super::cues::{self, cues};
use crate::domain::{Call, transcript::Transcript};

/// One cue per turn, in order of time. Turns outside of the file are comments, which a player does not show.
pub fn captions(call: &Call, transcript: &Transcript) -> String {
    let mut text = String::from("WEBVTT\n");
    let Transcript::Turns(turns) = transcript else {
        note(&mut text, "", &transcript.text());
        return text;
    };
    let cues = cues(call, turns);
    for (title, turns) in [
        (" before the recording", cues.before),
        (" after the recording", cues.after),
    ] {
        if !turns.is_empty() {
            note(&mut text, title, &Transcript::Turns(turns).text());
        }
    }
    for cue in cues.shown {
        text += &format!("\n{} --> {}\n", clock(cue.from), clock(cue.to));
        escape(&mut text, &cue.line());
        text.push('\n');
    }
    text
}

/// A comment. It ends at an empty line, and may not contain an arrow.
fn note(text: &mut String, title: &str, comment: &str) {
    let lines = comment.split(['\n', '\r']);
    let lines = lines.filter(|line| !line.trim().is_empty());
    text.push_str("\nNOTE");
    for line in std::iter::once(title).chain(lines) {
        text.push_str(&line.replace("-->", "→"));
        text.push('\n');
    }
}

/// Adds a line. A player reads `<` as the beginning of a tag and `&` as that of an entity. Without a copy: the line may have
/// 16 MiB, and five times that when it is escaped.
fn escape(text: &mut String, line: &str) {
    for part in line.split_inclusive(['&', '<', '>']) {
        let plain = part.trim_end_matches(['&', '<', '>']);
        text.push_str(plain);
        text.push_str(match &part[plain.len()..] {
            "&" => "&amp;",
            "<" => "&lt;",
            ">" => "&gt;",
            other => other,
        });
    }
}

fn clock(seconds: f64) -> String {
    cues::clock(seconds, '.')
}
