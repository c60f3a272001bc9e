//! What uploads of agents need.

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{domain::agent_audio::AgentAudio, forward::Forwarder, spool::Spool};

/// Uploads that are received at once; the others wait.
const AT_ONCE: usize = 32;

/// The room that there is for uploads of agents.
pub struct Uploads {
    /// AGENT_AUDIO
    pub(super) audio: AgentAudio,
    /// AGENT_AUDIO_SIZE, in bytes.
    pub(super) audio_bytes: u64,
    /// What is uploaded goes here first.
    pub(super) spool: Spool,
    pub(super) turns: Semaphore,
    /// Sends uploads on to LiveKit, with LIVEKIT_OBSERVABILITY_FORWARD.
    pub(super) forwarder: Option<Forwarder>,
    /// Cancelled: the service stops, and an upload that is arriving is to be sent again.
    pub(super) stop: CancellationToken,
}

impl Uploads {
    /// `audio_bytes`: AGENT_AUDIO_SIZE.
    pub fn new(
        audio: AgentAudio,
        audio_bytes: u64,
        spool: Spool,
        forwarder: Option<Forwarder>,
        stop: CancellationToken,
    ) -> Uploads {
        Uploads {
            audio,
            audio_bytes,
            spool,
            turns: Semaphore::new(AT_ONCE),
            forwarder,
            stop,
        }
    }
}
