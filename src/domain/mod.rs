//! What a call is, and how events change it. Pure: no I/O, no clock; `now` is a parameter.
//!
//! `call` folds an [`Event`] into a [`Call`]: `call::status` decides its [`Status`], `call::merge` applies the
//! [`Policy`] that says which rooms are recorded and when, `call::derived` has what a call still needs (a start, a stop)
//! and whether it is over, `call::recorders` and `call::restarts` decide between several egresses of a call, `our_bucket`
//! whether a file is in our bucket, `call::state` has what retention purges of it.

mod compared_cell;
mod compared_column;
mod count;
mod forward;
mod hash;
mod hex;
mod id;
mod id_rules;
mod mirror_figures;
mod mirror_transcript;
mod name;
mod play_page;
mod transcript_times;

pub mod alignment;
pub mod latest;
pub mod nanoseconds;
mod waveform;

pub mod crowd;
mod disconnect_reason;
mod doctor;
mod kept_attributes;
pub mod participant;
pub mod room;
mod room_end;
pub mod transcript;

pub mod egress_error;
mod egress_status;
pub mod egress_version;
mod file_type;
pub mod object;

pub mod destination;
mod object_key;
mod our_bucket;
pub mod place;

pub mod recording;

pub mod figures;

mod access;
mod addressing;
pub mod agent_audio;
pub mod audio_uploads;
pub mod bucket_recording;
mod key_pattern;
pub mod path;
mod project;
mod storage_key;

pub mod event;
pub mod policy;
mod row_writes;
mod sink;
pub mod start_refusal;

pub mod call;
mod error_text;
mod failure;
pub mod people;
pub mod status;

pub mod audit;
pub mod backoff;
pub mod budget;
pub mod duration;
pub mod link;
mod link_issue;
mod link_secrets;

pub use access::{ApiToken, Scope};
pub use addressing::{Addressing, is_aws, is_aws_host};
pub use bucket_recording::BucketRecording;
pub use call::{Applied, Call, DueDelivery, apply};
pub use compared_cell::{CellContent, CellDifference, ComparedCell};
pub use compared_column::{ColumnState, ComparedColumn, ComparedTable};
pub use count::counted;
pub use disconnect_reason::DisconnectReason;
pub use doctor::{DoctorKey, doctor_id, may_be_doctor_id};
pub use egress_status::EgressStatus;
pub use event::{Event, EventPayload, EventSource};
pub use file_type::{Channels, FileType, content_type};
pub use forward::Forward;
pub use hash::hash;
pub use hex::{hex, sha256};
pub use id::{CallId, EgressId, RoomName};
pub use id_rules::{as_id, is_id};
pub use kept_attributes::KeptAttributes;
pub use link_issue::{Issue, LinkRevocation, RevokedRow};
pub use link_secrets::LinkSecrets;
pub use mirror_figures::MirrorFigures;
pub use mirror_transcript::MirrorTranscript;
pub use name::{UnknownName, by_name};
pub use object::{Object, ObjectState};
pub use our_bucket::OurBucket;
pub use play_page::PlayPage;
pub use policy::Policy;
pub(crate) use policy::UNRECORDED_AFTER;
pub use project::{Claim, KeyEntry, Project, Signer, SigningKey, Standing};
pub use recording::Recording;
pub use room::{AgentJob, Room, with_blanks};
pub use room_end::RoomEnd;
pub use row_writes::RowWrites;
pub use sink::Sink;
pub use status::Status;
pub use storage_key::{KeyLookup, KeyUnreadable, StorageKey};
pub use transcript_times::TranscriptTimes;
pub use waveform::{NoWaveform, Waveform};
