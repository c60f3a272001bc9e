//! A conversation that an agent sent as plain text.

use std::borrow::Cow;

use super::{
    label::{Label, by_identity, label},
    markup::spoken,
    report::Speaker,
};

/// The maximum length of a name before the words, in bytes.
const LONGEST: usize = 40;

/// The text without the markup in the agent's lines. A line belongs to the speaker whose name came last; `speaker` resolves
/// the names of the call's participants.
pub(super) fn plain(text: &str, speaker: impl Fn(&str) -> Option<Speaker>) -> String {
    let (mut kept, mut last) = (String::with_capacity(text.len()), None);
    for line in text.split_inclusive('\n') {
        let (words, end) = match line.strip_suffix('\n') {
            Some(words) => (words, "\n"),
            None => (line, ""),
        };
        last = speaker_of(words, &speaker).or(last);
        let words = match last {
            Some(Speaker::Agent) => spoken(words),
            _ => Cow::from(words),
        };
        kept.push_str(&words);
        kept.push_str(end);
    }
    kept
}

/// The speaker whose name begins the line: `Agent: …`, `Agent (Ava): …`, `[01:05] Ava - …`.
fn speaker_of(line: &str, speaker: impl Fn(&str) -> Option<Speaker>) -> Option<Speaker> {
    let line = line.trim_start();
    let after_time = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let line = after_time.map_or(line, |(_, rest)| rest);
    let names = [
        line.split_once(':'),
        line.split_once('：'),
        line.split_once(" - "),
    ];
    let names = names.into_iter().flatten().map(|(name, _)| name);
    let mut names = names
        .map(|name| name.trim_matches([' ', '\t', '*']))
        .filter(|name| name.len() <= LONGEST);
    names.find_map(|name| {
        let (outer, inner) = name.split_once('(').unwrap_or((name, ""));
        let inner = inner.trim_end_matches(')');
        let mut known = [name, outer.trim(), inner]
            .into_iter()
            .filter(|name| !name.is_empty());
        known.find_map(|name| match label(name) {
            Label::Speaker(known) => Some(known),
            Label::Silent => None,
            Label::Unknown => speaker(name).or_else(|| by_identity(name)),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_agents_lines_lose_markup() {
        let text = "Agent: Hello <break time=\"1s\"/> there.\nHow [laughs] are you?\nCaller: <break/> 3 < 5 [laughs]\n";
        let kept = "Agent: Hello there.\nHow are you?\nCaller: <break/> 3 < 5 [laughs]\n";
        assert_eq!(plain(text, |_| None), kept);
    }

    #[test]
    fn the_agent_is_recognised_by_its_name() {
        let ava = |name: &str| match name {
            "Ava" => Some(Speaker::Agent),
            "Mia" => Some(Speaker::Caller),
            _ => None,
        };
        for name in [
            "Ava:",
            "Agent (Ava):",
            "Ava (AI):",
            "**Ava:**",
            "[01:05] Ava:",
            "Assistant -",
        ] {
            let text =
                format!("{name} <expr type=\"x\" label=\"y\"/> hello [laughs]\nMia: <break/>");
            assert_eq!(plain(&text, ava), format!("{name} hello\nMia: <break/>"));
        }
    }
}
