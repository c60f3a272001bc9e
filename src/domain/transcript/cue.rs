//! Stage directions for the voice in square brackets, like `[laughs]`, which are not spoken.

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
    upbeat enthusiastic elated triumphant amazed interested apologetic sheepish hesitant confused anxious panicked proud
    contemplative affectionate flirtatious mysterious melancholic dejected
    emphasis emphasized laugh-speak build-intensity decrease-intensity higher-pitch lower-pitch";
/// Words that may accompany them.
const BESIDE: &str = "very extremely slightly light lightly heavily deep deeply quick a an and harder starts short medium long clear clears clearing under dramatic brief little tone voice";
/// What may be counted or measured: `[1 second pause]`, `[pause 2s]`.
const PAUSES: &str = "pause pauses pausing break beat silence long-pause long-break";
const UNITS: &str = "second seconds sec secs s milliseconds ms";
/// Beginnings of free-form directions: `[speak calmly]`, `[in a warm tone]`.
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
/// The maximum length of a direction, in bytes.
const LONGEST: usize = 80;

/// The direction at the beginning of the text, including its brackets. Other text in brackets is spoken: a key, a link.
pub(super) fn cue(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    // Looks ahead only so far: a text full of opening brackets would take quadratic time.
    let window = &inside[..inside.floor_char_boundary(LONGEST + 1)];
    let end = window.find(']')?;
    let is_link = inside[end + 1..].starts_with('(');
    let words = inside[..end].trim().to_ascii_lowercase();
    let words = words.replace('_', " ");
    (!is_link && is_direction(&words)).then(|| &text[..end + 2])
}

fn is_direction(words: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || " -',.".contains(c);
    if !words.chars().all(plain) {
        return false;
    }
    let is_one_of = |list: &str, word: &str| list.split_whitespace().any(|one| one == word);
    if words.contains(|c: char| c.is_ascii_digit()) {
        return is_measured(words);
    }
    let mut each = words.split([' ', ',']).filter(|word| !word.is_empty());
    let named = each.clone().any(|word| is_one_of(CUES, word));
    let known = each.all(|word| is_one_of(CUES, word) || is_one_of(BESIDE, word));
    named && known || DIRECTIONS.iter().any(|begin| words.starts_with(begin))
}

/// A pause with its length.
fn is_measured(words: &str) -> bool {
    let is_one_of = |list: &str, word: &str| list.split_whitespace().any(|one| one == word);
    let unit = |word: &str| is_one_of(UNITS, word) || word.is_empty();
    let amount = |c: char| c.is_ascii_digit() || c == '.';
    let mut each = words
        .split([' ', ',', '-'])
        .map(|word| word.trim_start_matches(amount));
    let is_pause = each.clone().any(|word| is_one_of(PAUSES, word));
    is_pause
        && each.all(|word| unit(word) || is_one_of(PAUSES, word) || word == "of" || word == "for")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_distinguished_from_words() {
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
            "[dramatic pause]",
            "[1 second pause]",
            "[pause 2s]",
            "[0.5-second pause]",
            "[cheerful tone]",
            "[a little sheepish, apologetic]",
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
            "[room 2]",
            "[happy birthday]",
            "[2 fast cars]",
            "[the tone]",
        ] {
            assert_eq!(cue(words), None, "{words}");
        }
    }
}
