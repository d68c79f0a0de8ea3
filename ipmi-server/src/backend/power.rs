//! Power states and power actions.

use bitflags::bitflags;

/// Power state of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PowerState {
    /// Runs, or is blocked or crashed but still there.
    On,
    /// Stopped in the middle of running; it goes on from there.
    Paused,
    /// Suspended to memory by its own operating system (ACPI S3).
    Suspended,
    /// Not running.
    Off,
}

impl PowerState {
    /// Whether IPMI calls the machine powered on.
    #[must_use]
    pub const fn is_on(self) -> bool {
        !matches!(self, Self::Off)
    }
}

/// Something that is done to a machine's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PowerAction {
    /// Start, or go on from paused or suspended.
    On,
    /// Stop at once, without asking the operating system.
    Off,
    /// Hard reset: the processor starts anew, the power stays.
    Reset,
    /// Ask the operating system to shut down (ACPI power button). The machine may ignore it.
    SoftOff,
    /// Diagnostic interrupt (NMI).
    DiagnosticInterrupt,
}

bitflags! {
    /// A set of power actions.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct PowerActions: u8 {
        /// [`PowerAction::On`].
        const ON = 1 << 0;
        /// [`PowerAction::Off`].
        const OFF = 1 << 1;
        /// [`PowerAction::Reset`].
        const RESET = 1 << 2;
        /// [`PowerAction::SoftOff`].
        const SOFT_OFF = 1 << 3;
        /// [`PowerAction::DiagnosticInterrupt`].
        const DIAGNOSTIC_INTERRUPT = 1 << 4;
    }
}

impl From<PowerAction> for PowerActions {
    fn from(action: PowerAction) -> Self {
        match action {
            PowerAction::On => Self::ON,
            PowerAction::Off => Self::OFF,
            PowerAction::Reset => Self::RESET,
            PowerAction::SoftOff => Self::SOFT_OFF,
            PowerAction::DiagnosticInterrupt => Self::DIAGNOSTIC_INTERRUPT,
        }
    }
}
