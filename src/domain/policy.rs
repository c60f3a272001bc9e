//! Which rooms are recorded without anybody asking.

use globset::{Glob, GlobSet, GlobSetBuilder};
use jiff::Timestamp;

/// RECORD_ON
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordOn {
    RoomStarted,
    /// The first person who is not an agent or egress.
    ParticipantJoined,
    Manual,
}

/// RECORD_ON, RECORD_ROOMS, and what is news at all.
#[derive(Debug, Clone)]
pub struct Policy {
    pub on: RecordOn,
    /// When the service first ran: what ended before is history, and the mirror is not told of it.
    pub began_at: Timestamp,
    included: GlobSet,
    excluded: GlobSet,
}

impl Policy {
    /// `rooms`: globs of room names, `!` excludes; only exclusions mean "all but".
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
            included: included.build()?,
            excluded: excluded.build()?,
        })
    }

    /// Nothing is recorded without being asked for.
    pub fn manual() -> Policy {
        Policy {
            on: RecordOn::Manual,
            began_at: Timestamp::MIN,
            included: GlobSet::empty(),
            excluded: GlobSet::empty(),
        }
    }

    /// Whether a room of this name is recorded without being asked for.
    pub fn takes(&self, room_name: &str) -> bool {
        self.on != RecordOn::Manual
            && self.included.is_match(room_name)
            && !self.excluded.is_match(room_name)
    }
}
