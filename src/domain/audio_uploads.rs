//! The audio that agents uploaded, on its way to the bucket. A job may upload it several times: the newest file counts until
//! one of them is in the bucket.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    agent_audio::{AudioRefusal, ReportedAudio, UploadId, UploadedAudio},
    latest::Latest,
};

/// Uploads that are remembered, the newest ones.
const MOST: usize = 64;

/// The uploads with audio, by the ids of their messages.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AudioUploads(BTreeMap<String, AudioUpload>);

/// An upload with audio. Each field is a maximum, so that the order of the events does not matter.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct AudioUpload {
    job: String,
    /// By our clock.
    received_at: Option<Timestamp>,
    audio: Option<UploadedAudio>,
    refused: Option<AudioRefusal>,
    /// The bucket has it.
    is_stored: bool,
    /// It is not waited for any more.
    is_gone: bool,
    /// Nobody needs it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_needless: bool,
    /// Why the bucket did not take it, when it was last tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Latest<String, Timestamp>>,
}

/// Why an agent's audio is not in the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MissingAudio {
    /// It was not taken.
    Refused(AudioRefusal),
    /// It was taken, and did not get there.
    NotStored,
}

impl AudioUpload {
    fn is_of_job(&self, job: &str) -> bool {
        !job.is_empty() && self.job == job
    }

    fn is_on_its_way(&self) -> bool {
        self.audio.is_some() && !self.is_stored && !self.is_gone
    }
}

impl AudioUploads {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An upload with audio arrived; `at`: when, by our clock.
    pub(super) fn arrived(&mut self, id: &UploadId, audio: &ReportedAudio, at: Timestamp) {
        self.update(id, |upload| {
            upload.received_at = upload.received_at.max(Some(at));
            match audio {
                ReportedAudio::Received(audio) => upload.audio = upload.audio.max(Some(*audio)),
                ReportedAudio::Refused(why) => upload.refused = upload.refused.max(Some(*why)),
            }
        });
    }

    /// The audio of an upload is in the bucket.
    pub(super) fn stored(&mut self, id: &UploadId) {
        self.update(id, |upload| upload.is_stored = true);
    }

    /// The audio of an upload is not waited for any more; `is_needless`: because nobody needs it.
    pub(super) fn gone(&mut self, message_id: &str, is_needless: bool) {
        self.update(&UploadId::of(message_id), |upload| {
            upload.is_gone = true;
            upload.is_needless |= is_needless;
        });
    }

    /// The bucket did not take the audio of an upload; `at`: when, by our clock.
    pub(super) fn not_stored(&mut self, message_id: &str, error: &str, at: Timestamp) {
        let error = Some(Latest::new(at, error.to_owned()));
        self.update(&UploadId::of(message_id), |upload| {
            upload.error = upload.error.take().max(error);
        });
    }

    /// Changes what is known of an upload, and forgets the oldest beyond the limit.
    fn update(&mut self, id: &UploadId, change: impl FnOnce(&mut AudioUpload)) {
        let upload = self.0.entry(id.message_id.clone()).or_default();
        if upload.job.is_empty() {
            upload.job.clone_from(&id.job);
        }
        change(upload);
        while self.0.len() > MOST {
            self.0.pop_first();
        }
    }

    /// Whether the same job has uploaded a newer file, or one of its files is in the bucket.
    pub(super) fn is_superseded(&self, message_id: &str) -> bool {
        let Some(upload) = self.0.get(message_id) else {
            return false;
        };
        let better = |(id, other): (&String, &AudioUpload)| {
            let is_newer = id.as_str() > message_id && other.audio.is_some();
            id != message_id && other.is_of_job(&upload.job) && (is_newer || other.is_stored)
        };
        self.0.iter().any(better)
    }

    /// The uploads whose audio is on its way, by the ids of their messages, and when they arrived.
    pub(super) fn awaited(&self) -> impl Iterator<Item = (&str, Option<Timestamp>)> {
        let uploads = self.0.iter();
        let awaited = uploads.filter(|(id, it)| it.is_on_its_way() && !self.is_superseded(id));
        awaited.map(|(id, upload)| (id.as_str(), upload.received_at))
    }

    /// Whether the audio of this upload is in the bucket.
    pub(super) fn is_stored(&self, message_id: &str) -> bool {
        self.0
            .get(message_id)
            .is_some_and(|upload| upload.is_stored)
    }

