//! Stage directions in square brackets, `[laughs]`, that are for the voice and never spoken.

/// The words of directions in the documentation of Inworld, xAI, Fish Audio, ElevenLabs, Cartesia and Gemini: sounds,
/// pauses, moods, paces.
const CUES: &str = "
    laugh laughs laughing laughter chuckle chuckles chuckling giggle giggles giggling snicker snickers snort snorts
    sigh sighs sighing gasp gasps gasping groan groans groaning moan moans moaning yawn yawns yawning sob sobs sobbing
    cry cries crying weep weeps weeping cough coughs coughing sneeze sneezes sniff sniffs sniffle sniffles
    breath breathe breathes breathing inhale inhales inhaling exhale exhales exhaling gulp gulps swallow swallows
    hum hums humming hum-tune whistle whistles whistling sing sings singing sing-song tsk tongue-click lip-smack
    throat whisper whispers whispering shout shouts shouting yell yells yelling scream screams screaming
    mutter mutters muttering mumble mumbles stammer stammers stutter stutters wheezing
    pause pauses pausing long-pause break long-break beat silence
    happy happily sad sadly angry angrily excited excitedly calm calmly surprised sympathetic empathetic curious
    curiously sarcastic sarcastically confident confidently playful playfully nervous nervously regretful hopeful
    worried grateful delighted disappointed frustrated determined cheerful cheerfully thoughtful mischievously annoyed
    appalled impressed fearful disgusted scared terrified amused tired bored robotic sarcasm uhm applause clapping warm warmly gently softly quietly slowly quickly loudly fast slow loud soft hurried rushed
    emphasis emphasized laugh-speak build-intensity decrease-intensity higher-pitch lower-pitch";
/// Words beside them.
const BESIDE: &str = "very extremely slightly light lightly heavily deep deeply quick a an and harder starts short medium long clear clears clearing under";
/// Beginnings of directions in free words: `[speak calmly]`, `[in a warm tone]`.
const DIRECTIONS: [&str; 8] = [
    "say ",
    "saying ",
    "speak ",
    "speaks ",
    "speaking ",
    "in a ",
    "sounding ",
    "with a ",
];
/// No direction has more bytes.
const LONGEST: usize = 80;

/// The direction at the beginning of the text, brackets included. Other brackets are words: a key to press, a link.
pub(super) fn cue(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find(']').filter(|end| *end <= LONGEST)?;
    let is_link = inside[end + 1..].starts_with('(');
    let words = inside[..end].trim().to_ascii_lowercase();
    let words = words.replace('_', " ");
    (!is_link && is_direction(&words)).then(|| &text[..end + 2])
}

fn is_direction(words: &str) -> bool {
    let plain = |c: char| c.is_alphabetic() || " -',".contains(c);
    if !words.chars().all(plain) {
        return false;
    }
    let is_one_of = |list: &str, word: &str| list.split_whitespace().any(|one| one == word);
    let mut each = words.split([' ', ',']).filter(|word| !word.is_empty());
    let named = each.clone().any(|word| is_one_of(CUES, word));
    let known = each.all(|word| is_one_of(CUES, word) || is_one_of(BESIDE, word));
    named && known || DIRECTIONS.iter().any(|begin| words.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_told_from_words() {
        for direction in [
            "[laughs]",
            "[Laughing]",
            "[clears throat]",
            "[very excited]",
            "[short pause]",
            "[speak calmly]",
            "[in a warm tone]",
            "[laughs softly]",
            "[sigh]",
            "[tongue-click]",
            "[build-intensity]",
            "[clear_throat]",
        ] {
            assert_eq!(cue(&format!("{direction} Hello.")), Some(direction));
        }
        for words in [
            "[Enter]",
            "[1, 2]",
            "[laughs](https://x.com)",
            "[the docs]",
            "[]",
            "[laughs",
            "[long]",
            "[a]",
        ] {
            assert_eq!(cue(words), None, "{words}");
        }
    }
}
