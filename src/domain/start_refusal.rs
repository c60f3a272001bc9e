//! Why a recording was not started, and whether it is tried again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a failed start means for the recording request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Flags", into = "Flags")]
pub enum StartRefusal {
    /// It may pass: the start is tried again.
    Transient,
    /// The same start would fail again: nobody tries it again.
    Final,
    /// There is no such room, or it has closed: nobody tries it again.
    NoRoom,
}

impl StartRefusal {
    /// Nobody tries the start again.
    pub fn is_final(self) -> bool {
        self != StartRefusal::Transient
    }
}

/// How it is stored.
#[derive(Serialize, Deserialize)]
struct Flags {
    #[serde(default)]
    no_room: bool,
    over: bool,
}

impl From<Flags> for StartRefusal {
    fn from(flags: Flags) -> StartRefusal {
        match (flags.no_room, flags.over) {
            (true, _) => StartRefusal::NoRoom,
            (false, true) => StartRefusal::Final,
            (false, false) => StartRefusal::Transient,
        }
    }
}

impl From<StartRefusal> for Flags {
    fn from(refusal: StartRefusal) -> Flags {
        Flags {
            no_room: refusal == StartRefusal::NoRoom,
            over: refusal.is_final(),
        }
    }
}

/// A recording that was not started. The larger of two is the newer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotStarted {
    /// By our clock.
    pub at: Timestamp,
    /// What went wrong, for people.
    pub error: String,
    #[serde(flatten)]
    pub refusal: StartRefusal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_stored_as_two_flags() {
        let of = |refusal| NotStarted {
            at: Timestamp::UNIX_EPOCH,
            error: "no".into(),
            refusal,
        };
        let cases = [
            (StartRefusal::Transient, r#""no_room":false,"over":false"#),
            (StartRefusal::Final, r#""no_room":false,"over":true"#),
            (StartRefusal::NoRoom, r#""no_room":true,"over":true"#),
        ];
        for (refusal, flags) in cases {
            let json = format!(r#"{{"at":"1970-01-01T00:00:00Z","error":"no",{flags}}}"#);
            assert_eq!(serde_json::to_string(&of(refusal)).unwrap(), json);
            assert_eq!(
                serde_json::from_str::<NotStarted>(&json).unwrap(),
                of(refusal)
            );
        }
    }
}
