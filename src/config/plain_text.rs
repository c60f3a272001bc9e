//! Markdown as plain text, for terminals and comments.

/// The text without code marks, and with links as their words.
pub fn of(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once('[') {
        let link = after.split_once("](");
        let link = link.and_then(|(words, end)| Some((words, end.split_once(')')?)));
        let Some((words, (target, end))) = link.filter(|(words, _)| !words.contains('`')) else {
            text += before;
            text.push('[');
            rest = after;
            continue;
        };
        text += before;
        text += words;
        if target.starts_with("https://") {
            text += &format!(" ({target})");
        }
        rest = end;
    }
    text += rest;
    // Asterisks in code are part of it, and emphasis elsewhere.
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(at, part)| match at % 2 {
        0 => part.replace('*', ""),
        _ => part.to_owned(),
    });
    parts.collect()
}

/// Lines of at most `width` characters. A longer word has a line of its own.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines
            .last_mut()
            .filter(|line| line.is_empty() || line.chars().count() + word.chars().count() < width);
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => *line += &format!(" {word}"),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_their_words_and_code_is_text() {
        let text = of(
            "as [Standard Webhooks](https://www.standardwebhooks.com), see [Links](privacy.md#links)",
        );
        assert_eq!(
            text,
            "as Standard Webhooks (https://www.standardwebhooks.com), see Links"
        );
        assert_eq!(
            of("of *Recording URL*: `call-*`"),
            "of Recording URL: call-*"
        );
        assert_eq!(
            of("`on`: `[mm:ss]` (from an hour on) `{\"text\": …}`"),
            "on: [mm:ss] (from an hour on) {\"text\": …}"
        );
    }

    #[test]
    fn lines_are_wrapped_at_spaces() {
        assert_eq!(wrapped("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrapped("abcdef g", 4), ["abcdef", "g"]);
    }
}
