//! Removes text-to-speech markup from the agent's turns: SSML, the agents SDK's `<expr …/>`, the tags of the speech models
//! that the SDK knows (`tts/_provider_format.py` in livekit/agents), and stage directions in brackets. The text inside a tag
//! was spoken and stays; unknown tags stay, as in the SDK.

use std::borrow::Cow;

use super::{
    cue::cue,
    tag::{Tags, is_cut_off},
};

/// The agent's words without markup. Takes linear time: agents' texts may have 16 MiB.
pub(super) fn spoken(text: &str) -> Cow<'_, str> {
    // One search per character is several times as fast as one for both, and most texts have neither.
    if !text.contains('<') && !text.contains('[') {
        return text.into();
    }
    let tags = Tags::of(text);
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    let (mut is_ssml, mut has_words) = (false, false);
    while let Some(at) = rest.find(['<', '[']) {
        let words = &rest[..at];
        has_words |= !words.trim().is_empty();
        kept.push_str(words);
        rest = &rest[at..];
        let marker = tags.tag(rest, has_words).or_else(|| cue(rest));
        let marker = marker.or_else(|| is_cut_off(rest).then_some(rest));
        let length = marker.map_or(1, str::len);
        let (marker_or_char, after) = rest.split_at(length);
        match marker {
            Some(marker) => {
                is_ssml |= marker.starts_with('<');
                close_gap(&mut kept, after);
                if marker.starts_with('[') {
                    separate(&mut kept, after);
                }
            }
            None => {
                has_words = true;
                kept.push_str(marker_or_char);
            }
        }
        rest = after;
    }
    kept.push_str(rest);
    if is_ssml && kept.contains('&') {
        kept = unescaped(&kept);
    }
    match kept.trim() {
        trimmed if trimmed.len() == kept.len() => kept.into(),
        trimmed => trimmed.to_owned().into(),
    }
}

/// Keeps one of the blanks around a marker; none before punctuation.
fn close_gap(kept: &mut String, after: &str) {
    let next = after.chars().next();
    if next.is_none_or(|next| next.is_whitespace() || ".,;:!?".contains(next)) {
        let blanks = kept.trim_end_matches([' ', '\t']).len();
        kept.truncate(blanks);
    }
}

/// Keeps the words around a stage direction apart.
fn separate(kept: &mut String, after: &str) {
    let ends_word = |c: char| !c.is_whitespace() && !"([{\"'“‘".contains(c);
    let begins = after.chars().next().is_some_and(char::is_alphanumeric);
    if begins && kept.chars().next_back().is_some_and(ends_word) {
        kept.push(' ');
    }
}

/// Replaces XML's entities.
fn unescaped(text: &str) -> String {
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    let replace = |text: String, (entity, plain): (&str, &str)| text.replace(entity, plain);
    entities.into_iter().fold(text.to_owned(), replace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_removed_and_the_text_inside_stays() {
        let cases = [
            (
                r#"<expr type="expression" label="sincere"/> Oh no. <expr type="expression" label="warm"/> I see."#,
                "Oh no. I see.",
            ),
            (
                r#"Right. <expr type="sound" label="laugh"/> Anyway."#,
                "Right. Anyway.",
            ),
            (
                r#"It is <expr type="prosody" label="whisper">a secret</expr>."#,
                "It is a secret.",
            ),
            (r#"Your code is <spell>A7X9</spell>."#, "Your code is A7X9."),
            (
                r#"<speak><p>Hello <break time='1s'/>there &amp; welcome.</p></speak>"#,
                "Hello there & welcome.",
            ),
            (
                r#"<emotion value="happy"/>Hello <break time="1s" /> , there."#,
                "Hello , there.",
            ),
            (r#"Hello <break time="1s"/>, there."#, "Hello, there."),
            ("<whisper><loud>hi</loud></whisper>", "hi"),
            (
                "[laughs] Hello [speak calmly] there. [sighs]",
                "Hello there.",
            ),
            (
                r#"<say-as interpret-as="digits">42</say-as> <sub alias="World Wide Web">WWW</sub>"#,
                "42 WWW",
            ),
            (
                r#"<mstts:express-as style="sad">Oh</mstts:express-as> <amazon:effect name="whispered">no</amazon:effect>"#,
                "Oh no",
            ),
            (
                r#"One <expr type="expression" label="5 > 3"/> two"#,
                "One two",
            ),
            (r#"Hello <break time="1"#, "Hello"),
            ("Wait <#0.5#> here", "Wait here"),
            (r#"<BREAK TIME="1s"/>Now."#, "Now."),
            (r#"<break time="1s"/>"#, ""),
            (
                "<stress>really</stress> <forceful>must</forceful>",
                "really must",
            ),
            ("<argh> That hurts", "That hurts"),
            (
                "Wait <short pause> here <short pause/>, ok",
                "Wait here, ok",
            ),
            ("Hi[laughs]there. [sighs]Well", "Hi there. Well"),
            ("<speak>Hello", "Hello"),
            ("<voice name='x'><p>Hi</p></voice>", "Hi"),
        ];
        for (text, wanted) in cases {
            assert_eq!(spoken(text), wanted, "{text}");
        }
    }

    #[test]
    fn words_stay() {
        for text in [
            "3 < 5 and 7 > 6",
            "if a <b then",
            "Press [Enter] or <b>bold</b>, see [the docs](https://x.com).",
            "<strong>No</strong>",
            "I <3 you",
            "a < break",
            "AT&amp;T",
            "<",
            "[",
            "x <happyhour> y",
            "Use List<voice> items",
            "if x <p and y> z",
            "compare <s> with <w>",
            "write to <mark@example.com>",
        ] {
            assert_eq!(spoken(text), text);
        }
    }

    #[test]
    fn a_long_marker_is_removed() {
        let label = "z".repeat(600);
        let text = format!(r#"a <expr type="expression" label="{label}"/> b"#);
        assert_eq!(spoken(&text), "a b");
        let cut_off = format!(r#"a <expr type="expression" label="{label}"#);
        assert_eq!(spoken(&cut_off), "a");
    }

    #[test]
    fn a_text_full_of_beginnings_takes_linear_time() {
        // In quadratic time, each of these would take minutes.
        let size = 256 << 10;
        for piece in [
            "<expr ",
            "<expr a=\"",
            "<expr \" a=\"",
            "<p>",
            "</p>",
            "<!--",
            "[",
            "[laughs",
            "<",
        ] {
            let text = piece.repeat(size / piece.len());
            spoken(&text);
        }
    }
}
