//! Power actions: what a command means in the present state, one at a time, and what follows after the
//! machine accepted it (IPMI 2.0 §28.3).

mod action;
mod background;
mod slot;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use action::{Order, carry_out, joined};
pub(crate) use background::{filter_action, interrupt, resume, take_override_back, watchdog_action};
pub(crate) use slot::{Claim, Holder, PowerSlot};
pub(crate) use table::is_possible;

use ipmi_proto::ipmb::CompletionCode;

use crate::backend::{BackendError, BackendErrorKind, BmcBackend, PowerState};

/// The completion code that tells a client of a failure of the machine. The only such table.
pub(crate) const fn completion_of(kind: BackendErrorKind) -> CompletionCode {
    match kind {
        BackendErrorKind::Unavailable | BackendErrorKind::NotFound => CompletionCode::NO_RESPONSE,
        BackendErrorKind::Timeout => CompletionCode::TIMEOUT,
        BackendErrorKind::InvalidState => CompletionCode::NOT_IN_PRESENT_STATE,
        BackendErrorKind::Busy => CompletionCode::BUSY,
        BackendErrorKind::Unsupported => CompletionCode::INVALID_FIELD,
        BackendErrorKind::Denied | BackendErrorKind::Other => CompletionCode::UNSPECIFIED,
    }
}

/// Logs a failure of the machine.
pub(crate) fn log_failure(bmc: &str, error: &BackendError) {
    let cause = core::error::Error::source(error).map(tracing::field::display);
    tracing::warn!(bmc, cause, "{error}");
}

/// Logs a failure of the machine and gives its completion code.
pub(crate) fn failed(bmc: &str, error: &BackendError) -> CompletionCode {
    log_failure(bmc, error);
    completion_of(error.kind())
}

/// The power state, known or asked for; unknown is an error, never a guess.
pub(crate) async fn state_of(backend: &dyn BmcBackend) -> Result<PowerState, BackendError> {
    match backend.known_power_state() {
        Some(state) => Ok(state),
        None => backend.power_state().await,
    }
}
