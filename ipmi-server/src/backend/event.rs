//! What a machine does by itself, and what others do to it.

use core::fmt;
use std::sync::Arc;

use super::PowerState;

/// A change at the machine, told at once when it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackendEvent {
    /// The power state changed, whoever asked for it.
    Power(PowerState),
    /// The machine started to boot: after power-on, reset or a reboot of its own. A boot override for one
    /// boot has been used by it.
    Booted,
    /// The machine received a diagnostic interrupt.
    DiagnosticInterrupt,
    /// An action that had been accepted failed later.
    ActionFailed {
        /// What went wrong, for log and event log.
        reason: String,
    },
    /// The connection to the hypervisor was lost (`false`) or is back (`true`).
    Connected(bool),
}

/// Receives the events of a machine.
pub trait EventListener: fmt::Debug + Send + Sync {
    /// Takes one event. Does not wait for the machine, but takes the BMC's lock: no lock may be held that
    /// [`known_power_state`](super::BmcBackend::known_power_state) or
    /// [`SensorSource::read`](super::SensorSource::read) need.
    fn event(&self, event: BackendEvent);
}

/// A machine that tells of its changes.
pub trait EventSource: fmt::Debug + Send + Sync {
    /// Sends every later event to `listener`, in order, until the listener is dropped elsewhere: the source
    /// keeps a [`Weak`](std::sync::Weak) reference.
    fn subscribe(&self, listener: &Arc<dyn EventListener>);
}
