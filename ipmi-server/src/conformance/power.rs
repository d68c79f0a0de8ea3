//! Power states and actions.

use super::{Log, Patience, settle, told};
use crate::backend::{BackendErrorKind, BackendEvent, BmcBackend, PowerAction, PowerActions, PowerState};

/// Checks power states and actions. The machine is off afterwards.
pub(super) async fn check(backend: &dyn BmcBackend, patience: &Patience, log: &Log) {
    let has_events = backend.events().is_some();
    settle(backend, patience, PowerAction::Off, PowerState::Off).await;
    log.take();
    let again = backend.power(PowerAction::Off).await;
    assert!(again.is_ok(), "off is idempotent: {again:?}");
    for forbidden in [
        PowerAction::Reset,
        PowerAction::SoftOff,
        PowerAction::DiagnosticInterrupt,
    ] {
        let expected = if backend.power_actions().contains(forbidden.into()) {
            BackendErrorKind::InvalidState
        } else {
            BackendErrorKind::Unsupported
        };
        let error = backend.power(forbidden).await.err().map(|error| error.kind());
        assert_eq!(error, Some(expected), "{forbidden:?} of a machine that is off");
    }
    assert_eq!(log.take(), [], "what does nothing is not told");
    settle(backend, patience, PowerAction::On, PowerState::On).await;
    if has_events {
        told(patience, log, &BackendEvent::Booted).await;
    }
    log.take();
    let again = backend.power(PowerAction::On).await;
    assert!(again.is_ok(), "on is idempotent: {again:?}");
    assert!(
        !log.take().contains(&BackendEvent::Booted),
        "on while on does not boot"
    );
    if backend.power_actions().contains(PowerActions::RESET) {
        settle(backend, patience, PowerAction::Reset, PowerState::On).await;
        if has_events {
            told(patience, log, &BackendEvent::Booted).await;
        }
    }
    if backend
        .power_actions()
        .contains(PowerActions::DIAGNOSTIC_INTERRUPT)
    {
        settle(
            backend,
            patience,
            PowerAction::DiagnosticInterrupt,
            PowerState::On,
        )
        .await;
    }
    settle(backend, patience, PowerAction::Off, PowerState::Off).await;
    if has_events {
        told(patience, log, &BackendEvent::Power(PowerState::Off)).await;
    }
}
