//! The BMC as a device: identity, resets, self test.

use crate::command::{Empty, Guid, commands};
use crate::wire::{Bytes, LowBits, U24, code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Says what the BMC is and which logical devices it has.
    GetDeviceId = "Get Device ID", APP 0x01, USER, Core, "20.1";
    request Empty;
    response DeviceId {
        /// Device ID; the manufacturer's own.
        device_id: u8,
        /// Device revision and whether the BMC has device SDRs.
        revision: DeviceRevision,
        /// Major firmware revision and availability.
        firmware_major: FirmwareMajor,
        /// Minor firmware revision, BCD.
        firmware_minor: u8,
        /// Version of IPMI, BCD with the low digit first: 02h is 2.0.
        ipmi_version: u8,
        /// Logical devices that the BMC offers.
        support: DeviceSupport,
        /// IANA enterprise number of the manufacturer, 20 bits.
        manufacturer: U24,
        /// The manufacturer's product number.
        product: u16,
        /// Auxiliary firmware revision.
        auxiliary: Option<[u8; 4]>,
    }

    /// Restarts the BMC with its defaults. The machine is not touched.
    ColdReset = "Cold Reset", APP 0x02, ADMINISTRATOR, Manage, "20.2";
    request Empty;
    response Empty;

    /// Restarts the BMC and keeps what it has in use. The machine is not touched.
    WarmReset = "Warm Reset", APP 0x03, ADMINISTRATOR, Manage, "20.3";
    request Empty;
    response Empty;

    /// Tells what the BMC found when it tested itself.
    GetSelfTestResults = "Get Self Test Results", APP 0x04, USER, Manage, "20.4";
    request Empty;
    response SelfTestResults {
        /// The verdict.
        result: SelfTestResult,
        /// What is wrong: [`SelfTestFaults`] for [`SelfTestResult::CORRUPTED`], the manufacturer's own
        /// number for a fatal error, else 0.
        detail: u8,
    }

    /// Puts the device in a mode for its manufacturer.
    ManufacturingTestOn = "Manufacturing Test On", APP 0x05, ADMINISTRATOR, Refuse, "20.5";
    request ManufacturingTestOnRequest {
        /// The manufacturer's own data.
        data: Bytes<64>,
    }
    response Empty;

    /// Records the power state that system software says it is in.
    SetAcpiPowerState = "Set ACPI Power State", APP 0x06, ADMINISTRATOR, Manage, "20.6";
    request SetAcpiPowerStateRequest {
        /// The machine's state.
        system: SetSystemPowerState,
        /// The BMC's state.
        device: SetDevicePowerState,
    }
    response Empty;

    /// Reads the power states of the machine and of the BMC.
    GetAcpiPowerState = "Get ACPI Power State", APP 0x07, USER, Manage, "20.7";
    request Empty;
    response AcpiPowerState {
        /// The machine's state.
        system: LowBits<SystemPowerState, 7>,
        /// The BMC's state.
        device: LowBits<DevicePowerState, 7>,
    }

    /// Identifies the BMC itself.
    GetDeviceGuid = "Get Device GUID", APP 0x08, USER, Manage, "20.8";
    request Empty;
    response Guid;
}

packed! {
    /// Device revision byte of [`DeviceId`].
    pub struct DeviceRevision: u8 {
        /// The BMC provides device SDRs.
        provides_sdrs: bool = 7, 7;
        /// Device revision, binary.
        revision: u8 = 3, 0;
    }
}

packed! {
    /// Firmware revision byte of [`DeviceId`].
    pub struct FirmwareMajor: u8 {
        /// The device is being updated or initialised.
        updating: bool = 7, 7;
        /// Major revision, binary.
        major: u8 = 6, 0;
    }
}

packed! {
    /// Logical devices of [`DeviceId`].
    pub struct DeviceSupport: u8 {
        /// Chassis device.
        chassis: bool = 7, 7;
        /// Bridge.
        bridge: bool = 6, 6;
        /// Generates events onto the IPMB.
        event_generator: bool = 5, 5;
        /// Receives events from the IPMB.
        event_receiver: bool = 4, 4;
        /// FRU inventory device.
        fru_inventory: bool = 3, 3;
        /// System event log.
        sel: bool = 2, 2;
        /// SDR repository.
        sdr_repository: bool = 1, 1;
        /// Sensors.
        sensor: bool = 0, 0;
    }
}

code_points! {
    /// Verdict of the self test.
    pub struct SelfTestResult(u8) {
        NO_ERROR = 0x55, "no error";
        NOT_IMPLEMENTED = 0x56, "self test not implemented";
        CORRUPTED = 0x57, "corrupted or inaccessible data or devices";
        FATAL = 0x58, "fatal hardware error";
    }
}

packed! {
    /// Detail of [`SelfTestResult::CORRUPTED`].
    pub struct SelfTestFaults: u8 {
        /// The system event log cannot be accessed.
        sel: bool = 7, 7;
        /// The SDR repository cannot be accessed.
        sdr_repository: bool = 6, 6;
        /// The BMC's FRU device cannot be accessed.
        fru: bool = 5, 5;
        /// The signal lines of the IPMB do not respond.
        ipmb: bool = 4, 4;
        /// The SDR repository is empty.
        sdr_repository_empty: bool = 3, 3;
        /// The internal use area of the BMC's FRU is corrupt.
        fru_internal_area: bool = 2, 2;
        /// The boot block's firmware is corrupt.
        boot_block: bool = 1, 1;
        /// The operational firmware is corrupt.
        firmware: bool = 0, 0;
    }
}

code_points! {
    /// Power state of a machine, 7 bits.
    pub struct SystemPowerState(u8) {
        S0_G0 = 0x00, "S0/G0 working";
        S1 = 0x01, "S1";
        S2 = 0x02, "S2";
        S3 = 0x03, "S3 suspend to RAM";
        S4 = 0x04, "S4 suspend to disk";
        S5_G2 = 0x05, "S5/G2 soft off";
        S4_S5 = 0x06, "S4/S5 soft off";
        G3 = 0x07, "G3 mechanical off";
        SLEEPING = 0x08, "sleeping, S1 to S3";
        G1 = 0x09, "G1 sleeping, S1 to S4";
        OVERRIDE = 0x0a, "S5 by override";
        LEGACY_ON = 0x20, "legacy on";
        LEGACY_OFF = 0x21, "legacy off";
        UNKNOWN = 0x2a, "unknown";
        NO_CHANGE = 0x7f, "no change";
    }
}

code_points! {
    /// Power state of a device, 7 bits.
    pub struct DevicePowerState(u8) {
        D0 = 0x00, "D0";
        D1 = 0x01, "D1";
        D2 = 0x02, "D2";
        D3 = 0x03, "D3";
        UNKNOWN = 0x2a, "unknown";
        NO_CHANGE = 0x7f, "no change";
    }
}

packed! {
    /// First byte of [`SetAcpiPowerStateRequest`].
    pub struct SetSystemPowerState: u8 {
        /// The state is to be recorded.
        change: bool = 7, 7;
        /// The state.
        state: SystemPowerState = 6, 0;
    }
}

packed! {
    /// Second byte of [`SetAcpiPowerStateRequest`].
    pub struct SetDevicePowerState: u8 {
        /// The state is to be recorded.
        change: bool = 7, 7;
        /// The state.
        state: DevicePowerState = 6, 0;
    }
}
