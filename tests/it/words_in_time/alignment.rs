//! The alignment finds the offset of a report's clock in what is heard, or says that it is not sure.

use livekit_airtable::{
    domain::alignment::{Aligned, Levels, align},
    sound::{Listener, Listening},
};

use super::speech::{Behind, Numbers, Talk, Voice};

/// Seconds by which an offset may be wrong.
const MOST: f64 = 0.15;

fn heard(talk: &Talk) -> Levels {
    let mut listener = Listener::default();
    for piece in talk.mp3().chunks(10_000) {
        assert_eq!(listener.hear(piece), Listening::On);
    }
    listener.finish()
}

fn voices() -> Vec<[Voice; 2]> {
    let pairs = [("en-us", "en+m3"), ("de", "en+f4"), ("en-gb", "fr")];
    let pair = |(agent, caller)| [Voice::new(agent, 160), Voice::new(caller, 175)];
    pairs.map(pair).into()
}

/// How a case went.
#[derive(Default)]
struct Count {
    sure: usize,
    wrong: Vec<String>,
    all: usize,
}

impl Count {
    fn add(&mut self, case: &str, aligned: Aligned, offset: f64) {
        self.all += 1;
        if aligned.confidence >= 0.5 {
            self.sure += 1;
            if (aligned.offset - offset).abs() > MOST {
                self.wrong
                    .push(format!("{case}: {aligned:?} instead of {offset}"));
            }
        }
    }
}

#[test]
fn offsets_are_found_in_speech_with_noise_and_music_mixed_and_dual() {
    let (voices, mut numbers) = (voices(), Numbers(0x9e37_79b9_7f4a_7c15));
    let mut count = Count::default();
    let mut quiet = Count::default();
    let behind = [
        Behind::Nothing,
        Behind::Noise(20.0),
        Behind::Noise(10.0),
        Behind::Music(15.0),
        Behind::Music(8.0),
    ];
    for case in 0..40 {
        let behind = behind[case % behind.len()];
        let turns = [6, 10, 16][case / 10 % 3];
        let offset = numbers.between(-5.0, 5.0);
        let [agent, caller] = &voices[case % 3];
        let talk = Talk::new([agent, caller], turns, offset, &mut numbers);
        let talk = if case / 5 % 2 == 0 {
            talk.mixed()
        } else {
            talk
        };
        let talk = talk.with(behind, &mut numbers);
        let aligned = align(&heard(&talk), &talk.said);
        let name = format!("{case}, {turns} turns, {behind:?}");
        count.add(&name, aligned, offset);
        if matches!(behind, Behind::Nothing | Behind::Noise(20.0)) {
            quiet.add(&name, aligned, offset);
        }
    }
    println!(
        "sure of {} of {}, wrong: {:#?}",
        count.sure, count.all, count.wrong
    );
    assert!(count.wrong.len() * 20 <= count.sure, "{:#?}", count.wrong);
    assert!(
        count.sure * 4 >= count.all * 3,
        "sure of {} of {}",
        count.sure,
        count.all
    );
    assert_eq!(
        (quiet.sure, quiet.wrong.len()),
        (quiet.all, 0),
        "{:#?}",
        quiet.wrong
    );
}

#[test]
fn swapped_channels_are_found() {
    let (voices, mut numbers) = (voices(), Numbers(7));
    let [agent, caller] = &voices[0];
    let mut talk = Talk::new([agent, caller], 10, -2.4, &mut numbers);
    std::mem::swap(&mut talk.left, &mut talk.right);
    let aligned = align(&heard(&talk), &talk.said);
    assert!(
        aligned.confidence >= 0.5 && (aligned.offset + 2.4).abs() <= MOST,
        "{aligned:?}"
    );
}

#[test]
fn of_what_does_not_fit_it_is_not_sure() {
    let (voices, mut numbers) = (voices(), Numbers(0x1234_5678));
    let mut sure = Vec::new();
    for case in 0..16 {
        let [agent, caller] = &voices[case % 3];
        let turns = [4, 8, 16][case / 3 % 3];
        let other = Talk::new([agent, caller], turns, 0.0, &mut numbers);
        // The words of another call, a clock that is far off, noise alone, and silence.
        let talk = match case % 4 {
            0 => Talk {
                said: other.said.clone(),
                ..Talk::new([agent, caller], turns, 0.0, &mut numbers)
            },
            1 => Talk::new(
                [agent, caller],
                turns,
                numbers.between(9.0, 25.0),
                &mut numbers,
            ),
            _ => Talk {
                left: vec![0.0; other.left.len()],
                right: vec![0.0; other.right.len()],
                ..other
            },
        };
        let talk = if case % 4 == 2 {
            talk.with(Behind::Noise(5.0), &mut numbers)
        } else {
            talk
        };
        let talk = if case / 4 % 2 == 0 {
            talk.mixed()
        } else {
            talk
        };
        let aligned = align(&heard(&talk), &talk.said);
        if aligned.confidence >= 0.5 {
            sure.push((case, aligned));
        }
    }
    assert!(sure.is_empty(), "{sure:?}");
}
