//! How a call ended, and who ended it.

use crate::domain::{
    disconnect_reason::DisconnectReason, room_end::RoomEnd, transcript::CloseReason,
};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    CallerHungUp,
    AgentHungUp,
    NoAnswer,
    Declined,
    TrunkFailure,
    ConnectionLost,
    AgentError,
    AgentNeverCame,
    Timeout,
    Server,
}

/// Who ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    Caller,
    Agent,
    /// Nobody: the connection, a limit, LiveKit.
    System,
}

/// What is known of the end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Why the caller left.
    pub caller: Option<DisconnectReason>,
    /// Why the agent's session was closed.
    pub closed: Option<CloseReason>,
    /// Why the room was closed.
    pub room: Option<RoomEnd>,
    /// An egress was stopped by a limit of LiveKit's.
    pub limit_reached: bool,
    /// The room is closed, and no agent was in it.
    pub without_agent: bool,
}

impl EndReason {
    /// Every reason, in the order of the choices in Airtable.
    pub const ALL: [EndReason; 10] = [
        EndReason::CallerHungUp,
        EndReason::AgentHungUp,
        EndReason::NoAnswer,
        EndReason::Declined,
        EndReason::TrunkFailure,
        EndReason::ConnectionLost,
        EndReason::AgentError,
        EndReason::AgentNeverCame,
        EndReason::Timeout,
        EndReason::Server,
    ];

    /// The choice in the Airtable column, which people read.
    pub fn label(self) -> &'static str {
        match self {
            EndReason::CallerHungUp => "Caller hung up",
            EndReason::AgentHungUp => "Agent hung up",
            EndReason::NoAnswer => "No answer",
            EndReason::Declined => "Declined",
            EndReason::TrunkFailure => "Trunk failure",
            EndReason::ConnectionLost => "Connection lost",
            EndReason::AgentError => "Agent error",
            EndReason::AgentNeverCame => "Agent never came",
            EndReason::Timeout => "Timeout",
            EndReason::Server => "Server",
        }
    }

    /// Who ended a call that ended so.
    pub fn ended_by(self) -> EndedBy {
        match self {
            EndReason::CallerHungUp | EndReason::Declined => EndedBy::Caller,
            EndReason::AgentHungUp | EndReason::AgentError => EndedBy::Agent,
            EndReason::NoAnswer
            | EndReason::TrunkFailure
            | EndReason::ConnectionLost
            | EndReason::AgentNeverCame
            | EndReason::Timeout
            | EndReason::Server => EndedBy::System,
        }
    }

    /// The caller's own reason decides; the agent's only where the caller's says nothing of who ended the call.
    pub fn of(evidence: &Evidence) -> Option<EndReason> {
        match evidence.caller {
            Some(DisconnectReason::ClientInitiated) => Some(EndReason::CallerHungUp),
            Some(DisconnectReason::UserUnavailable) => Some(EndReason::NoAnswer),
            Some(DisconnectReason::UserRejected) => Some(EndReason::Declined),
            Some(DisconnectReason::SipTrunkFailure) => Some(EndReason::TrunkFailure),
            Some(
                DisconnectReason::ConnectionTimeout
                | DisconnectReason::MediaFailure
                | DisconnectReason::SignalClose
                | DisconnectReason::StateMismatch,
            ) => Some(EndReason::ConnectionLost),
            Some(DisconnectReason::AgentError) => Some(EndReason::AgentError),
            Some(DisconnectReason::ServerShutdown) => Some(EndReason::Server),
            Some(
                DisconnectReason::RoomDeleted
                | DisconnectReason::ParticipantRemoved
                | DisconnectReason::RoomClosed
                | DisconnectReason::JoinFailure
                | DisconnectReason::Migration
                | DisconnectReason::DuplicateIdentity,
            )
            | None => undecided(evidence),
        }
    }
}

/// The end of a call of which the caller's reason says nothing.
fn undecided(evidence: &Evidence) -> Option<EndReason> {
    // A job is also shut down because its room is gone.
    let was_removed = matches!(
        evidence.caller,
        Some(DisconnectReason::RoomDeleted | DisconnectReason::ParticipantRemoved)
    );
    match evidence.closed {
        Some(CloseReason::ParticipantDisconnected) => Some(EndReason::CallerHungUp),
        Some(CloseReason::Error) => Some(EndReason::AgentError),
        _ if evidence.without_agent => Some(EndReason::AgentNeverCame),
        Some(CloseReason::TaskCompleted | CloseReason::UserInitiated) => {
            Some(EndReason::AgentHungUp)
        }
        Some(CloseReason::JobShutdown) if was_removed => Some(EndReason::AgentHungUp),
        closed => by_limit(evidence).or(closed.map(|_| EndReason::AgentHungUp)),
    }
}

