//! What the chassis can do and how it is: capabilities, power state, restart cause, hours of operation.

use crate::command::{ChannelField, Empty, commands};
use crate::wire::{LowBits, code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Tells what the chassis has and where its devices are.
    GetChassisCapabilities = "Get Chassis Capabilities", CHASSIS 0x00, USER, Manage, "28.1";
    request Empty;
    response ChassisCapabilities {
        /// What the chassis has.
        flags: CapabilityFlags,
        /// Slave address of the FRU device; 0 if it is not specified.
        fru_device: u8,
        /// Slave address of the SDR device.
        sdr_device: u8,
        /// Slave address of the SEL device.
        sel_device: u8,
        /// Slave address of the system management device.
        management_device: u8,
        /// Slave address of the bridge; 20h if absent.
        bridge_device: Option<u8>,
    }

    /// Tells the power state of the machine and what is wrong with it.
    GetChassisStatus = "Get Chassis Status", CHASSIS 0x01, USER, Core, "28.2";
    request Empty;
    response ChassisStatus {
        /// Power now and after a power failure.
        power: PowerStatus,
        /// Why the power changed last.
        last_event: LastPowerEvent,
        /// Identification and faults.
        miscellaneous: MiscellaneousStatus,
        /// Buttons of the front panel.
        front_panel: Option<FrontPanelStatus>,
    }

    /// Tells why the machine started last.
    GetSystemRestartCause = "Get System Restart Cause", CHASSIS 0x07, USER, Manage, "28.11";
    request Empty;
    response SystemRestartCause {
        /// The cause.
        cause: LowBits<RestartCause, 4>,
        /// Channel of the command that caused it.
        channel: ChannelField,
    }

    /// Tells how long the machine has been powered on in its life.
    GetPohCounter = "Get POH Counter", CHASSIS 0x0f, USER, Manage, "28.14";
    request Empty;
    response PohCounter {
        /// Minutes in one count.
        minutes_per_count: u8,
        /// Number of counts.
        count: u32,
    }
}

packed! {
    /// First byte of [`ChassisCapabilities`].
    pub struct CapabilityFlags: u8 {
        /// Has a power interlock.
        power_interlock: bool = 3, 3;
        /// Has a diagnostic interrupt, which is NMI with most machines.
        diagnostic_interrupt: bool = 2, 2;
        /// Has a lockout of the front panel.
        front_panel_lockout: bool = 1, 1;
        /// Has an intrusion sensor.
        intrusion_sensor: bool = 0, 0;
    }
}

code_points! {
    /// What happens when power returns after a failure, 2 bits in [`PowerStatus`], 3 in
    /// [`SetPowerRestorePolicyRequest`](super::configuration::SetPowerRestorePolicyRequest).
    pub struct PowerRestorePolicy(u8) {
        ALWAYS_OFF = 0, "always off";
        PREVIOUS = 1, "previous state";
        ALWAYS_ON = 2, "always on";
        UNKNOWN = 3, "unknown, or no change";
    }
}

packed! {
    /// First byte of [`ChassisStatus`].
    pub struct PowerStatus: u8 {
        /// What happens when power returns after a failure.
        restore_policy: PowerRestorePolicy = 6, 5;
        /// The last attempt to switch power on or off failed.
        control_fault: bool = 4, 4;
        /// Main power has a fault.
        fault: bool = 3, 3;
        /// A power interlock is active.
        interlock: bool = 2, 2;
        /// Shut down by an overload.
        overload: bool = 1, 1;
        /// The machine is on.
        on: bool = 0, 0;
    }
}

packed! {
    /// Second byte of [`ChassisStatus`].
    pub struct LastPowerEvent: u8 {
        /// Switched on by an IPMI command.
        on_by_command: bool = 4, 4;
        /// Switched off by a power fault.
        fault: bool = 3, 3;
        /// Switched off by an interlock.
        interlock: bool = 2, 2;
        /// Switched off by an overload.
        overload: bool = 1, 1;
        /// AC power failed.
        ac_failed: bool = 0, 0;
    }
}

code_points! {
    /// Whether the machine identifies itself, 2 bits.
    pub struct IdentifyState(u8) {
        OFF = 0, "off";
        TIMED = 1, "on for a time";
        INDEFINITE = 2, "on";
    }
}

packed! {
    /// Third byte of [`ChassisStatus`].
    pub struct MiscellaneousStatus: u8 {
        /// The identify state is given.
        identify_supported: bool = 6, 6;
        /// Whether the machine identifies itself.
        identify: IdentifyState = 5, 4;
        /// Cooling has a fault.
        cooling_fault: bool = 3, 3;
        /// A drive has a fault.
        drive_fault: bool = 2, 2;
        /// Power and reset buttons are locked.
        front_panel_lockout: bool = 1, 1;
        /// The chassis has been opened.
        intrusion: bool = 0, 0;
    }
}

packed! {
    /// Fourth byte of [`ChassisStatus`].
    pub struct FrontPanelStatus: u8 {
        /// The standby button can be disabled.
        standby_disable_allowed: bool = 7, 7;
        /// The diagnostic interrupt button can be disabled.
        diagnostic_disable_allowed: bool = 6, 6;
        /// The reset button can be disabled.
        reset_disable_allowed: bool = 5, 5;
        /// The power-off button can be disabled.
        power_off_disable_allowed: bool = 4, 4;
        /// The standby button is disabled.
        standby_disabled: bool = 3, 3;
        /// The diagnostic interrupt button is disabled.
        diagnostic_disabled: bool = 2, 2;
        /// The reset button is disabled.
        reset_disabled: bool = 1, 1;
        /// The power-off button is disabled.
        power_off_disabled: bool = 0, 0;
    }
}

code_points! {
    /// Why a machine started, 4 bits.
    pub struct RestartCause(u8) {
        UNKNOWN = 0x0, "unknown";
        CHASSIS_CONTROL = 0x1, "Chassis Control command";
        RESET_BUTTON = 0x2, "reset button";
        POWER_BUTTON = 0x3, "power button";
        WATCHDOG = 0x4, "watchdog timer";
        OEM = 0x5, "OEM";
        ALWAYS_RESTORE = 0x6, "power returned, policy always on";
        RESTORE_PREVIOUS = 0x7, "power returned, policy previous state";
        PEF_RESET = 0x8, "reset by PEF";
        PEF_CYCLE = 0x9, "power cycle by PEF";
        SOFT_RESET = 0xa, "soft reset";
        RTC = 0xb, "real-time clock";
    }
}
