//! What of DCMI a BMC has.

use crate::command::{ParameterData, commands, message, parameters};
use crate::ipmb::ChannelNumber;
use crate::wire::{Counted, List, code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Dcmi;

    /// Tells what of DCMI the BMC has.
    GetDcmiCapabilityInfo = "Get DCMI Capability Info", GROUP_EXTENSION 0x01, USER, Dcmi, "6.1.1";
    request GetDcmiCapabilityInfoRequest {
        /// What is asked for.
        parameter: DcmiCapability,
    }
    response DcmiCapabilityInfo {
        /// Version of DCMI and of the data.
        version: DcmiVersion,
        /// The value; see [`DcmiCapabilityValue`].
        data: ParameterData,
    }
    => {
        PARAMETER_NOT_SUPPORTED = 0x80, "parameter not supported";
    }
}

message! {
    /// Version of DCMI and of a parameter's data.
    pub struct DcmiVersion {
        /// Major version of DCMI.
        major: u8,
        /// Minor version of DCMI.
        minor: u8,
        /// Revision of the parameter's data.
        revision: u8,
    }
}

impl DcmiVersion {
    /// DCMI 1.5.
    pub const V1_5: Self = Self {
        major: 1,
        minor: 5,
        revision: 2,
    };
}

parameters! {
    /// Selector of a capability.
    pub struct DcmiCapability;
    /// The capabilities of DCMI 1.5 table 6-3.
    pub const DCMI_CAPABILITIES;
    /// A capability.
    pub enum DcmiCapabilityValue;

    /// What of DCMI the BMC has.
    SUPPORTED = 1, "Supported DCMI Capabilities", ReadOnly, 3, Supported(SupportedCapabilities);
    /// Event log, identification and temperatures.
    MANDATORY_ATTRIBUTES = 2, "Mandatory Platform Attributes", ReadOnly, 4 to 5, Mandatory(MandatoryAttributes);
    /// The power controller.
    OPTIONAL_ATTRIBUTES = 3, "Optional Platform Attributes", ReadOnly, 2, Optional(PowerController);
    /// Channels.
    ACCESS_ATTRIBUTES = 4, "Manageability Access Attributes", ReadOnly, 3, Access(AccessChannels);
    /// Periods over which power is averaged.
    POWER_STATISTICS = 5, "Enhanced System Power Statistics Attributes", ReadOnly, 1 to 64,
        PowerStatistics(AveragePeriods);
}

message! {
    /// What of DCMI the BMC has.
    #[derive(Default)]
    pub struct SupportedCapabilities {
        /// What DCMI 1.0 asked for; reserved in DCMI 1.5.
        mandatory: MandatoryCapabilities,
        /// What need not be there.
        optional: OptionalCapabilities,
        /// Ways to the BMC.
        access: AccessCapabilities,
    }
}

packed! {
    /// What DCMI 1.0 asked for.
    pub struct MandatoryCapabilities: u8 {
        /// Temperatures.
        temperature: bool = 3, 3;
        /// Chassis power.
        chassis_power: bool = 2, 2;
        /// Event log.
        event_log: bool = 1, 1;
        /// Identification.
        identification: bool = 0, 0;
    }
}

packed! {
    /// What need not be there.
    pub struct OptionalCapabilities: u8 {
        /// Power is measured and limited.
        power_management: bool = 0, 0;
    }
}

packed! {
    /// Ways to the BMC.
    pub struct AccessCapabilities: u8 {
        /// VLAN.
        vlan: bool = 5, 5;
        /// Serial over LAN.
        sol: bool = 4, 4;
        /// Primary LAN channel.
        primary_lan: bool = 3, 3;
        /// Secondary LAN channel.
        secondary_lan: bool = 2, 2;
        /// Serial channel in terminal mode.
        serial: bool = 1, 1;
        /// System interface.
        system_interface: bool = 0, 0;
    }
}

packed! {
    /// The system event log.
    pub struct EventLogAttributes: u16 {
        /// Old records give way to new ones when it is full.
        rollover: bool = 15, 15;
        /// All records go at once then.
        flush_all: bool = 13, 13;
        /// Single records go then.
        flush_record: bool = 12, 12;
        /// Number of records that it holds.
        entries: u16 = 11, 0;
    }
}

packed! {
    /// What identifies the machine.
    pub struct IdentificationAttributes: u8 {
        /// Asset tag.
        asset_tag: bool = 2, 2;
        /// Host name by DHCP.
        dhcp_host_name: bool = 1, 1;
        /// GUID.
        guid: bool = 0, 0;
    }
}

packed! {
    /// Which temperatures are measured.
    pub struct TemperatureAttributes: u8 {
        /// Of boards.
        baseboard: bool = 2, 2;
        /// Of processors.
        processors: bool = 1, 1;
        /// Of the air at the inlet.
        inlet: bool = 0, 0;
    }
}

message! {
    /// Event log, identification and temperatures.
    #[derive(Default)]
    pub struct MandatoryAttributes {
        /// The system event log.
        event_log: EventLogAttributes,
        /// What identifies the machine.
        identification: IdentificationAttributes,
        /// Which temperatures are measured.
        temperature: TemperatureAttributes,
        /// Time between measurements of temperatures; not in DCMI 1.0.
        sampling_period: Option<u8>,
    }
}

packed! {
    /// Channel and revision of the power controller.
    pub struct PowerControllerLocation: u8 {
        /// Its channel.
        channel: ChannelNumber = 7, 4;
        /// Its revision.
        revision: u8 = 3, 0;
    }
}

message! {
    /// The power controller.
    pub struct PowerController {
        /// Slave address, 20h if it is the BMC.
        address: u8,
        /// Channel and revision.
        location: PowerControllerLocation,
    }
}

/// There is no such channel.
pub const NO_CHANNEL: u8 = 0xff;

message! {
    /// Channels on which DCMI is spoken; [`NO_CHANNEL`]: there is none.
    pub struct AccessChannels {
        /// Primary LAN channel.
        primary_lan: u8,
        /// Secondary LAN channel.
        secondary_lan: u8,
        /// Serial channel.
        serial: u8,
    }
}

code_points! {
    /// Unit of a period, 2 bits.
    pub struct PeriodUnit(u8) {
        SECONDS = 0, "seconds";
        MINUTES = 1, "minutes";
        HOURS = 2, "hours";
        DAYS = 3, "days";
    }
}

packed! {
    /// A period over which power is averaged.
    pub struct AveragePeriod: u8 {
        /// Unit.
        unit: PeriodUnit = 7, 6;
        /// Number of units; 0: the present value.
        duration: u8 = 5, 0;
    }
}

message! {
    /// Periods over which power is averaged.
    #[derive(Default)]
    pub struct AveragePeriods {
        /// The periods.
        periods: Counted<List<AveragePeriod, 63>>,
    }
}
