//! Exit codes.

use std::process::ExitCode;

use crate::{config, service, store};

/// Anything else.
pub(super) const FAILED: u8 = 1;
/// Configuration or usage is wrong.
pub(super) const USAGE: u8 = 64;
/// A remote service does not answer.
pub(super) const UNAVAILABLE: u8 = 69;
/// A remote service refuses our key.
pub(super) const NOT_PERMITTED: u8 = 77;

/// Failures that scripts distinguish by exit code.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// An argument or a variable is wrong: 64.
    #[error("{0}")]
    Usage(String),
    /// A remote service does not answer: 69.
    #[error("{0}")]
    Unavailable(String),
    /// A remote service refuses our key: 77.
    #[error("{0}")]
    NotPermitted(String),
    /// The reason is on stdout already: 1.
    #[error("")]
    Printed,
    /// The reasons are on stdout already; the exit code of the worst.
    #[error("")]
    Diagnosed(u8),
}

/// The exit code of an error.
pub(super) fn code(error: &anyhow::Error) -> u8 {
    described(error).0
}

/// The exit code of an error, and what to print about it on stderr.
pub(super) fn exit(error: &anyhow::Error) -> (ExitCode, Option<String>) {
    let (code, text) = described(error);
    (ExitCode::from(code), text)
}

fn described(error: &anyhow::Error) -> (u8, Option<String>) {
    if let Some(errors) = error.downcast_ref::<config::Errors>() {
        (USAGE, Some(errors.to_string()))
    } else if let Some(failure) = error.downcast_ref::<Failure>() {
        let printed = matches!(failure, Failure::Printed | Failure::Diagnosed(_));
        (failure.code(), (!printed).then(|| failure.to_string()))
    } else if let Some(error) = error.downcast_ref::<service::Error>() {
        (service_code(error), Some(error.to_string()))
    } else {
        let code = match error.downcast_ref() {
            Some(store::Error::Away(_)) => UNAVAILABLE,
            Some(store::Error::Pooler(_) | store::Error::Tls(_)) => USAGE,
            _ => FAILED,
        };
        (code, Some(format!("{error:#}")))
    }
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Failure::Usage(_) => USAGE,
            Failure::Unavailable(_) => UNAVAILABLE,
            Failure::NotPermitted(_) => NOT_PERMITTED,
            Failure::Printed => FAILED,
            Failure::Diagnosed(code) => *code,
        }
    }
}

fn service_code(error: &service::Error) -> u8 {
    match error {
        service::Error::Configuration(_) => USAGE,
        service::Error::Unavailable(_) => UNAVAILABLE,
        service::Error::NotPermitted(_) => NOT_PERMITTED,
    }
}
