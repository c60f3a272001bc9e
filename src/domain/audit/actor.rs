//! Who did something.

use std::fmt;

use super::mask::masked;

/// Who did something, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The token with this name: one of API_TOKENS, or API_TOKEN.
    Token(String),
    /// The identity in a LiveKit token. `None`: of a refused request; it may be a caller's name.
    LiveKit(Option<String>),
    /// The person that a trusted proxy named (OPS_TRUST_HEADER).
    Person(String),
    /// Whoever has a permanent link.
    Link,
    /// The user of the operating system who ran a command or the service.
    User(String),
    /// No valid credential came.
    Unknown,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Token(name) => write!(f, "token:{name}"),
            Actor::LiveKit(Some(identity)) => write!(f, "livekit:{}", masked(identity)),
            Actor::LiveKit(None) => f.write_str("livekit"),
            Actor::Person(name) => write!(f, "person:{}", masked(name)),
            Actor::Link => f.write_str("link"),
            Actor::User(name) => write!(f, "user:{name}"),
            Actor::Unknown => f.write_str("unknown"),
        }
    }
}
