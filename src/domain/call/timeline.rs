//! Where the words of a call are in the files of its recordings.

use jiff::Timestamp;

use super::state::Call;
use crate::domain::{
    alignment::Alignment,
    id::EgressId,
    recording::Recording,
    transcript::{Spoken, Turn, spoken},
};

/// The files of a call's recordings by time, and the clock of its reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// When the file begins that the row's link plays, by LiveKit's clock.
    zero: Option<Timestamp>,
    /// Seconds by which times of the reports are corrected.
    correction: f64,
    /// The file that the row's link plays, then the other parts by time.
    files: Vec<FileSpan>,
}

/// A file, in seconds after the beginning of the one that the row's link plays.
#[derive(Debug, Clone, PartialEq)]
struct FileSpan {
    /// `None`: it is the one that the row's link plays.
    part: Option<EgressId>,
    begin: f64,
    end: f64,
}

/// Where a turn is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position<'a> {
    /// The part of the call; `None`: the file that the row's link plays.
    pub part: Option<&'a EgressId>,
    /// Seconds after the beginning of the file.
    pub start: f64,
    /// Likewise; `None`: nobody reported it.
    pub end: Option<f64>,
    /// The report says only when the turn was created.
    pub is_estimated: bool,
}

impl Call {
    /// The files of the call, as far as their beginnings are known, and the reports' clock as the sound corrects it.
    pub fn timeline(&self) -> Timeline {
        let offset = self.alignment().and_then(Alignment::offset);
        Timeline {
            correction: offset.unwrap_or_default(),
            ..self.timeline_of_clocks()
        }
    }

    /// The same without a correction.
    pub(super) fn timeline_of_clocks(&self) -> Timeline {
        let primary = self.primary_recording();
        let zero = primary.and_then(Recording::begins_at);
        let mut files = vec![FileSpan {
            part: None,
            begin: 0.0,
            end: self.file_length().unwrap_or(f64::INFINITY),
        }];
        let is_other =
            |it: &&Recording| Some(&it.egress_id) != primary.map(|primary| &primary.egress_id);
        let others = self.parts().into_iter().filter(is_other);
        files.extend(others.filter_map(|part| span(part, zero?)));
        Timeline {
            zero,
            correction: 0.0,
            files,
        }
    }
}

fn span(part: &Recording, zero: Timestamp) -> Option<FileSpan> {
    let begin = part.file_started_at?.duration_since(zero).as_secs_f64();
    let length = part
        .duration
        .map_or(f64::INFINITY, |length| length.as_secs_f64());
    Some(FileSpan {
        part: Some(part.egress_id.clone()),
        begin,
        end: begin + length,
    })
}

impl Timeline {
    /// When each turn was spoken, in seconds after the beginning of the file that the row's link plays; negative before it.
    pub fn spoken<'a>(
        &'a self,
        turns: &'a [Turn],
    ) -> impl Iterator<Item = Option<Spoken>> + use<'a> {
        spoken(turns, self.zero).map(|spoken| {
            spoken.map(|it| Spoken {
                start: it.start + self.correction,
                ..it
            })
        })
    }

    /// Where each turn is. `None`: nobody knows, or it was said before a file began or after it ended.
    pub fn positions<'a>(
        &'a self,
        turns: &'a [Turn],
    ) -> impl Iterator<Item = Option<Position<'a>>> + use<'a> {
        self.spoken(turns).map(|spoken| self.position(&spoken?))
    }

    /// Where something happened, by the reports' clock: the part of the call as in [`Position`], and seconds in its file.
    pub fn moment(&self, at: Timestamp) -> Option<(Option<&EgressId>, f64)> {
        let at = at.duration_since(self.zero?).as_secs_f64() + self.correction;
        let mut files = self.files.iter();
        let file = files.find(|file| (file.begin..file.end).contains(&at))?;
        Some((file.part.as_ref(), at - file.begin))
    }

    fn position(&self, spoken: &Spoken) -> Option<Position<'_>> {
        let begins_in = |file: &&FileSpan| (file.begin..file.end).contains(&spoken.start);
        let begins_with = |file: &&FileSpan| spoken.begins_with(file.begin);
        let mut files = self.files.iter();
        let file = files
            .clone()
            .find(begins_in)
            .or_else(|| files.find(begins_with))?;
        let start = spoken.start - file.begin;
        Some(Position {
            part: file.part.as_ref(),
            start: start.max(0.0),
            end: spoken.length.map(|length| start + length),
            is_estimated: spoken.is_estimated,
        })
    }
}
