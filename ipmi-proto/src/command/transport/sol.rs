//! Serial over LAN: configuration, and the notice to software on the machine.

use crate::command::{
    ChannelField, Empty, GET_PARAMETER_CODES, ParameterChannel, ParameterData, SET_PARAMETER_CODES,
    SetInProgress, commands, message, parameters,
};
use crate::ipmb::Privilege;
use crate::wire::{LowBits, code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Tells software on the machine that Serial over LAN takes the serial port.
    SolActivating = "SOL Activating", TRANSPORT 0x20, FROM_BMC, Refuse, "26.1";
    request SolActivatingRequest {
        /// State of the session.
        state: LowBits<u8, 4>,
        /// Instance of the payload.
        instance: LowBits<u8, 4>,
        /// Major version of the format of Serial over LAN.
        version_major: u8,
        /// Minor version of the format of Serial over LAN.
        version_minor: u8,
    }
    response Empty;

    /// Writes a parameter of Serial over LAN.
    SetSolConfigurationParameters =
        "Set SOL Configuration Parameters", TRANSPORT 0x21, ADMINISTRATOR, Console, "26.2";
    request SetSolConfigurationParametersRequest {
        /// The channel.
        channel: ChannelField,
        /// The parameter.
        parameter: SolParameter,
        /// The value; see [`SolValue`].
        data: ParameterData,
    }
    response Empty;
    => use SET_PARAMETER_CODES;

    /// Reads a parameter of Serial over LAN.
    GetSolConfigurationParameters =
        "Get SOL Configuration Parameters", TRANSPORT 0x22, USER, Console, "26.3";
    request GetSolConfigurationParametersRequest {
        /// The channel, and whether only the revision is wanted.
        channel: ParameterChannel,
        /// The parameter.
        parameter: SolParameter,
        /// Which set of the parameter; 0, it has none.
        set: u8,
        /// Which block of the parameter; 0, it has none.
        block: u8,
    }
    response SolConfigurationParameters {
        /// Revision of the parameter: [`PARAMETER_REVISION`](crate::command::PARAMETER_REVISION).
        revision: u8,
        /// The value; see [`SolValue`].
        data: ParameterData,
    }
    => use GET_PARAMETER_CODES;
}

parameters! {
    /// Number of a parameter of Serial over LAN; C0h and above are the manufacturer's.
    pub struct SolParameter;
    /// The parameters of IPMI 2.0 table 26-5.
    pub const SOL_PARAMETERS;
    /// Value of a parameter of Serial over LAN.
    pub enum SolValue;

    /// Whether somebody is changing parameters.
    SET_IN_PROGRESS = 0, "Set In Progress", ReadWrite, 1, SetInProgress(LowBits<SetInProgress, 2>);
    /// Whether Serial over LAN can be activated.
    ENABLE = 1, "SOL Enable", ReadWrite, 1, Enable(LowBits<bool, 1>);
    /// Who may use it and how it must be protected.
    AUTHENTICATION = 2, "SOL Authentication", ReadWrite, 1, Authentication(SolAuthentication);
    /// When collected characters are sent.
    ACCUMULATE = 3, "Character Accumulate Interval and Send Threshold", ReadWrite, 2, Accumulate(SolAccumulate);
    /// How often packets are repeated.
    RETRY = 4, "SOL Retry", ReadWrite, 2, Retry(SolRetry);
    /// Bit rate that is taken at start.
    NON_VOLATILE_BIT_RATE = 5, "SOL Non-volatile Bit Rate", ReadWrite, 1, NonVolatileBitRate(LowBits<BitRate, 4>);
    /// Present bit rate.
    VOLATILE_BIT_RATE = 6, "SOL Volatile Bit Rate", ReadWrite, 1, VolatileBitRate(LowBits<BitRate, 4>);
    /// Channel of the payload.
    PAYLOAD_CHANNEL = 7, "SOL Payload Channel", ReadOnly, 1, PayloadChannel(ChannelField);
    /// UDP port of the payload.
    PAYLOAD_PORT = 8, "SOL Payload Port Number", ReadOnly, 2, PayloadPort(u16);
}

packed! {
    /// Who may use Serial over LAN and how it must be protected.
    pub struct SolAuthentication: u8 {
        /// Payloads must be encrypted where the session can.
        force_encryption: bool = 7, 7;
        /// Payloads must be authenticated where the session can.
        force_authentication: bool = 6, 6;
        /// Least privilege of a session that activates it.
        privilege: Privilege = 3, 0;
    }
}

message! {
    /// When collected characters are sent.
    pub struct SolAccumulate {
        /// Longest time since the first one, in steps of 5 ms; 0 is reserved.
        interval: u8,
        /// Number of characters.
        threshold: u8,
    }
}

message! {
    /// How often packets of Serial over LAN are repeated.
    pub struct SolRetry {
        /// Number of repetitions.
        count: LowBits<u8, 3>,
        /// Time between them, in steps of 10 ms; 0: at once.
        interval: u8,
    }
}

code_points! {
    /// Bit rate of a serial port, 4 bits.
    pub struct BitRate(u8) {
        SERIAL_SETTING = 0x0, "as the serial channel is configured";
        B9600 = 0x6, "9600";
        B19200 = 0x7, "19200";
        B38400 = 0x8, "38400";
        B57600 = 0x9, "57600";
        B115200 = 0xa, "115200";
    }
}
