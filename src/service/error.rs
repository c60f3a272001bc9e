//! Why the service, or a part of it, cannot be put together.

/// Faults on this side, each with another exit code of the command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A variable has a value that cannot be used; names the variable. Exit code 64.
    #[error("{0}")]
    Configuration(String),
    /// The database does not answer. Exit code 69.
    #[error("{0}")]
    Unavailable(String),
    /// The operating system refuses this user something. Exit code 77.
    #[error("{0}")]
    NotPermitted(String),
}
