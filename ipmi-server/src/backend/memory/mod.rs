//! The reference machine: a computer that exists in memory alone.
//!
//! For tests, demonstrations, and as the model of a backend: it keeps the contract of
//! [`BmcBackend`] to the letter. Power actions take effect after a delay, the boot order and its override are
//! honoured, there is a serial console that echoes, and everything can be told to be slow or to fail.
//!
//! ```
//! use ipmi_server::backend::memory::MemoryMachine;
//!
//! let machine = MemoryMachine::builder("node1")
//!     .on_action(|machine, action| println!("{machine} {action}"))
//!     .build();
//! assert_eq!(machine.name(), "node1");
//! ```

mod builder;
mod console;
mod machine;
mod script;
mod sensors;

pub use builder::{MemoryMachineBuilder, PowerDelays};
pub use machine::{Action, MemoryMachine};
pub use script::Operation;

use async_trait::async_trait;

use super::{
    BackendError, BackendErrorKind, BmcBackend, BootControl, BootDevices, BootMode, BootOverride,
    EventListener, EventSource, Inventory, MachineIdentity, PowerAction, PowerActions, PowerState,
    SensorSource, SerialConsole,
};
use std::sync::Arc;

#[async_trait]
impl BmcBackend for MemoryMachine {
    fn known_power_state(&self) -> Option<PowerState> {
        self.script().tells_power_state().then(|| self.present_power())
    }

    async fn power_state(&self) -> Result<PowerState, BackendError> {
        self.script().step(Operation::PowerState).await?;
        Ok(self.present_power())
    }

    fn power_actions(&self) -> PowerActions {
        self.config().power_actions
    }

    async fn power(&self, action: PowerAction) -> Result<(), BackendError> {
        if !self.config().power_actions.contains(action.into()) {
            return Err(BackendError::new(
                BackendErrorKind::Unsupported,
                operation(action),
            ));
        }
        self.script().step(Operation::Power(action)).await?;
        self.act(action)
    }

    fn boot(&self) -> Option<&dyn BootControl> {
        (!self.config().boot_devices.is_empty()).then_some(self)
    }

    fn console(&self) -> Option<&dyn SerialConsole> {
        self.config().has_console.then_some(self)
    }

    fn sensors(&self) -> Option<&dyn SensorSource> {
        self.config().has_sensors.then_some(self)
    }

    fn inventory(&self) -> Option<&dyn Inventory> {
        Some(self)
    }

    fn events(&self) -> Option<&dyn EventSource> {
        self.config().has_events.then_some(self)
    }

    fn starts_with_bmc(&self) -> bool {
        self.config().starts_with_bmc
    }
}

/// What is being done, for error messages.
const fn operation(action: PowerAction) -> &'static str {
    match action {
        PowerAction::On => "start the simulated machine",
        PowerAction::Off => "stop the simulated machine",
        PowerAction::Reset => "reset the simulated machine",
        PowerAction::SoftOff => "shut the simulated machine down",
        PowerAction::DiagnosticInterrupt => "interrupt the simulated machine",
    }
}

#[async_trait]
impl BootControl for MemoryMachine {
    fn devices(&self) -> BootDevices {
        self.config().boot_devices
    }

    fn mode(&self) -> Option<BootMode> {
        Some(self.config().boot_mode)
    }

    async fn set_override(&self, boot: Option<BootOverride>) -> Result<(), BackendError> {
        const OPERATION: &str = "choose the boot device of the simulated machine";
        if boot.is_some_and(|boot| !self.devices().contains(boot.device.into())) {
            return Err(BackendError::new(BackendErrorKind::Unsupported, OPERATION));
        }
        self.script().step(Operation::Boot).await?;
        self.override_boot(boot);
        Ok(())
    }
}

impl Inventory for MemoryMachine {
    fn identity(&self) -> MachineIdentity {
        self.config().identity.clone()
    }
}

impl EventSource for MemoryMachine {
    fn subscribe(&self, listener: &Arc<dyn EventListener>) {
        self.add_listener(Arc::downgrade(listener));
    }
}
