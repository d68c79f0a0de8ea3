//! The BMC as a device: global enables, message flags, what software said about its power state
//! (IPMI 2.0 §20.6, §22.1 to §22.8).

use ipmi_proto::command::app::device::{DevicePowerState, SystemPowerState};
use ipmi_proto::command::app::messaging::GlobalEnables;

use crate::backend::{BmcBackend, BootDevices, PowerActions};
use crate::bmc::Reaction;
use ipmi_proto::session::DropReason;

/// What the machine can do. Asked once: it does not change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capabilities {
    /// Power actions.
    pub(crate) power: PowerActions,
    /// Devices that it can boot from.
    pub(crate) boot: BootDevices,
    /// The boot device can be chosen.
    pub(crate) has_boot_control: bool,
    /// The machine tells of its boots.
    pub(crate) has_events: bool,
    /// The BMC carries out the power restore policy.
    pub(crate) restores_power: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            power: PowerActions::empty(),
            boot: BootDevices::empty(),
            has_boot_control: false,
            has_events: false,
            restores_power: false,
        }
    }
}

impl Capabilities {
    /// Those of a machine.
    pub(crate) fn of(backend: &dyn BmcBackend) -> Self {
        let boot = backend.boot();
        Self {
            power: backend.power_actions(),
            boot: boot.map_or(BootDevices::empty(), |boot| boot.devices()),
            has_boot_control: boot.is_some(),
            has_events: backend.events().is_some(),
            restores_power: backend.starts_with_bmc(),
        }
    }

    /// Whether the machine has a diagnostic interrupt.
    pub(crate) const fn has_interrupt(&self) -> bool {
        self.power.contains(PowerActions::DIAGNOSTIC_INTERRUPT)
    }
}

/// Settings of the BMC as a device.
#[derive(Debug)]
pub(crate) struct Device {
    /// Interrupts, event buffer, event logging.
    pub(crate) enables: GlobalEnables,
    /// The watchdog's pre-timeout has come, and software has not taken note.
    pub(crate) pre_timeout_pending: bool,
    /// What software said about the machine.
    pub(crate) system_power: Option<SystemPowerState>,
    /// What software said about the BMC.
    pub(crate) device_power: DevicePowerState,
}

impl Device {
    /// What holds after a start.
    pub(crate) fn new() -> Self {
        Self {
            enables: GlobalEnables {
                event_logging: true,
                ..GlobalEnables::default()
            },
            pre_timeout_pending: false,
            system_power: None,
            device_power: DevicePowerState::D0,
        }
    }

    /// What a restart of the BMC leaves.
    pub(crate) fn restart(&mut self) {
        *self = Self::new();
    }
}

/// Datagrams that came in and went out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Datagrams {
    /// Received.
    pub(crate) received: u16,
    /// Received, and not RMCP.
    pub(crate) malformed: u16,
    /// Answered.
    pub(crate) answered: u16,
}

impl Datagrams {
    /// Counts one more, up to FFFFh.
    pub(crate) fn count(&mut self, reaction: &Reaction) {
        self.received = self.received.saturating_add(1);
        match reaction {
            Reaction::Dropped(DropReason::NotRmcp) => self.malformed = self.malformed.saturating_add(1),
            Reaction::Dropped(_) | Reaction::Taken => {}
            Reaction::Reply { .. } | Reaction::Run(_) => self.answered = self.answered.saturating_add(1),
        }
    }
}
