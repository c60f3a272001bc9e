//! Which rooms are recorded automatically.

use std::str::FromStr;

use globset::{Glob, GlobSet, GlobSetBuilder};
use jiff::Timestamp;

use super::{
    destination::Destination, doctor::DoctorKey, kept_attributes::KeptAttributes,
    our_bucket::OurBucket, recording::Recording,
};

/// How long an open call may be without a recording before that counts as a failure.
pub(crate) const UNRECORDED_AFTER: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// RECORD_ON: when a recording starts that nobody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordOn {
    RoomStarted,
    /// The first person who is not an agent or egress.
    ParticipantJoined,
    /// Never.
    Manual,
}

impl RecordOn {
    /// Every value, the default first.
    pub const ALL: [RecordOn; 3] = [
        RecordOn::RoomStarted,
        RecordOn::ParticipantJoined,
        RecordOn::Manual,
    ];

    /// The variable's value.
    pub fn as_str(self) -> &'static str {
        match self {
            RecordOn::RoomStarted => "room_started",
            RecordOn::ParticipantJoined => "participant_joined",
            RecordOn::Manual => "manual",
        }
    }
}

impl FromStr for RecordOn {
    type Err = ();

    fn from_str(value: &str) -> Result<RecordOn, ()> {
        let named = RecordOn::ALL.into_iter().find(|it| it.as_str() == value);
        named.ok_or(())
    }
}

/// RECORD_SIMULATIONS: whether calls with a simulator count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Simulations {
    Ignored,
    Recorded,
}

/// RECORD_ON, RECORD_ROOMS and RECORD_SIMULATIONS, and when the service first ran: earlier recordings are
/// history.
#[derive(Debug, Clone)]
pub struct Policy {
    pub on: RecordOn,
    /// When the service first ran: what ended before is history and does not go to the mirror.
    pub began_at: Timestamp,
    /// S3_BUCKET; `None`: the places of recordings are not checked.
    pub bucket: Option<OurBucket>,
    /// RECORDING_PATH; empty: it matches no key.
    pub path: String,
    /// RECORD_SIMULATIONS
    pub simulations: Simulations,
    /// What calls keep of their participants' attributes.
    pub attributes: KeptAttributes,
    /// The key that signs the rooms of `doctor`, which are no calls; `None`: only those that the database knows are not.
    pub doctor: Option<DoctorKey>,
    included: GlobSet,
    excluded: GlobSet,
}

impl Policy {
    /// `rooms`: globs of room names, `!` excludes; with exclusions alone all other rooms are included.
    pub fn new(on: RecordOn, rooms: &[String]) -> Result<Policy, globset::Error> {
        let (mut included, mut excluded) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let mut includes = 0;
        for room in rooms {
            match room.strip_prefix('!') {
                Some(room) => excluded.add(Glob::new(room)?),
                None => {
                    includes += 1;
                    included.add(Glob::new(room)?)
                }
            };
        }
        if includes == 0 {
            included.add(Glob::new("*")?);
        }
        Ok(Policy {
            on,
            began_at: Timestamp::MIN,
            bucket: None,
            path: String::new(),
            simulations: Simulations::Ignored,
            attributes: KeptAttributes::Any,
            doctor: None,
            included: included.build()?,
            excluded: excluded.build()?,
        })
    }

    /// Nothing is recorded unless somebody asks for it.
    pub fn manual() -> Policy {
        Policy {
            on: RecordOn::Manual,
            began_at: Timestamp::MIN,
            bucket: None,
            path: String::new(),
            simulations: Simulations::Recorded,
            attributes: KeptAttributes::Any,
            doctor: None,
            included: GlobSet::empty(),
            excluded: GlobSet::empty(),
        }
    }

    /// The recording with the place of its file and its key there, compared with our bucket.
    pub fn located(&self, recording: &Recording, destination: &Destination) -> Recording {
        let Some(bucket) = &self.bucket else {
            return recording.clone();
        };
        let key = bucket.key_of(destination, &recording.key);
        Recording {
            place: bucket.place_of(destination),
            key: key.unwrap_or_else(|| recording.key.clone()),
            ..recording.clone()
        }
    }

    /// Whether a room of this name is recorded without anybody asking.
    pub fn takes(&self, room_name: &str) -> bool {
        self.on != RecordOn::Manual
            && self.included.is_match(room_name)
            && !self.excluded.is_match(room_name)
    }
}
