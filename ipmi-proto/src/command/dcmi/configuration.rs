//! Configuration of DCMI: how the BMC finds its address by DHCP.

use super::capability::DcmiVersion;
use crate::command::{Empty, GET_PARAMETER_CODES, ParameterData, SET_PARAMETER_CODES, commands, parameters};
use crate::wire::{LowBits, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Dcmi;

    /// Writes a configuration parameter of DCMI.
    SetDcmiConfigurationParameters =
        "Set DCMI Configuration Parameters", GROUP_EXTENSION 0x12, ADMINISTRATOR, Dcmi, "6.1.2";
    request SetDcmiConfigurationParametersRequest {
        /// The parameter.
        parameter: DcmiParameter,
        /// Which set of the parameter; 0, it has none.
        set: u8,
        /// The value; see [`DcmiValue`].
        data: ParameterData,
    }
    response Empty;
    => use SET_PARAMETER_CODES;

    /// Reads a configuration parameter of DCMI.
    GetDcmiConfigurationParameters =
        "Get DCMI Configuration Parameters", GROUP_EXTENSION 0x13, USER, Dcmi, "6.1.3";
    request GetDcmiConfigurationParametersRequest {
        /// The parameter.
        parameter: DcmiParameter,
        /// Which set of the parameter; 0, it has none.
        set: u8,
    }
    response DcmiConfigurationParameters {
        /// Version of DCMI and of the data.
        version: DcmiVersion,
        /// The value; see [`DcmiValue`].
        data: ParameterData,
    }
    => use GET_PARAMETER_CODES;
}

parameters! {
    /// Number of a configuration parameter of DCMI.
    pub struct DcmiParameter;
    /// The parameters of DCMI 1.5 table 6-5.
    pub const DCMI_PARAMETERS;
    /// Value of a configuration parameter of DCMI.
    pub enum DcmiValue;

    /// Asks for an address now.
    ACTIVATE_DHCP = 1, "Activate DHCP", WriteOnly, 1, ActivateDhcp(LowBits<bool, 1>);
    /// How the BMC presents itself to DHCP servers.
    DISCOVERY = 2, "Discovery Configuration", ReadWrite, 1, Discovery(DiscoveryConfiguration);
    /// Seconds to wait for the first answer.
    DHCP_TIMING_1 = 3, "DHCP Timing 1", ReadWrite, 1, InitialTimeout(u8);
    /// Seconds after which the server counts as lost.
    DHCP_TIMING_2 = 4, "DHCP Timing 2", ReadWrite, 2, ContactTimeout(u16);
    /// Seconds until the server is tried again.
    DHCP_TIMING_3 = 5, "DHCP Timing 3", ReadWrite, 2, RetryInterval(u16);
}

packed! {
    /// How the BMC presents itself to DHCP servers.
    pub struct DiscoveryConfiguration: u8 {
        /// Waits a random time first.
        random_back_off: bool = 7, 7;
        /// Sends option 60 with option 43.
        option_60: bool = 1, 1;
        /// Sends option 12.
        option_12: bool = 0, 0;
    }
}
