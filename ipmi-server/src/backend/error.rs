//! Why a backend could not do what it was asked.

use core::fmt;
use std::error::Error;

/// What kind of failure it was; decides the completion code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackendErrorKind {
    /// The hypervisor cannot be reached.
    Unavailable,
    /// The hypervisor did not answer in time.
    Timeout,
    /// The machine does not exist (any more).
    NotFound,
    /// The hypervisor refuses us: credentials or privileges.
    Denied,
    /// The present state of the machine forbids it.
    InvalidState,
    /// The machine is locked by another operation.
    Busy,
    /// The machine cannot do this at all.
    Unsupported,
    /// Anything else.
    Other,
}

/// A failed operation of a backend.
#[derive(Debug)]
pub struct BackendError {
    kind: BackendErrorKind,
    operation: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl BackendError {
    /// An error of `operation`, which says what was being done on what ("start the machine").
    #[must_use]
    pub const fn new(kind: BackendErrorKind, operation: &'static str) -> Self {
        Self {
            kind,
            operation,
            source: None,
        }
    }

    /// Adds what caused the failure.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind of failure.
    #[must_use]
    pub const fn kind(&self) -> BackendErrorKind {
        self.kind
    }

    /// What was being done.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.operation
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.kind {
            BackendErrorKind::Unavailable => "the hypervisor cannot be reached",
            BackendErrorKind::Timeout => "the hypervisor did not answer in time",
            BackendErrorKind::NotFound => "the machine does not exist",
            BackendErrorKind::Denied => "the hypervisor refuses it: check credentials and privileges",
            BackendErrorKind::InvalidState => "the present state of the machine forbids it",
            BackendErrorKind::Busy => "another operation holds the machine: try again later",
            BackendErrorKind::Unsupported => "the machine cannot do it",
            BackendErrorKind::Other => "the hypervisor failed",
        };
        write!(f, "cannot {}: {reason}", self.operation)
    }
}

impl Error for BackendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
