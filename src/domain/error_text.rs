//! What people read in the row's Error.

use jiff::SignedDuration;

use super::{
    call::{Call, FROM_THE_AGENT, RESTARTS},
    egress_error::FailureKind,
    egress_status::EgressStatus,
    object::ObjectState,
    recording::Recording,
    start_refusal::NotStarted,
};

impl Call {
    /// What is wrong with this call, for people; empty if nothing is.
    pub fn error(&self) -> String {
        if self.simulated {
            return "simulated call".to_owned();
        }
        let primary = self.primary_recording();
        let counted = primary.filter(|recording| self.counts(recording));
        let from_agent = counted.filter(|recording| recording.is_agent_audio());
        let elsewhere = primary.filter(|recording| !self.counts(recording));
        lines([
            from_agent.map(|_| FROM_THE_AGENT.to_owned()),
            primary.map(|recording| self.recording_error(recording)),
            self.pending_start_error(primary.filter(|_| from_agent.is_none())),
            self.agent_audio_error(),
            elsewhere.and_then(|recording| self.recording_note(recording)),
            self.other_parts(primary),
            self.words_error(),
            self.restarts_error(),
            self.unrecorded_rest().map(|rest| {
                format!(
                    "The recording is shorter than the call: the egress of another program ended {} before the last person left, and nothing recorded the rest.",
                    clock(rest)
                )
            }),
        ])
    }

    /// The last failed start, unless a recording has begun since.
    fn pending_start_error(&self, primary: Option<&Recording>) -> Option<String> {
        let not_started = self.not_started.as_ref()?;
        let begun = primary.filter(|recording| self.counts(recording));
        let since = begun.map(|recording| recording.ended_at.max(recording.started_at));
        let stale = since
            .is_some_and(|since| self.pending_request().is_none() || Some(not_started.at) < since);
        (!stale).then(|| self.not_started_error(not_started))
    }

    /// What happened to a start that failed, and what comes next, for people.
    pub fn not_started_error(&self, not_started: &NotStarted) -> String {
        let next = match self.is_open() {
            _ if not_started.refusal.is_final() => return not_started.error.clone(),
            true => "Retrying while the call is open.",
            false => {
                "The call has ended; the service still checks whether somebody else recorded it."
            }
        };
        format!("{} {next}", not_started.error)
    }

    /// The recordings of the call other than the one in the columns, and egresses that left none.
    fn other_parts(&self, primary: Option<&Recording>) -> Option<String> {
        let primary = primary?;
        // Recordings that were found in the bucket are history, not errors. Each agent of a call has a recording of its own.
        let named = |it: &&Recording| {
            let repeats = self.is_playable(it) && self.repeats(it, primary);
            let is_of_agent = it.is_agent_audio() && self.is_playable(it);
            let is_history = it.was_found() && !is_of_agent;
            it.egress_id != primary.egress_id && !is_history && !repeats
        };
        let others = self.parts().into_iter().filter(named);
        let (playable, missing): (Vec<_>, Vec<_>) = others.partition(|it| self.is_playable(it));
        let list = |parts: &[&Recording]| {
            let parts = parts.iter().map(|part| self.part_summary(part));
            parts.collect::<Vec<String>>().join("\n")
        };
        let length = primary.duration.map(|it| format!(" ({})", clock(it)));
        let recorded = (!playable.is_empty()).then(|| {
            format!(
                "The call was recorded in {} parts; the link plays the longest{}. The others:\n{}",
                playable.len() + 1,
                length.unwrap_or_default(),
                list(&playable)
            )
        });
        let lost = (!missing.is_empty()).then(|| {
            let others = list(&missing);
            format!("Other egresses of this call left no recording:\n{others}")
        });
        Some(lines([recorded, lost]))
    }

