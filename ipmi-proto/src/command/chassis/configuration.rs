//! Settings of the chassis: device addresses, buttons, power policies.

use super::status::PowerRestorePolicy;
use crate::command::{Empty, commands};
use crate::wire::{LowBits, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Sets flags and device addresses of the chassis.
    SetChassisCapabilities = "Set Chassis Capabilities", CHASSIS 0x05, ADMINISTRATOR, Manage, "28.7";
    request SetChassisCapabilitiesRequest {
        /// What the chassis has.
        flags: SettableCapabilities,
        /// Slave address of the FRU device.
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
    response Empty;

    /// Says what happens when power returns after a failure.
    SetPowerRestorePolicy = "Set Power Restore Policy", CHASSIS 0x06, OPERATOR, Manage, "28.8";
    request SetPowerRestorePolicyRequest {
        /// The policy; [`PowerRestorePolicy::UNKNOWN`] asks only which ones there are.
        policy: LowBits<PowerRestorePolicy, 3>,
    }
    response SetPowerRestorePolicyResponse {
        /// The policies that there are.
        supported: RestorePolicies,
    }

    /// Disables buttons of the front panel.
    SetFrontPanelButtonEnables =
        "Set Front Panel Button Enables", CHASSIS 0x0a, ADMINISTRATOR, Manage, "28.6";
    request SetFrontPanelButtonEnablesRequest {
        /// The buttons that are disabled.
        disabled: DisabledButtons,
    }
    response Empty;

    /// Says how long the machine is off during a power cycle.
    SetPowerCycleInterval = "Set Power Cycle Interval", CHASSIS 0x0b, ADMINISTRATOR, Manage, "28.9";
    request SetPowerCycleIntervalRequest {
        /// Seconds; 0 is no delay.
        seconds: u8,
    }
    response Empty;
}

packed! {
    /// First byte of [`SetChassisCapabilitiesRequest`].
    pub struct SettableCapabilities: u8 {
        /// Has a lockout of the front panel.
        front_panel_lockout: bool = 1, 1;
        /// Has an intrusion sensor.
        intrusion_sensor: bool = 0, 0;
    }
}

packed! {
    /// The policies that a machine has.
    pub struct RestorePolicies: u8 {
        /// Always on.
        always_on: bool = 2, 2;
        /// As before the failure.
        previous: bool = 1, 1;
        /// Stays off.
        always_off: bool = 0, 0;
    }
}

packed! {
    /// Buttons of the front panel that do nothing when pressed.
    pub struct DisabledButtons: u8 {
        /// Standby.
        standby: bool = 3, 3;
        /// Diagnostic interrupt.
        diagnostic: bool = 2, 2;
        /// Reset.
        reset: bool = 1, 1;
        /// Power off.
        power_off: bool = 0, 0;
    }
}