fn by_limit(evidence: &Evidence) -> Option<EndReason> {
    match evidence.room {
        Some(RoomEnd::ServerShutdown) => Some(EndReason::Server),
        Some(RoomEnd::IdleTimeout) => Some(EndReason::Timeout),
        None => evidence.limit_reached.then_some(EndReason::Timeout),
    }
}

impl EndedBy {
    /// Every value, in the order of the choices in Airtable.
    pub const ALL: [EndedBy; 3] = [EndedBy::Caller, EndedBy::Agent, EndedBy::System];

    /// The choice in the Airtable column.
    pub fn label(self) -> &'static str {
        match self {
            EndedBy::Caller => "Caller",
            EndedBy::Agent => "Agent",
            EndedBy::System => "System",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use CloseReason as Closed;
    use DisconnectReason as Left;

    type Row = (Option<Left>, Option<Closed>, &'static str);

    const ROWS: [Row; 22] = [
        (
            Some(Left::ClientInitiated),
            Some(Closed::Error),
            "Caller hung up",
        ),
        (Some(Left::ClientInitiated), None, "Caller hung up"),
        (
            None,
            Some(Closed::ParticipantDisconnected),
            "Caller hung up",
        ),
        (
            Some(Left::RoomDeleted),
            Some(Closed::ParticipantDisconnected),
            "Caller hung up",
        ),
        (
            Some(Left::RoomDeleted),
            Some(Closed::TaskCompleted),
            "Agent hung up",
        ),
        (
            Some(Left::RoomDeleted),
            Some(Closed::UserInitiated),
            "Agent hung up",
        ),
        (
            Some(Left::RoomDeleted),
            Some(Closed::JobShutdown),
            "Agent hung up",
        ),
        (
            Some(Left::ParticipantRemoved),
            Some(Closed::JobShutdown),
            "Agent hung up",
        ),
        (None, Some(Closed::TaskCompleted), "Agent hung up"),
        (
            Some(Left::UserUnavailable),
            Some(Closed::JobShutdown),
            "No answer",
        ),
        (Some(Left::UserRejected), None, "Declined"),
        (Some(Left::SipTrunkFailure), None, "Trunk failure"),
        (Some(Left::ConnectionTimeout), None, "Connection lost"),
        (Some(Left::MediaFailure), None, "Connection lost"),
        (Some(Left::SignalClose), None, "Connection lost"),
        (
            Some(Left::StateMismatch),
            Some(Closed::ParticipantDisconnected),
            "Connection lost",
        ),
        (Some(Left::AgentError), None, "Agent error"),
        (Some(Left::RoomDeleted), Some(Closed::Error), "Agent error"),
        (None, Some(Closed::Error), "Agent error"),
        (
            Some(Left::ServerShutdown),
            Some(Closed::JobShutdown),
            "Server",
        ),
        (Some(Left::Migration), None, ""),
        (None, None, ""),
    ];

    #[test]
    fn the_callers_reason_decides_and_the_agents_only_where_it_says_nothing() {
        for (caller, closed, wanted) in ROWS {
            let evidence = Evidence {
                caller,
                closed,
                ..Evidence::default()
            };
            let reason = EndReason::of(&evidence).map_or("", EndReason::label);
            assert_eq!(reason, wanted, "{evidence:?}");
        }
    }

    #[test]
    fn limits_and_a_missing_agent_count_where_nobody_hung_up() {
        let timeout = Evidence {
            room: Some(RoomEnd::IdleTimeout),
            closed: Some(CloseReason::JobShutdown),
            ..Evidence::default()
        };
        assert_eq!(EndReason::of(&timeout), Some(EndReason::Timeout));
        let limit = Evidence {
            limit_reached: true,
            ..Evidence::default()
        };
        assert_eq!(EndReason::of(&limit), Some(EndReason::Timeout));
        let server = Evidence {
            room: Some(RoomEnd::ServerShutdown),
            ..Evidence::default()
        };
        assert_eq!(EndReason::of(&server), Some(EndReason::Server));
        let alone = Evidence {
            without_agent: true,
            ..timeout
        };
        assert_eq!(EndReason::of(&alone), Some(EndReason::AgentNeverCame));
        let hung_up = Evidence {
            caller: Some(DisconnectReason::ClientInitiated),
            ..alone
        };
        assert_eq!(EndReason::of(&hung_up), Some(EndReason::CallerHungUp));
    }
}
