//! Conversations that espeak-ng speaks, with noise and music, as MP3s that lame encodes; and the report that an agent would
//! send of them, by a clock that differs.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use livekit_airtable::domain::alignment::Said;

/// espeak-ng's rate.
pub(crate) const RATE: usize = 22_050;
pub(crate) const SENTENCES: [&str; 12] = [
    "Hello, this is the clinic, how can I help you?",
    "Hi, I would like to make an appointment.",
    "Yes.",
    "Which day would suit you best?",
    "Tuesday morning, if that is possible at all, otherwise some time on Thursday afternoon.",
    "Let me see. We have half past nine, and a quarter to eleven.",
    "Half past nine, please.",
    "My name is Miller, M, I, L, L, E, R.",
    "No, that is all.",
    "You will get a message with the address and the time. Is there anything else that I can do for you today?",
    "Could you tell me what it will cost, and whether my insurance covers it?",
    "One moment please.",
];

/// Numbers that are the same in every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.unit()
    }

    fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }
}

/// The sentences in one voice.
pub(crate) struct Voice(Vec<Vec<f32>>);

impl Voice {
    pub(crate) fn new(name: &str, words_per_minute: u32) -> Voice {
        let speed = words_per_minute.to_string();
        let say = |sentence: &&str| {
            let arguments = ["-v", name, "-s", &speed, "--stdout", sentence];
            let spoken = Command::new("espeak-ng").args(arguments).output();
            let wave = spoken.expect("espeak-ng is installed by tests/run").stdout;
            let samples = wave[44..].chunks_exact(2);
            let samples = samples.map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
            samples.map(|sample| f32::from(sample) / 32_768.0).collect()
        };
        Voice(SENTENCES.iter().map(say).collect())
    }
}

/// What is heard beside the voices, in decibels below them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Behind {
    Nothing,
    Noise(f32),
    Music(f32),
}

/// A recorded conversation.
pub(crate) struct Talk {
    pub(crate) left: Vec<f32>,
    pub(crate) right: Vec<f32>,
    /// By the report's clock.
    pub(crate) said: Said,
}

impl Talk {
    /// Agent and caller take turns, agent left, caller right; the report's clock is `offset` seconds behind.
    pub(crate) fn new(
        voices: [&Voice; 2],
        turns: usize,
        offset: f64,
        numbers: &mut Numbers,
    ) -> Talk {
        let before = (numbers.between(2.0, 6.0) * RATE as f64) as usize;
        let mut sides = [vec![0.0; before], vec![0.0; before]];
        let mut said = [Vec::new(), Vec::new()];
        for turn in 0..turns {
            let side = turn % 2;
            let words = &voices[side].0[numbers.below(SENTENCES.len())];
            let at = sides[side].len();
            let after = at + words.len() + (numbers.between(0.2, 2.5) * RATE as f64) as usize;
            sides
                .iter_mut()
                .for_each(|samples| samples.resize(after, 0.0));
            let loudness = [0.8, 0.4][side];
            for (sample, word) in sides[side][at..].iter_mut().zip(words) {
                *sample += word * loudness;
            }
            let (from, to) = bounds(words, side);
            let mut ms = |sample: usize, jitter: f64| {
                let seconds = (at + sample) as f64 / RATE as f64 - offset;
                ((seconds + numbers.between(-jitter, jitter)) * 1e3).round() as i64
            };
            said[side].push((ms(from, 0.05), ms(to, 0.1)));
        }
        let [left, right] = sides.map(|mut samples| {
            samples.resize(samples.len() + 4 * RATE, 0.0);
            samples
        });
        let [agent, caller] = said;
        let said = Said { agent, caller };
        Talk { left, right, said }
    }

    /// Both sides in both channels.
    pub(crate) fn mixed(mut self) -> Talk {
        for (left, right) in self.left.iter_mut().zip(&mut self.right) {
            *left += *right;
            *right = *left;
        }
        self
    }

    /// With something behind the caller, and noise also behind the agent.
    pub(crate) fn with(mut self, behind: Behind, numbers: &mut Numbers) -> Talk {
        let gain = |decibels: f32| 0.12 * 10_f32.powf(-decibels / 20.0);
        match behind {
            Behind::Nothing => {}
            Behind::Noise(decibels) => {
                for sample in self.left.iter_mut().chain(&mut self.right) {
                    *sample += gain(decibels) * numbers.between(-1.7, 1.7) as f32;
                }
            }
            Behind::Music(decibels) => play(&mut self.right, gain(decibels), numbers),
        }
        self
    }

    /// As LiveKit's egress would upload it.
    pub(crate) fn mp3(&self) -> Vec<u8> {
        let rate = (RATE as f64 / 1e3).to_string();
        let arguments = [
            "-r", "-s", &rate, "--silent", "-q", "7", "-b", "96", "-", "-",
        ];
        let mut lame = Command::new("lame");
        lame.args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It warns of samples without a header.
            .stderr(Stdio::null());
        let mut lame = lame.spawn().expect("lame is installed by tests/run");
        let pairs = self.left.iter().zip(&self.right);
        let samples = pairs.flat_map(|(left, right)| [*left, *right]);
        let pcm = samples.flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes());
        let pcm: Vec<u8> = pcm.collect();
        let mut input = lame.stdin.take().unwrap();
        let writing = std::thread::spawn(move || input.write_all(&pcm).unwrap());
        let mp3 = lame.wait_with_output().unwrap().stdout;
        writing.join().unwrap();
        mp3
    }

    /// In seconds.
    pub(crate) fn length(&self) -> f64 {
        self.left.len() as f64 / RATE as f64
    }
}

/// An agent's words begin with the first frame that is sent; a caller's with the first that is heard.
fn bounds(words: &[f32], side: usize) -> (usize, usize) {
    let is_loud = |sample: &f32| sample.abs() > 0.02;
    match side {
        0 => (0, words.len()),
        _ => (
            words.iter().position(is_loud).unwrap_or(0),
            words.iter().rposition(is_loud).unwrap_or(words.len()),
        ),
    }
}

/// Plucked notes, four a second.
fn play(samples: &mut [f32], gain: f32, numbers: &mut Numbers) {
    let mut phase = 0.0_f64;
    for note in samples.chunks_mut(RATE / 4) {
        let pitch = 110.0 * 2_f64.powf(numbers.below(36) as f64 / 12.0);
        let loudness = numbers.between(0.1, 1.0);
        for (at, sample) in note.iter_mut().enumerate() {
            let decay = (-(at as f64) / (RATE as f64 * 0.15)).exp();
            phase += pitch / RATE as f64 * std::f64::consts::TAU;
            let tone = phase.sin() + 0.5 * (2.0 * phase).sin();
            *sample += gain * (loudness * decay * tone) as f32;
        }
    }
}
