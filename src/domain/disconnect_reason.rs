//! `ParticipantInfo.disconnect_reason`: why a participant left.

use serde::{Deserialize, Deserializer, Serialize};

use super::name::{UnknownName, by_name};

/// Why a participant left. The larger one tells more: of two ends in the same second it counts, and a reason that moves
/// a participant elsewhere is no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DisconnectReason {
    Migration,
    DuplicateIdentity,
    JoinFailure,
    RoomClosed,
    ServerShutdown,
    RoomDeleted,
    ParticipantRemoved,
    SignalClose,
    StateMismatch,
    ConnectionTimeout,
    MediaFailure,
    AgentError,
    SipTrunkFailure,
    UserUnavailable,
    UserRejected,
    ClientInitiated,
}

impl DisconnectReason {
    /// Every reason that a known version of LiveKit sends, with its number in LiveKit's protocol.
    pub const ALL: [(DisconnectReason, i64); 16] = [
        (DisconnectReason::ClientInitiated, 1),
        (DisconnectReason::DuplicateIdentity, 2),
        (DisconnectReason::ServerShutdown, 3),
        (DisconnectReason::ParticipantRemoved, 4),
        (DisconnectReason::RoomDeleted, 5),
        (DisconnectReason::StateMismatch, 6),
        (DisconnectReason::JoinFailure, 7),
        (DisconnectReason::Migration, 8),
        (DisconnectReason::SignalClose, 9),
        (DisconnectReason::RoomClosed, 10),
        (DisconnectReason::UserUnavailable, 11),
        (DisconnectReason::UserRejected, 12),
        (DisconnectReason::SipTrunkFailure, 13),
        (DisconnectReason::ConnectionTimeout, 14),
        (DisconnectReason::MediaFailure, 15),
        (DisconnectReason::AgentError, 16),
    ];

    /// LiveKit's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            DisconnectReason::Migration => "MIGRATION",
            DisconnectReason::DuplicateIdentity => "DUPLICATE_IDENTITY",
            DisconnectReason::JoinFailure => "JOIN_FAILURE",
            DisconnectReason::RoomClosed => "ROOM_CLOSED",
            DisconnectReason::ServerShutdown => "SERVER_SHUTDOWN",
            DisconnectReason::RoomDeleted => "ROOM_DELETED",
            DisconnectReason::ParticipantRemoved => "PARTICIPANT_REMOVED",
            DisconnectReason::SignalClose => "SIGNAL_CLOSE",
            DisconnectReason::StateMismatch => "STATE_MISMATCH",
            DisconnectReason::ConnectionTimeout => "CONNECTION_TIMEOUT",
            DisconnectReason::MediaFailure => "MEDIA_FAILURE",
            DisconnectReason::AgentError => "AGENT_ERROR",
            DisconnectReason::SipTrunkFailure => "SIP_TRUNK_FAILURE",
            DisconnectReason::UserUnavailable => "USER_UNAVAILABLE",
            DisconnectReason::UserRejected => "USER_REJECTED",
            DisconnectReason::ClientInitiated => "CLIENT_INITIATED",
        }
    }

    /// By LiveKit's name.
    pub fn named(name: &str) -> Result<DisconnectReason, UnknownName> {
        by_name(
            &DisconnectReason::ALL.map(|(reason, _)| reason),
            DisconnectReason::as_str,
            name,
        )
    }

    /// By LiveKit's number.
    pub fn numbered(number: i64) -> Option<DisconnectReason> {
        let mut all = DisconnectReason::ALL.into_iter();
        all.find_map(|(reason, known)| (known == number).then_some(reason))
    }

    /// Whether the participant's part in the call was over. One that moves to another node, or connects again, stays in it.
    pub fn is_end(self) -> bool {
        !matches!(
            self,
            DisconnectReason::Migration | DisconnectReason::DuplicateIdentity
        )
    }
}

/// A stored reason; one that only a newer version knows is read as `None`.
pub(super) fn if_known<'de, D: Deserializer<'de>>(
    value: D,
) -> Result<Option<DisconnectReason>, D::Error> {
    let name = Option::<String>::deserialize(value)?;
    Ok(name.and_then(|name| DisconnectReason::named(&name).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_stored_under_livekits_name() {
        for (reason, number) in DisconnectReason::ALL {
            let stored = serde_json::to_value(reason).unwrap();
            assert_eq!(stored, reason.as_str());
            assert_eq!(DisconnectReason::named(reason.as_str()), Ok(reason));
            assert_eq!(DisconnectReason::numbered(number), Some(reason));
            assert_eq!(if_known(stored).unwrap(), Some(reason));
        }
        assert_eq!(if_known(serde_json::json!("NEWER")).unwrap(), None);
        assert_eq!(DisconnectReason::numbered(0), None);
    }
}
