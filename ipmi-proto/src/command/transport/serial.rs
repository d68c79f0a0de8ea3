//! Serial and modem channels. A virtual machine's BMC has none; the codecs serve clients.

use crate::command::{
    ChannelField, Empty, GET_PARAMETER_CODES, ParameterChannel, ParameterData, SET_PARAMETER_CODES, commands,
};
use crate::wire::{Bytes, LowBits, code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Writes a parameter of a serial channel.
    SetSerialModemConfiguration =
        "Set Serial/Modem Configuration", TRANSPORT 0x10, ADMINISTRATOR, Refuse, "25.1";
    request SetSerialModemConfigurationRequest {
        /// The channel.
        channel: ChannelField,
        /// Number of the parameter.
        parameter: u8,
        /// The value.
        data: ParameterData,
    }
    response Empty;
    => use SET_PARAMETER_CODES;

    /// Reads a parameter of a serial channel.
    GetSerialModemConfiguration =
        "Get Serial/Modem Configuration", TRANSPORT 0x11, OPERATOR, Refuse, "25.2";
    request GetSerialModemConfigurationRequest {
        /// The channel, and whether only the revision is wanted.
        channel: ParameterChannel,
        /// Number of the parameter.
        parameter: u8,
        /// Which set of the parameter; 0 if it has none.
        set: u8,
        /// Which block of the parameter; 0 if it has none.
        block: u8,
    }
    response SerialModemConfiguration {
        /// Revision of the parameter.
        revision: u8,
        /// The value.
        data: ParameterData,
    }
    => use GET_PARAMETER_CODES;

    /// Connects a serial port with the BMC or with the machine.
    SetSerialModemMux = "Set Serial/Modem Mux", TRANSPORT 0x12, OPERATOR, Refuse, "25.3";
    request SetSerialModemMuxRequest {
        /// The channel.
        channel: ChannelField,
        /// What to do.
        setting: LowBits<MuxSetting, 4>,
    }
    response SerialModemMux {
        /// How the port is connected now.
        status: MuxStatus,
    }

    /// Reads what a paging service has answered.
    GetTapResponseCodes = "Get TAP Response Codes", TRANSPORT 0x13, USER, Refuse, "25.4";
    request GetTapResponseCodesRequest {
        /// The channel.
        channel: ChannelField,
    }
    response TapResponseCodes {
        /// The last five codes of three characters each, the latest first.
        codes: [[u8; 3]; 5],
    }

    /// Tells software on the machine that the BMC uses the serial port.
    SerialModemConnectionActive =
        "Serial/Modem Connection Active", TRANSPORT 0x18, FROM_BMC, Refuse, "25.9";
    request SerialModemConnectionActiveRequest {
        /// State of the session.
        state: LowBits<u8, 4>,
        /// Version of IPMI.
        ipmi_version: u8,
    }
    response Empty;

    /// Connects serial ports of the machine with connectors and with the BMC.
    SetSerialRoutingMux = "Set Serial Routing Mux", TRANSPORT 0x1c, ADMINISTRATOR, Refuse, "25.13";
    request SetSerialRoutingMuxRequest {
        /// Not interpreted: no source for its fields was at hand.
        data: Bytes<32>,
    }
    response SetSerialRoutingMuxResponse {
        /// Not interpreted: no source for its fields was at hand.
        data: Bytes<32>,
    }
}

code_points! {
    /// What [`SetSerialModemMux`] does, 4 bits.
    pub struct MuxSetting(u8) {
        QUERY = 0, "ask only";
        REQUEST_SYSTEM = 1, "request the system";
        REQUEST_BMC = 2, "request the BMC";
        FORCE_SYSTEM = 3, "force the system";
        FORCE_BMC = 4, "force the BMC";
        BLOCK_TO_SYSTEM = 5, "block requests for the system";
        ALLOW_TO_SYSTEM = 6, "allow requests for the system";
        BLOCK_TO_BMC = 7, "block requests for the BMC";
        ALLOW_TO_BMC = 8, "allow requests for the BMC";
    }
}

packed! {
    /// How a serial port is connected.
    pub struct MuxStatus: u8 {
        /// Requests for the system are blocked.
        system_blocked: bool = 7, 7;
        /// Requests for the BMC are blocked.
        bmc_blocked: bool = 6, 6;
        /// An alert is being sent.
        alert: bool = 3, 3;
        /// IPMI messages are being exchanged.
        messaging: bool = 2, 2;
        /// The request was accepted or carried out.
        accepted: bool = 1, 1;
        /// The port is connected with the BMC, not with the system.
        bmc: bool = 0, 0;
    }
}
