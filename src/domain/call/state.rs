//! What is stored of a call.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{
    alignment::Alignment,
    audio_uploads::AudioUploads,
    crowd::Crowd,
    id::{CallId, EgressId, RoomName},
    latest::Latest,
    object::Object,
    participant::Participant,
    project::Project,
    recording::Recording,
    room::AgentJob,
    room_end::{self, RoomEnd},
    start_refusal::NotStarted,
    transcript::Reports,
};

/// A call, as far as its events describe it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Call {
    /// The room's sid, `RM_…`.
    pub id: CallId,
    /// Whose the call is. Stored in a column of its own, which earlier versions leave as it is.
    #[serde(skip)]
    pub project: Project,
    pub room_name: RoomName,
    /// Who gave that name.
    #[serde(rename = "named_by_livekit", default)]
    pub name_source: NameSource,
    /// The room's metadata, of the newest event that had any.
    pub metadata: Latest<String>,
    /// The agent's job, of the newest event that named one.
    #[serde(default)]
    pub job: Latest<AgentJob>,
    /// When the room was created, according to LiveKit.
    pub created_at: Option<Timestamp>,
    /// The earliest time that any event of the room carried, for rooms whose events carry no `created_at`.
    #[serde(rename = "heard_from")]
    pub first_seen_at: Option<Timestamp>,
    /// When an event last showed the room open, by our clock or LiveKit's, whichever is earlier: a late webhook only
    /// shows that the room was open when it was sent.
    pub alive_at: Option<Timestamp>,
    /// `room_finished`.
    pub finished_at: Option<Timestamp>,
    /// Why the room was closed, where LiveKit says so.
    #[serde(
        default,
        deserialize_with = "room_end::if_known",
        skip_serializing_if = "Option::is_none"
    )]
    pub room_end: Option<RoomEnd>,
    /// When LiveKit last answered that it does not know the room, by our clock.
    pub gone_at: Option<Timestamp>,
    /// When LiveKit's lists lacked the room since it was last seen open, by our clock.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub missing: BTreeSet<Timestamp>,
    /// By participant sid.
    pub participants: BTreeMap<String, Participant>,
    /// Further participants.
    #[serde(default, skip_serializing_if = "Crowd::is_empty")]
    pub crowd: Crowd,
    /// By egress ID.
    pub recordings: BTreeMap<EgressId, Recording>,
    /// The bucket's newest answers, by egress id.
    pub objects: BTreeMap<EgressId, Object>,
    /// Egresses whose end LiveKit never reported.
    pub lost: BTreeSet<EgressId>,
    /// When they were last marked lost, by our clock; earlier versions did not store it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost_at: BTreeMap<EgressId, Timestamp>,
    /// What agents reported, once it was loaded. Earlier versions store it here; this one keeps it apart, because a report
    /// may have 16 MiB and a call is read and written with every event.
    pub reports: Reports,
    /// When the last report arrived, by our clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_at: Option<Timestamp>,
    /// The bucket's key of the full text of a long transcript, stamped with the time of its upload.
    #[serde(default)]
    pub transcript_file: Option<Latest<String, Timestamp>>,
    /// Requests for a recording; the standing request of the policy is one of them.
    #[serde(rename = "wanted")]
    pub requests: BTreeSet<RecordingRequest>,
    /// Egress ids of the recordings that somebody asked to stop.
    pub stops: BTreeSet<EgressId>,
    /// The newest start that failed.
    pub not_started: Option<NotStarted>,
    /// When somebody last asked to try refused starts again, by our clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried_at: Option<Timestamp>,
    /// The API keys that signed the call's webhooks.
    #[serde(default)]
    pub signers: BTreeSet<String>,
    /// LiveKit listed it for LIVEKIT_API_KEY, or a key of that project signed its webhooks.
    #[serde(default)]
    pub listed: bool,
    /// Egresses that lists of the room's participants lack, and since when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub recorders_gone: BTreeMap<EgressId, Timestamp>,
    /// Egresses that this service started.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ours: BTreeSet<EgressId>,
    /// Our egresses that were stopped because another program records the call, and the egresses of that program.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub superseded: BTreeMap<EgressId, BTreeSet<EgressId>>,
    /// The audio that agents uploaded.
    #[serde(default, skip_serializing_if = "AudioUploads::is_empty")]
    pub audio_uploads: AudioUploads,
    /// Keys in the bucket that other calls claim, too, and those calls.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contested: BTreeMap<String, BTreeSet<CallId>>,
    /// Sids of participants that published audio.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub voices: BTreeSet<String>,
    /// When they first did, where an event says so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub voiced_at: BTreeMap<String, Timestamp>,
    /// A transcript with words was reported.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_words: bool,
    /// Why the newest words that could not be used could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_words: Option<Latest<String, Timestamp>>,
    /// How the times of the reports fit the sound of a recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Latest<Alignment, Timestamp>>,
    /// A simulator took part while RECORD_SIMULATIONS was off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// What agents reported is not here: it is stored apart, or was deleted after KEEP. An earlier version finds nothing of
    /// it, and because of this field keeps what the row says of it.
    #[serde(rename = "forgotten", default)]
    pub reports_apart: bool,
}

/// Who gave a call's room its name; the larger counts. Stored as whether it was LiveKit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum NameSource {
    /// People or agents, in a request or a report; also while there is no name.
    #[default]
    Others,
    LiveKit,
}

impl From<bool> for NameSource {
    fn from(by_livekit: bool) -> NameSource {
        match by_livekit {
            true => NameSource::LiveKit,
            false => NameSource::Others,
        }
    }
}

impl From<NameSource> for bool {
    fn from(source: NameSource) -> bool {
        source == NameSource::LiveKit
    }
}

/// A request for a recording: fulfilled by any egress that had not ended when it was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordingRequest {
    /// When somebody asked, by our clock; `None` for the standing request of the policy.
    pub asked_at: Option<Timestamp>,
    /// Fills `{room_id}` of RECORDING_PATH instead of the room's sid.
    pub path_id: Option<String>,
    /// Ids of the recordings that had ended by then.
    pub ended: BTreeSet<EgressId>,
}

impl RecordingRequest {
    /// Whether it is the standing request of the policy, and nobody's.
    pub fn is_standing(&self) -> bool {
        self.asked_at.is_none()
    }
}

impl Call {
    /// Whether the call is another LiveKit project's: it gets a row, and is not recorded here.
    pub fn is_others(&self) -> bool {
        self.project != Project::Ours
    }

    /// Deletes what KEEP limits: what agents reported. No event does that.
    pub fn purge(&mut self) {
        self.reports = Reports::default();
        self.reports_apart = true;
    }

    /// Whether what agents reported was deleted after KEEP. To be asked of a call whose reports were loaded: the row keeps
    /// what it says of them.
    pub fn is_purged(&self) -> bool {
        self.reports_apart && self.reports.is_empty()
    }
}
