//! What a BMC needs from the machine that it manages.
//!
//! A small required core ([`BmcBackend`]) and optional capabilities, each a trait of its own reached by an
//! accessor. An accessor that answers `None` is the declaration that the machine lacks the capability; the
//! BMC then refuses the commands that need it, and leaves out the records that would promise it.
//!
//! The types are those of machines, not of IPMI: the same backend could stand behind another protocol.
//!
//! # Contract of every method
//! - **Truth.** What is not known is an error, never a default. A backend that cannot reach its hypervisor
//!   answers [`BackendErrorKind::Unavailable`].
//! - **Accepted.** A call that changes something returns when the hypervisor has accepted the change, not
//!   when the machine has finished it. A call that returned is visible to every later call.
//! - **Idempotent.** Asking for the state that is already there succeeds and does nothing.
//! - **Cancellation.** The BMC may drop a future at any await point, when its deadline has passed. The
//!   change has then happened or not; the backend stays usable.
//! - **Concurrency.** Calls may overlap; the BMC itself sends at most one power action at a time.

mod boot;
mod console;
mod error;
mod event;
mod inventory;
#[cfg(feature = "memory")]
pub mod memory;
mod power;
mod sensor;
mod without;

use core::fmt;

use async_trait::async_trait;

pub use boot::{BootControl, BootDevice, BootDevices, BootMode, BootOverride, BootPersistence};
pub use console::{ConsoleEvent, ConsoleStream, SerialConsole};
pub use error::{BackendError, BackendErrorKind};
pub use event::{BackendEvent, EventListener, EventSource};
pub use inventory::{Inventory, MachineIdentity};
pub use power::{PowerAction, PowerActions, PowerState};
pub use sensor::{
    SensorDescription, SensorKind, SensorPlace, SensorReading, SensorSource, SensorThresholds, SensorValue,
};

/// A machine as a BMC sees it.
#[async_trait]
pub trait BmcBackend: fmt::Debug + Send + Sync + 'static {
    /// The power state, if it is known now and fresh, without waiting.
    ///
    /// Must answer at once and must not block: it runs while a datagram is being answered, under the BMC's
    /// lock. It must not call an [`EventListener`], nor need a lock that is held while one is called. `None` makes the
    /// BMC ask [`power_state`](Self::power_state).
    fn known_power_state(&self) -> Option<PowerState>;

    /// The power state, asked of the hypervisor if need be.
    ///
    /// # Errors
    /// [`BackendError`] if it cannot be known; never a guess.
    async fn power_state(&self) -> Result<PowerState, BackendError>;

    /// Which actions [`power`](Self::power) can do. On and off are always among them.
    fn power_actions(&self) -> PowerActions;

    /// Starts a power action; returns when the hypervisor has accepted it.
    ///
    /// The state that the action leads to may come later; until then
    /// [`known_power_state`](Self::known_power_state) gives the state as it is, or `None`.
    ///
    /// # Errors
    /// [`BackendErrorKind::Unsupported`] for an action that is not in [`power_actions`](Self::power_actions),
    /// [`BackendErrorKind::InvalidState`] where the present state forbids it,
    /// [`BackendErrorKind::Busy`] while the machine is locked by something else.
    async fn power(&self, action: PowerAction) -> Result<(), BackendError>;

    /// Choosing the boot device.
    fn boot(&self) -> Option<&dyn BootControl>;

    /// The serial console.
    fn console(&self) -> Option<&dyn SerialConsole>;

    /// Measured values and states.
    fn sensors(&self) -> Option<&dyn SensorSource>;

    /// Identity: UUID, name, product.
    fn inventory(&self) -> Option<&dyn Inventory>;

    /// Changes that the machine makes by itself or that others make to it.
    fn events(&self) -> Option<&dyn EventSource>;

    /// Whether the machine loses its power with the BMC and stands there switched off when the BMC starts, as a
    /// server does after a power failure. Then the BMC has a power restore policy, which it carries out when it starts.
    /// A machine without [`events`](Self::events) cannot tell the BMC what its previous state was: it counts as off.
    ///
    /// A machine that a hypervisor runs and starts by itself is not like that: without this method the BMC records the
    /// policy and leaves the power alone.
    fn starts_with_bmc(&self) -> bool {
        false
    }
}
