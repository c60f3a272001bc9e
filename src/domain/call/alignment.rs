//! Alignment by sound: which recording is listened to, and what for.

use super::state::Call;
use crate::domain::{
    alignment::{Alignment, Said},
    file_type::content_type,
    recording::Recording,
    transcript::{Speaker, Spoken, Transcript, Turn},
};

/// Intervals of one side that are compared with the sound.
const MOST_INTERVALS: usize = 5_000;
/// Seconds outside of the file in which words may still turn out to be in it.
const NEAR: f64 = 10.0;

impl Call {
    /// The alignment of the recording that the row shows and of the newest reports.
    pub fn alignment(&self) -> Option<&Alignment> {
        let alignment = self.alignment.as_ref()?.value();
        let recording = self.primary_recording()?;
        let is_current =
            alignment.egress_id == recording.egress_id && alignment.reported_at == self.reported_at;
        is_current.then_some(alignment)
    }

    /// The recording that is to be listened to: an MP3 in the bucket, of a call that is over and has a transcript, unless
    /// that was done.
    pub fn to_align(&self) -> Option<&Recording> {
        let (recording, _) = self.playable_recording()?;
        let is_wanted = self.has_words
            && !self.is_open()
            && !self.is_others()
            && recording.begins_at().is_some()
            && content_type(&recording.key) == content_type(".mp3");
        (is_wanted && self.alignment().is_none()).then_some(recording)
    }

    /// When each side spoke according to the reports, in milliseconds of the recording that the row shows. Without
    /// metrics, as long as the words take.
    pub fn said(&self, transcript: &Transcript) -> Said {
        let Transcript::Turns(turns) = transcript else {
            return Said::default();
        };
        let timeline = self.timeline_of_clocks();
        let end = self.file_length().unwrap_or(f64::INFINITY) + NEAR;
        let timed = || {
            let turns = turns.iter().zip(timeline.spoken(turns));
            let timed = turns.filter_map(|(turn, spoken)| Some((turn, spoken?)));
            timed.filter(move |(_, spoken)| (-NEAR..end).contains(&spoken.start))
        };
        let reported = said(timed().filter_map(|(turn, it)| interval(turn, it, it.length)));
        match reported.is_enough() {
            true => reported,
            false => {
                said(timed().filter_map(|(turn, it)| {
                    interval(turn, it, it.length.or(Some(it.usual_length)))
                }))
            }
        }
    }
}

type SideInterval = (Speaker, (i64, i64));

fn interval(turn: &Turn, spoken: Spoken, length: Option<f64>) -> Option<SideInterval> {
    let milliseconds = |seconds: f64| (seconds * 1e3).round() as i64;
    let end = spoken.start + length?.min(3_600.0);
    Some((
        turn.speaker,
        (milliseconds(spoken.start), milliseconds(end)),
    ))
}

fn said(intervals: impl Iterator<Item = SideInterval>) -> Said {
    let mut said = Said::default();
    for (speaker, interval) in intervals {
        let side = match speaker {
            Speaker::Agent => &mut said.agent,
            Speaker::Caller => &mut said.caller,
        };
        if side.len() < MOST_INTERVALS {
            side.push(interval);
        }
    }
    said
}