    /// Why the bucket did not take the audio of this upload when it was last tried.
    pub(super) fn error_of(&self, message_id: &str) -> Option<&str> {
        let error = self.0.get(message_id)?.error.as_ref()?;
        Some(error.value())
    }

    /// Why the bucket did not take the newest audio that it should have.
    pub(super) fn error(&self) -> Option<&str> {
        let uploads = self.0.iter().rev();
        let mut missing = uploads.filter(|(id, upload)| {
            let is_wanted = upload.audio.is_some() && !upload.is_needless;
            is_wanted && !upload.is_stored && !self.is_superseded(id)
        });
        missing.find_map(|(id, _)| self.error_of(id))
    }

    /// The job of an upload; empty if it is not known.
    pub(super) fn job(&self, message_id: &str) -> &str {
        let upload = self.0.get(message_id);
        upload.map_or("", |upload| upload.job.as_str())
    }

    /// What is missing of the newest audio, if it is not in the bucket.
    pub(super) fn missing(&self) -> Option<MissingAudio> {
        let mut uploads = self.0.values().rev();
        let newest = uploads.find(|upload| upload.audio.is_some() || upload.refused.is_some())?;
        match (newest.refused, newest.is_stored) {
            (Some(why), _) => Some(MissingAudio::Refused(why)),
            (None, true) => None,
            (None, false) => Some(MissingAudio::NotStored),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(message_id: &str, job: &str) -> UploadId {
        UploadId {
            message_id: message_id.into(),
            job: job.into(),
        }
    }

    fn received(bytes: u64) -> ReportedAudio {
        ReportedAudio::Received(UploadedAudio {
            started_at: None,
            bytes,
        })
    }

    fn awaits(uploads: &AudioUploads, message_id: &str) -> bool {
        uploads.awaited().any(|(id, _)| id == message_id)
    }

    #[test]
    fn of_one_job_the_newest_file_counts_until_one_is_in_the_bucket() {
        type Step = fn(&mut AudioUploads);
        let steps: [Step; 4] = [
            |it| it.arrived(&id("1", "AJ_1"), &received(1), Timestamp::UNIX_EPOCH),
            |it| it.arrived(&id("2", "AJ_1"), &received(2), Timestamp::UNIX_EPOCH),
            |it| it.arrived(&id("3", "AJ_2"), &received(3), Timestamp::UNIX_EPOCH),
            |it| it.gone("3", false),
        ];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
            let mut uploads = AudioUploads::default();
            order.iter().for_each(|n: &usize| steps[*n](&mut uploads));
            order.iter().for_each(|n: &usize| steps[*n](&mut uploads));
            assert!(uploads.is_superseded("1"), "{order:?}");
            assert!(awaits(&uploads, "2"), "{order:?}");
            assert!(!awaits(&uploads, "3"), "{order:?}");
            uploads.stored(&id("1", "AJ_1"));
            assert!(uploads.is_superseded("2"), "{order:?}");
            assert_eq!(uploads.awaited().count(), 0, "{order:?}");
        }
    }

    #[test]
    fn the_newest_error_counts_until_the_bucket_has_the_audio_or_nobody_needs_it() {
        type Step = fn(&mut AudioUploads);
        let steps: [Step; 3] = [
            |it| it.arrived(&id("1", "AJ_1"), &received(1), Timestamp::UNIX_EPOCH),
            |it| it.not_stored("1", "the first", Timestamp::UNIX_EPOCH),
            |it| it.not_stored("1", "a later one", Timestamp::MAX),
        ];
        let ends: [(Step, Option<&str>); 3] = [
            (|it| it.gone("1", false), Some("a later one")),
            (|it| it.gone("1", true), None),
            (|it| it.stored(&id("1", "AJ_1")), None),
        ];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            for (end, expected) in ends {
                let mut uploads = AudioUploads::default();
                order.iter().for_each(|n: &usize| steps[*n](&mut uploads));
                assert_eq!(uploads.error(), Some("a later one"), "{order:?}");
                end(&mut uploads);
                assert_eq!(uploads.error(), expected, "{order:?}");
            }
        }
    }

    #[test]
    fn uploads_without_a_job_are_kept_apart_and_few_are_remembered() {
        let mut uploads = AudioUploads::default();
        for n in 0..3 * MOST {
            let message = format!("{n:04}");
            uploads.arrived(&id(&message, ""), &received(1), Timestamp::UNIX_EPOCH);
            assert!(awaits(&uploads, &message));
        }
        assert_eq!(uploads.0.len(), MOST);
        assert!(!uploads.is_superseded("0190"));
    }
}
