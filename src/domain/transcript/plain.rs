//! A conversation that an agent sent as plain text.

use std::borrow::Cow;

use super::{
    label::{Label, label},
    markup::spoken,
    report::Speaker,
};

/// The text as it stands, but for the markup in the lines of the agent, which begin with its label.
pub(super) fn plain(text: String) -> String {
    if !text.contains(['<', '[']) {
        return text;
    }
    let (mut kept, mut speaker) = (String::with_capacity(text.len()), None);
    for line in text.split_inclusive('\n') {
        let (words, end) = match line.strip_suffix('\n') {
            Some(words) => (words, "\n"),
            None => (line, ""),
        };
        let named = words.split_once(':').map(|(name, _)| label(name));
        if let Some(Label::Speaker(named)) = named {
            speaker = Some(named);
        }
        let words = match speaker {
            Some(Speaker::Agent) => spoken(words),
            _ => Cow::from(words),
        };
        kept.push_str(&words);
        kept.push_str(end);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_agents_lines_lose_markup() {
        let text = "Agent: Hello <break time=\"1s\"/> there.\nHow [laughs] are you?\nCaller: <break/> 3 < 5 [laughs]\n";
        let kept = "Agent: Hello there.\nHow are you?\nCaller: <break/> 3 < 5 [laughs]\n";
        assert_eq!(plain(text.to_owned()), kept);
    }
}