    /// A part in one line: its egress, its length and key, and its error.
    pub fn part_summary(&self, part: &Recording) -> String {
        let id = &part.egress_id;
        let error = self.recording_error(part).replace('\n', " ");
        let length = part.duration.map_or("length unknown".to_owned(), clock);
        match (self.is_playable(part), error.is_empty()) {
            (true, true) => format!("{id}: {length}, {}", part.key),
            (true, false) => format!("{id}: {length}, {} ({error})", part.key),
            (false, true) => format!("{id}: no file"),
            (false, false) => format!("{id}: {error}"),
        }
    }

    /// Words that could not be used, if there are no others.
    fn words_error(&self) -> Option<String> {
        let refused = self.refused_words.as_ref();
        let why = refused.filter(|_| !self.has_words)?.value();
        Some(format!(
            "The agent uploaded a transcript that cannot be used: {}.",
            why.trim_end_matches('.')
        ))
    }

    fn restarts_error(&self) -> Option<String> {
        let over = self.is_open() && self.restarts_used_up() && self.running().is_none();
        over.then(|| {
            format!("The recording was started again {RESTARTS} times and ended each time: it is not started any more.")
        })
    }

    /// What is wrong with one recording, for people; empty if nothing is.
    pub fn recording_error(&self, recording: &Recording) -> String {
        lines([
            Some(self.reported_error(recording)),
            self.contested_error(recording),
            Some(self.object_error(recording)),
        ])
    }

    /// What LiveKit reports wrong with one recording, whatever the bucket says; empty if nothing is.
    pub fn reported_error(&self, recording: &Recording) -> String {
        let backup = recording.place.is_backup();
        lines([
            Some(self.egress_error(recording)),
            backup.then(|| recording.place.note()),
        ])
    }

    fn object_error(&self, recording: &Recording) -> String {
        match self.object(recording) {
            _ if self.is_elsewhere(recording) => String::new(),
            Some(ObjectState::Missing) => {
                "The recording is not in the bucket yet. The service checks again.".to_owned()
            }
            Some(ObjectState::OtherSize { size }) => format!(
                "The recording in the bucket {}. The service checks again.",
                recording.odd_size(*size)
            ),
            Some(ObjectState::Unknown { error }) => {
                format!("The bucket could not be checked for the recording: {error}")
            }
            Some(ObjectState::Lost { error, .. }) => error.clone(),
            _ if self.was_killed(recording) => {
                "LiveKit never reported how the recording ended: its egress is marked lost."
                    .to_owned()
            }
            _ => String::new(),
        }
    }

    fn egress_error(&self, recording: &Recording) -> String {
        let reason = if recording.error.is_empty() {
            "LiveKit gave no reason"
        } else {
            recording.error.as_str()
        };
        match recording.status {
            EgressStatus::LimitReached => {
                format!("The recording is incomplete: LiveKit's limit was reached ({reason}).")
            }
            EgressStatus::Failed | EgressStatus::Aborted if recording.located => {
                format!("The recording is incomplete because it was interrupted: {reason}")
            }
            EgressStatus::Failed if recording.error.kind() == FailureKind::Unreachable => {
                format!(
                    "The recording failed because LiveKit could not reach the storage: {reason}"
                )
            }
            EgressStatus::Failed => format!("The recording failed: {reason}"),
            EgressStatus::Aborted if !recording.has_no_audio() => {
                format!("The recording was aborted: {reason}")
            }
            EgressStatus::Aborted if !self.is_silent(recording) => {
                format!("The recording was aborted although people spoke: {reason}")
            }
            EgressStatus::Complete if recording.key.is_empty() => {
                "LiveKit reported the recording as complete, but named no file.".to_owned()
            }
            _ => String::new(),
        }
    }
}

fn lines<const N: usize>(texts: [Option<String>; N]) -> String {
    let texts = texts.into_iter().flatten();
    let filled: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    filled.join("\n")
}

/// A length like `0:03:07`.
fn clock(length: SignedDuration) -> String {
    let seconds = (length.as_millis() + 500) / 1000;
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    format!("{}:{:02}:{seconds:02}", minutes / 60, minutes % 60)
}
