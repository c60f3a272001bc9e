//! Markup that directs the voice, taken out of what agents say: SSML, the agents SDK's `<expr …/>`, the tags of the speech
//! models that it knows (`tts/_provider_format.py` in livekit/agents), and stage directions in brackets. What tags wrap
//! was spoken and stays; an unknown tag stays as it is, as in the SDK.

use std::borrow::Cow;

use super::cue::cue;

/// The agents SDK's own marker, and the tags that it strips for Cartesia, Inworld, xAI and Fish Audio.
const SDK: &str = "
    expr emotion speed volume break spell expression sound emphasis
    happy sad angry excited calm surprised sympathetic curious sarcastic confident playful nervous
    whisper soft loud build-intensity decrease-intensity higher-pitch lower-pitch slow fast sing-song singing laugh-speak
    breath inhale exhale sigh laugh chuckle giggle cry tsk tongue-click lip-smack hum-tune
    pause laughter cough gasp groan yawn sniffle";
/// SSML 1.1 (<https://www.w3.org/TR/speech-synthesis11/>), and what Amazon, Google and Azure add to it.
const SSML: &str = "
    speak voice lang p s token w phoneme sub say-as emphasis prosody break audio mark desc lexicon lookup meta metadata
    par seq media bookmark viseme backgroundaudio express-as silence ttsembedding";
/// Prefixes of vendors' elements: `<amazon:effect>`, `<mstts:express-as>`.
const VENDORS: [&str; 5] = ["amazon", "aws", "mstts", "google", "ssml"];

/// No marker has more bytes.
const LONGEST: usize = 512;

/// What the agent said, without markup.
pub(super) fn spoken(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '[']) {
        return text.into();
    }
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    let mut is_ssml = false;
    while let Some(at) = rest.find(['<', '[']) {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        // A window, so that a text full of openings is read once and not over and over.
        let window = &rest[..rest.floor_char_boundary(LONGEST)];
        let cut_off = (window.len() == rest.len())
            .then(|| unfinished(rest))
            .flatten();
        let marker = tag(window).or_else(|| cue(window)).or(cut_off);
        let length = marker.map_or(1, str::len);
        let (marker_or_char, after) = rest.split_at(length);
        match marker {
            Some(marker) => {
                is_ssml |= marker.starts_with('<');
                close_gap(&mut kept, after);
            }
            None => kept.push_str(marker_or_char),
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

/// Of the blanks on both sides of a marker one stays; none before a full stop or comma.
fn close_gap(kept: &mut String, after: &str) {
    let next = after.chars().next();
    if next.is_none_or(|next| next.is_whitespace() || ".,;:!?".contains(next)) {
        let blanks = kept.trim_end_matches([' ', '\t']).len();
        kept.truncate(blanks);
    }
}

/// The tag at the beginning of the text, if it is one for the voice: `<break time="1s"/>`, `</spell>`, `<?xml …?>`, a
/// comment, MiniMax's `<#0.5#>`.
fn tag(text: &str) -> Option<&str> {
    for (begin, end) in [("<?xml", "?>"), ("<!--", "-->"), ("<#", "#>")] {
        if text.starts_with(begin) {
            return text.find(end).map(|at| &text[..at + end.len()]);
        }
    }
    let attributes = attributes(text)?;
    let end = close(attributes)?;
    Some(&text[..text.len() - attributes.len() + end + 1])
}

/// A tag that the end of the text cuts off.
fn unfinished(text: &str) -> Option<&str> {
    let attributes = attributes(text)?;
    (close(attributes).is_none() && is_cut_off(attributes)).then_some(text)
}

/// What follows the name of a tag for the voice.
fn attributes(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('<')?;
    let inside = inside.strip_prefix('/').unwrap_or(inside);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_:".contains(c);
    let name = inside
        .find(|c| !is_name(c))
        .map_or(inside, |at| &inside[..at]);
    let after = &inside[name.len()..];
    let ends =
        after.is_empty() || after.starts_with(['>', '/']) || after.starts_with(char::is_whitespace);
    (ends && is_known(name)).then_some(after)
}

/// Whether the end of a tag is missing, because the agent was interrupted in it: nothing but attributes follows its name.
fn is_cut_off(after: &str) -> bool {
    let after = after.trim();
    let one_word = !after.contains(char::is_whitespace);
    !after.contains(['<', '\n']) && (one_word || after.contains('='))
}

fn is_known(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut known = SDK.split_whitespace().chain(SSML.split_whitespace());
    let vendor = name.split_once(':').map(|(vendor, _)| vendor);
    vendor.is_some_and(|vendor| VENDORS.contains(&vendor)) || known.any(|known| known == name)
}

/// Where the tag's `>` is; one in a quoted value is part of the value.
fn close(attributes: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in attributes.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') if attributes[..at].trim_end().ends_with('=') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    // A quote that nothing closes is no quote.
    quote.and_then(|_| attributes.find('>'))
}

/// SSML escapes what XML does.
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
    fn markup_goes_and_what_it_wraps_stays() {
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
        ] {
            assert_eq!(spoken(text), text);
        }
    }
}
