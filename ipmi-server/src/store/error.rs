//! Why a store failed.

use alloc::string::String;

/// What a failure of a store is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// No room left on the device, or no more allowed.
    NoSpace,
    /// It cannot be written.
    ReadOnly,
    /// Another process has it.
    InUse,
    /// It was written with another key.
    WrongKey,
    /// Another version of this program wrote it.
    Version,
    /// It is not what was written.
    Damaged,
    /// Anything else.
    Other,
}

/// A store failed. The text says what was being done, why it failed, and what can be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct StoreError {
    /// What it is about.
    pub kind: StoreErrorKind,
    message: String,
}

impl StoreError {
    /// An error with a text for people.
    #[must_use]
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message }
    }
}
