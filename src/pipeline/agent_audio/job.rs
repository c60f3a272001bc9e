//! The job: looks at each file of the spool, and uploads or deletes it when it is known which.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::{progress::Progress, upload::Uploader};
use crate::{
    domain::{
        Call,
        agent_audio::{AgentAudio, AudioFate, UploadedAudio},
        event::Observation,
    },
    pipeline::{Job, LONG_STEP_TIMEOUT, RunsIn, Wake, message},
    spool::{HeldFile, Spool, SpoolFile},
    storage::Client,
    store::{MessageState, Store},
};

/// How often it looks for files.
const EVERY: Duration = Duration::from_secs(1);
/// How soon a file is looked at again, and how late. In between it is a quarter of the file's age.
const SOONEST: Duration = Duration::from_secs(1);
const LATEST: Duration = Duration::from_secs(60);
/// How old a file without a message is when it is deleted. Before that, its message may be under way.
const ORPHAN_AGE: Duration = Duration::from_secs(600);

/// Which audio is kept, and where.
pub struct AgentAudioConfig {
    /// AGENT_AUDIO
    pub mode: AgentAudio,
    /// RECORDING_PATH
    pub path: String,
}

/// Uploads agents' audio.
pub struct AgentAudioJob {
    store: Store,
    spool: Spool,
    wake: Arc<Wake>,
    mode: AgentAudio,
    uploader: Uploader,
    progress: Progress,
    /// Whether what earlier processes left behind was looked at.
    has_looked: AtomicBool,
}

/// What was done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// It is looked at later.
    Waits,
    /// It is looked at as soon as possible: the bucket has it, and it is deleted when the call knows that; or another file of the call
    /// is at that point.
    Soon,
    /// It is to be deleted.
    Needless,
}

impl AgentAudioJob {
    /// Uploads from the spool to the storage; `wake` wakes the intake of what it notes in the store.
    pub fn new(
        config: AgentAudioConfig,
        store: Store,
        spool: Spool,
        storage: Client,
        wake: Arc<Wake>,
    ) -> AgentAudioJob {
        let uploader = Uploader {
            store: store.clone(),
            storage,
            wake: wake.clone(),
            path: config.path,
        };
        AgentAudioJob {
            store,
            spool,
            wake,
            mode: config.mode,
            uploader,
            progress: Progress::default(),
            has_looked: AtomicBool::new(false),
        }
    }

    /// Looks at one file.
    async fn look(&self, file: &SpoolFile, now: Timestamp) -> anyhow::Result<()> {
        let Some(mut held) = self.spool.take(file)? else {
            return Ok(());
        };
        let done = match self.store.message_state(&file.message_id).await? {
            MessageState::Waiting => Done::Waits,
            MessageState::OfNoCall => Done::Needless,
            MessageState::Missing => self.orphan(file, now),
            MessageState::OfCall(id) => match self.store.call(&id).await? {
                None => Done::Needless,
                Some(row) => self.of_call(&row.call, file, &mut held, now).await?,
            },
        };
        match done {
            Done::Waits => self.progress.put_off(file, wait(file.age(now)), now),
            Done::Soon => self.progress.put_off(file, SOONEST, now),
            Done::Needless => {
                held.delete()?;
                self.progress.forget(file);
            }
        }
        Ok(())
    }

    /// A file without a message: the process that received it ended, or its sender was asked to send it again.
    fn orphan(&self, file: &SpoolFile, now: Timestamp) -> Done {
        let is_left_over = !self.has_looked.load(Relaxed);
        match is_left_over || file.age(now) > ORPHAN_AGE {
            true => Done::Needless,
            false => Done::Waits,
        }
    }

    async fn of_call(
        &self,
        call: &Call,
        file: &SpoolFile,
        held: &mut HeldFile,
        now: Timestamp,
    ) -> anyhow::Result<Done> {
        let audio = UploadedAudio {
            started_at: file.started_at,
            bytes: file.bytes,
        };
        match call.fate_of_upload(&file.message_id, &audio, self.mode) {
            AudioFate::Undecided => Ok(Done::Waits),
            AudioFate::Dropped => {
                self.give_up(call, file, now).await?;
                Ok(Done::Needless)
            }
            // The call may learn that it has this audio: several jobs may upload the same.
            AudioFate::Kept if self.progress.must_learn(call, file) => Ok(Done::Soon),
            AudioFate::Kept => {
                self.uploader.upload(call, file, held, now).await?;
                self.progress.uploaded(call, file);
                Ok(Done::Soon)
            }
        }
    }

    /// Notes that nobody waits for a file that is to be deleted, or asks why the bucket did not take it.
    async fn give_up(&self, call: &Call, file: &SpoolFile, now: Timestamp) -> anyhow::Result<()> {
        let id = &file.message_id;
        if call.awaits_audio_of(id) || call.audio_error_of(id).is_some() {
            let gone = Observation::AudioGone {
                message_id: id.clone(),
                is_needless: true,
            };
            let gone = message::observation(&call.id, &gone, now);
            self.store.put(gone).await?;
            self.wake.intake.notify_one();
        }
        Ok(())
    }

    /// The complete files. A folder that is not there is empty.
    fn files(&self) -> anyhow::Result<Vec<SpoolFile>> {
        match self.spool.files() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            files => files.context("AGENT_AUDIO_DIR cannot be read"),
        }
    }
}

fn wait(age: Duration) -> Duration {
    (age / 4).clamp(SOONEST, LATEST)
}

impl Job for AgentAudioJob {
    fn name(&self) -> &'static str {
        "agent_audio"
    }

    fn wake_on<'a>(&self, _wake: &'a Wake) -> Option<&'a Notify> {
        None
    }

    fn runs_in(&self) -> RunsIn {
        RunsIn::Each
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn timeout(&self) -> Duration {
        LONG_STEP_TIMEOUT
    }

    /// An error of one file costs no other its turn. The step fails as long as one of them does.
    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let files = self.files()?;
        self.progress.retain(&files);
        for file in files.iter().filter(|file| self.progress.is_due(file, now)) {
            let looked = self.look(file, now).await;
            if looked.is_err() {
                self.progress.put_off(file, wait(file.age(now)), now);
            }
            self.progress.looked(file, looked);
        }
        self.has_looked.store(true, Relaxed);
        match self.progress.error() {
            Some(error) => anyhow::bail!(
                "agents' audio could not be uploaded; it stays in AGENT_AUDIO_DIR and is tried again: {error}"
            ),
            None => Ok(false),
        }
    }
}
