//! From libvirt's errors to those that a BMC understands.

use ipmi_server::backend::{BackendError, BackendErrorKind};

use crate::rpc::{ErrorCode, RpcError};

/// What kind of failure an error is for a BMC.
pub(crate) const fn kind_of(error: &RpcError) -> BackendErrorKind {
    match error {
        RpcError::Closed(_) => BackendErrorKind::Unavailable,
        RpcError::Timeout(_) => BackendErrorKind::Timeout,
        RpcError::Libvirt(error) => match error.code {
            ErrorCode::NO_DOMAIN => BackendErrorKind::NotFound,
            ErrorCode::OPERATION_INVALID => BackendErrorKind::InvalidState,
            ErrorCode::OPERATION_TIMEOUT => BackendErrorKind::Busy,
            ErrorCode::NO_SUPPORT | ErrorCode::OPERATION_UNSUPPORTED | ErrorCode::CONFIG_UNSUPPORTED => {
                BackendErrorKind::Unsupported
            }
            ErrorCode::ACCESS_DENIED
            | ErrorCode::OPERATION_DENIED
            | ErrorCode::AUTH_FAILED
            | ErrorCode::AUTH_CANCELLED
            | ErrorCode::AUTH_UNAVAILABLE => BackendErrorKind::Denied,
            _ => BackendErrorKind::Other,
        },
        _ => BackendErrorKind::Other,
    }
}

/// A failure of an operation ("start the domain").
pub(crate) fn failure(operation: &'static str) -> impl Fn(RpcError) -> BackendError {
    move |error| BackendError::new(kind_of(&error), operation).with_source(error)
}

/// An error with its causes, in one line.
pub(crate) fn with_causes(error: &dyn core::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
