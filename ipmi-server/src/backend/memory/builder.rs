//! Describing a machine in memory.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use super::machine::{Action, MemoryMachine};
use crate::backend::{
    BootDevice, BootDevices, BootMode, MachineIdentity, PowerActions, PowerState, SensorDescription,
};
use crate::state::identity::derive_uuid;

/// How long the machine takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PowerDelays {
    /// From off to on.
    pub on: Duration,
    /// From on to off.
    pub off: Duration,
    /// From a reset to the boot.
    pub reset: Duration,
    /// For the operating system to shut down.
    pub soft_off: Duration,
}

impl PowerDelays {
    /// Nothing takes time.
    pub const NONE: Self = Self {
        on: Duration::ZERO,
        off: Duration::ZERO,
        reset: Duration::ZERO,
        soft_off: Duration::ZERO,
    };

    /// As a small virtual machine would.
    pub const REALISTIC: Self = Self {
        on: Duration::from_millis(400),
        off: Duration::from_millis(200),
        reset: Duration::from_millis(150),
        soft_off: Duration::from_secs(2),
    };
}

/// Is called for every action that reached a machine, with the machine's name.
pub(super) type ActionListener = Box<dyn Fn(&str, &Action) + Send + Sync>;

/// What does not change while the machine exists.
pub(super) struct Config {
    pub(super) identity: MachineIdentity,
    pub(super) power_actions: PowerActions,
    pub(super) boot_devices: BootDevices,
    pub(super) boot_mode: BootMode,
    pub(super) first_device: BootDevice,
    pub(super) delays: PowerDelays,
    pub(super) has_console: bool,
    pub(super) has_sensors: bool,
    /// Sensors besides its own, with their values while the machine is on.
    pub(super) more_sensors: Vec<(SensorDescription, f64)>,
    pub(super) has_events: bool,
    pub(super) starts_with_bmc: bool,
    pub(super) on_action: Option<ActionListener>,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Describes a machine in memory. Without further calls: off, no delays, everything a machine can have,
/// booting from its disk.
#[derive(Debug)]
#[must_use]
pub struct MemoryMachineBuilder {
    config: Config,
    power: PowerState,
}

impl MemoryMachineBuilder {
    pub(super) fn new(name: String) -> Self {
        let identity = MachineIdentity {
            uuid: derive_uuid("machine in memory", name.as_bytes()),
            serial: format!("SIM-{name}"),
            name,
            manufacturer: "ipmi-server".to_owned(),
            product: "Simulated Machine".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let config = Config {
            identity,
            power_actions: PowerActions::all(),
            boot_devices: BootDevices::all(),
            boot_mode: BootMode::Efi,
            first_device: BootDevice::Disk,
            delays: PowerDelays::NONE,
            has_console: true,
            has_sensors: true,
            more_sensors: Vec::new(),
            has_events: true,
            starts_with_bmc: true,
            on_action: None,
        };
        Self {
            config,
            power: PowerState::Off,
        }
    }

    /// Identity, instead of one that follows from the name.
    pub fn identity(mut self, identity: MachineIdentity) -> Self {
        self.config.identity = identity;
        self
    }

    /// SMBIOS UUID in RFC 4122 order.
    pub const fn uuid(mut self, uuid: [u8; 16]) -> Self {
        self.config.identity.uuid = uuid;
        self
    }

    /// Power state at first.
    pub const fn power(mut self, power: PowerState) -> Self {
        self.power = power;
        self
    }

    /// The power actions that the machine can do; on and off are always among them.
    pub fn power_actions(mut self, actions: PowerActions) -> Self {
        self.config.power_actions = actions | PowerActions::ON | PowerActions::OFF;
        self
    }

    /// The devices that the machine can boot from. None: the boot device cannot be chosen.
    pub const fn boot_devices(mut self, devices: BootDevices) -> Self {
        self.config.boot_devices = devices;
        self
    }

    /// What the machine boots from without an override.
    pub const fn boots_from(mut self, device: BootDevice) -> Self {
        self.config.first_device = device;
        self
    }

    /// How long power actions take.
    pub const fn delays(mut self, delays: PowerDelays) -> Self {
        self.config.delays = delays;
        self
    }

    /// The machine has no serial console.
    pub const fn without_console(mut self) -> Self {
        self.config.has_console = false;
        self
    }

    /// The machine has no sensors.
    pub const fn without_sensors(mut self) -> Self {
        self.config.has_sensors = false;
        self
    }

    /// Adds a sensor that shows `value` while the machine is on, or what
    /// [`set_sensor`](MemoryMachine::set_sensor) says. The numbers 1 to 15 are those of the machine's own sensors.
    pub fn sensor(mut self, description: SensorDescription, value: f64) -> Self {
        self.config.more_sensors.push((description, value));
        self
    }

    /// The machine does not tell of its changes.
    pub const fn without_events(mut self) -> Self {
        self.config.has_events = false;
        self
    }

    /// The machine is started by something else than its BMC, as one at a hypervisor is: see
    /// [`BmcBackend::starts_with_bmc`](crate::backend::BmcBackend::starts_with_bmc).
    pub const fn starts_by_itself(mut self) -> Self {
        self.config.starts_with_bmc = false;
        self
    }

    /// Calls `listener` with the machine's name for every action that reached the machine, in order. It must
    /// not call the machine.
    pub fn on_action(mut self, listener: impl Fn(&str, &Action) + Send + Sync + 'static) -> Self {
        self.config.on_action = Some(Box::new(listener));
        self
    }

    /// Makes the machine.
    #[must_use]
    pub fn build(self) -> Arc<MemoryMachine> {
        MemoryMachine::new(self.config, self.power)
    }
}
