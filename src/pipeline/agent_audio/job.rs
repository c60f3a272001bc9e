//! The job: looks at each file of the spool, and uploads or deletes it when it is known which.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::keys::key;
use crate::{
    domain::{
        BucketRecording, Call, Room,
        agent_audio::{AgentAudio, AudioFate, UploadId, UploadedAudio},
        content_type,
        event::Observation,
    },
    pipeline::{Job, LONG_STEP_TIMEOUT, RunsIn, Wake, message},
    spool::{HeldFile, Spool, SpoolFile},
    storage::Client,
    store::{InboxMessage, MessageKind, MessageState, Store},
    telemetry::LogThrottle,
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
    storage: Client,
    wake: Arc<Wake>,
    config: AgentAudioConfig,
    /// When files are looked at again, by the id of their messages.
    due: Mutex<BTreeMap<String, Timestamp>>,
    /// Whether what earlier processes left behind was looked at.
    has_looked: AtomicBool,
    throttle: LogThrottle,
}

/// What was done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// It is looked at later.
    Waits,
    /// The bucket has it; it is deleted when the call knows that.
    Uploaded,
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
        AgentAudioJob {
            store,
            spool,
            storage,
            wake,
            config,
            due: Mutex::default(),
            has_looked: AtomicBool::new(false),
            throttle: LogThrottle::default(),
        }
    }

    /// Looks at one file. An error of the bucket costs no other file its turn.
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
            Done::Waits => self.put_off(file, wait(file.age(now)), now),
            Done::Uploaded => self.put_off(file, SOONEST, now),
            Done::Needless => {
                held.delete()?;
                self.due().remove(&file.message_id);
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
        match call.fate_of_upload(&file.message_id, &audio, self.config.mode) {
            AudioFate::Undecided => Ok(Done::Waits),
            AudioFate::Dropped => {
                self.give_up(call, file, now).await?;
                Ok(Done::Needless)
            }
            AudioFate::Kept => {
                self.upload(call, file, held, now).await?;
                Ok(Done::Uploaded)
            }
        }
    }

    /// Notes that nobody waits for a file that is to be deleted.
    async fn give_up(&self, call: &Call, file: &SpoolFile, now: Timestamp) -> anyhow::Result<()> {
        if call.awaits_audio_of(&file.message_id) {
            let gone = Observation::AudioGone {
                message_id: file.message_id.clone(),
            };
            let gone = message::observation(&call.id, &gone, now);
            self.store.put(gone).await?;
            self.wake.intake.notify_one();
        }
        Ok(())
    }

    /// Puts the file into the bucket, and notes in the inbox that it is there.
    async fn upload(
        &self,
        call: &Call,
        file: &SpoolFile,
        held: &mut HeldFile,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let duration = held.duration();
        let to = (&self.store, &self.storage);
        let key = key(to, &self.config.path, call, file, now).await?;
        let kind = content_type(&key);
        self.storage.put_file(&key, held.path(), kind).await?;
        let recording = BucketRecording {
            key: key.clone(),
            size: file.bytes,
            modified_at: ends_at(file, duration).unwrap_or(now),
            room: Room {
                sid: call.id.as_str().into(),
                ..Room::default()
            },
            started_at: file.started_at,
            duration_ms: duration.map(|it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX)),
            upload: Some(UploadId {
                message_id: file.message_id.clone(),
                job: call.job_of_upload(&file.message_id).to_owned(),
            }),
        };
        let body = serde_json::to_vec(&recording)?;
        let message = InboxMessage {
            dedupe: Some(format!("object:{key}")),
            ..InboxMessage::new(MessageKind::Object, body, now).of_call(&call.id)
        };
        self.store.put(message).await?;
        self.wake.intake.notify_one();
        metrics::counter!("livekit_airtable_agent_audio_uploads_total").increment(1);
        tracing::info!(call_id = %call.id, bytes = file.bytes, "the agent's own audio is in the bucket");
        Ok(())
    }

    fn is_due(&self, file: &SpoolFile, now: Timestamp) -> bool {
        self.due()
            .get(&file.message_id)
            .is_none_or(|due| *due <= now)
    }

    fn put_off(&self, file: &SpoolFile, wait: Duration, now: Timestamp) {
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let due = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        self.due().insert(file.message_id.clone(), due);
    }

    fn due(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Timestamp>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When the audio ends, by its own clock.
fn ends_at(file: &SpoolFile, duration: Option<SignedDuration>) -> Option<Timestamp> {
    file.started_at?.checked_add(duration?).ok()
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

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let files = self.spool.files();
        // A folder that is not there is empty; one that cannot be read was reported at the start.
        let files = files.unwrap_or_default();
        self.due()
            .retain(|id, _| files.iter().any(|file| file.message_id == *id));
        for file in files.iter().filter(|file| self.is_due(file, now)) {
            if let Err(error) = self.look(file, now).await {
                self.put_off(file, wait(file.age(now)), now);
                if let Some(suppressed) = self.throttle.should_log("agent audio") {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        suppressed,
                        "agents' audio could not be uploaded; it stays in AGENT_AUDIO_DIR and is tried again"
                    );
                }
            }
        }
        self.has_looked.store(true, Relaxed);
        Ok(false)
    }
}
