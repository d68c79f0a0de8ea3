//! What the machine tells.

use alloc::sync::{Arc, Weak};

use super::{Bmc, Inner};
use crate::backend::{BackendEvent, EventListener};

/// Hands the machine's events to its BMC, as long as that lives.
#[derive(Debug)]
pub(super) struct Listener(Weak<Bmc>);

impl Listener {
    /// Subscribes a BMC to the events of its machine.
    pub(super) fn subscribe(bmc: &Arc<Bmc>) {
        let Some(source) = bmc.backend.events() else {
            return;
        };
        let listener: Arc<dyn EventListener> = Arc::new(Self(Arc::downgrade(bmc)));
        source.subscribe(&listener);
        let _ = bmc.listener.set(listener);
    }
}

impl EventListener for Listener {
    fn event(&self, event: BackendEvent) {
        if let Some(bmc) = self.0.upgrade() {
            tracing::debug!(bmc = bmc.name(), ?event, "machine");
            bmc.with(|inner| inner.handle_event(bmc.name(), event));
        }
    }
}

impl Inner {
    fn handle_event(&mut self, name: &str, event: BackendEvent) {
        // The time of the last datagram or timeout, which may be long ago: what counts time waits to be told.
        let now = self.now;
        self.wake_driver();
        self.sol.machine_changed();
        match event {
            BackendEvent::Power(power) => {
                self.state.power_observed(now, power);
                self.alarms.power_changed();
            }
            BackendEvent::Booted => self.state.booted(now),
            BackendEvent::DiagnosticInterrupt => self.state.interrupt_told(now),
            BackendEvent::ActionFailed { reason } => {
                tracing::warn!(bmc = name, reason, "an accepted power action failed");
                self.state.power_action_failed(now);
                self.power.failed();
                self.alarms.power_changed();
            }
            BackendEvent::Connected(connected) => {
                tracing::info!(bmc = name, connected, "connection to the hypervisor");
                if !connected {
                    self.state.power_unknown();
                }
                self.state.connection_told(now, connected);
            }
        }
    }
}
