//! Switching and finding the machine: power, reset, identify.

use core::time::Duration;

use crate::command::{Empty, commands};
use crate::wire::{LowBits, code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Switches the machine on or off, resets it, interrupts it.
    ChassisControl = "Chassis Control", CHASSIS 0x02, OPERATOR, Core, "28.3";
    request ChassisControlRequest {
        /// What to do.
        action: LowBits<ControlAction, 4>,
    }
    response Empty;

    /// Resets the machine as IPMI 0.9 did; superseded by Chassis Control.
    ChassisReset = "Chassis Reset", CHASSIS 0x03, OPERATOR, Refuse, "28.4";
    request Empty;
    response Empty;

    /// Makes the machine show which one it is.
    ChassisIdentify = "Chassis Identify", CHASSIS 0x04, OPERATOR, Manage, "28.5";
    request ChassisIdentifyRequest {
        /// How long, in seconds; 0 is off. Absent: [`DEFAULT_IDENTIFY_INTERVAL`].
        interval: Option<u8>,
        /// Whether the interval does not count.
        force: Option<IdentifyForce>,
    }
    response Empty;
}

/// How long a machine identifies itself if the request does not say.
pub const DEFAULT_IDENTIFY_INTERVAL: Duration = Duration::from_secs(15);

code_points! {
    /// What [`ChassisControl`] does, 4 bits.
    pub struct ControlAction(u8) {
        POWER_DOWN = 0, "power down";
        POWER_UP = 1, "power up";
        POWER_CYCLE = 2, "power cycle";
        HARD_RESET = 3, "hard reset";
        DIAGNOSTIC_INTERRUPT = 4, "diagnostic interrupt";
        SOFT_SHUTDOWN = 5, "soft shutdown";
    }
}

packed! {
    /// Second byte of [`ChassisIdentifyRequest`].
    pub struct IdentifyForce: u8 {
        /// The machine identifies itself until told otherwise.
        indefinite: bool = 0, 0;
    }
}
