//! System information: names and versions of the software on the machine.

use crate::command::{
    Empty, GET_PARAMETER_CODES, ParameterData, ParameterRevisionOnly, SET_PARAMETER_CODES, SetInProgress,
    commands, message, parameters,
};
use crate::wire::{Bytes, LowBits, code_points};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Writes a system information parameter.
    SetSystemInfoParameters = "Set System Info Parameters", APP 0x58, ADMINISTRATOR, Manage, "22.14a";
    request SetSystemInfoParametersRequest {
        /// The parameter.
        parameter: SystemInfoParameter,
        /// The value; see [`SystemInfoValue`].
        data: ParameterData,
    }
    response Empty;
    => use SET_PARAMETER_CODES;

    /// Reads a system information parameter.
    GetSystemInfoParameters = "Get System Info Parameters", APP 0x59, USER, Manage, "22.14b";
    request GetSystemInfoParametersRequest {
        /// Whether only the revision is wanted.
        options: ParameterRevisionOnly,
        /// The parameter.
        parameter: SystemInfoParameter,
        /// Which set of the parameter: a text's piece, from 0.
        set: u8,
        /// Which block of the parameter; 0.
        block: u8,
    }
    response SystemInfoParameters {
        /// Revision of the parameter: [`PARAMETER_REVISION`](crate::command::PARAMETER_REVISION).
        revision: u8,
        /// The value; see [`SystemInfoValue`].
        data: ParameterData,
    }
    => use GET_PARAMETER_CODES;
}

/// Bytes of a piece of text after its number.
pub const TEXT_PIECE: usize = 16;

parameters! {
    /// Number of a system information parameter; C0h and above are the manufacturer's.
    pub struct SystemInfoParameter;
    /// The parameters of IPMI 2.0 table 22-16c.
    pub const SYSTEM_INFO_PARAMETERS;
    /// Value of a system information parameter.
    pub enum SystemInfoValue;

    /// Whether somebody is changing parameters.
    SET_IN_PROGRESS = 0, "Set In Progress", ReadWrite, 1, SetInProgress(LowBits<SetInProgress, 2>);
    /// Version of the machine's firmware.
    FIRMWARE_VERSION = 1, "System Firmware Version", ReadWrite, 1 to 17, FirmwareVersion(TextPiece);
    /// Name of the machine.
    SYSTEM_NAME = 2, "System Name", ReadWrite, 1 to 17, SystemName(TextPiece);
    /// Name of the operating system that is usually run.
    PRIMARY_OPERATING_SYSTEM = 3, "Primary Operating System Name", ReadWrite, 1 to 17,
        PrimaryOperatingSystem(TextPiece);
    /// Name of the operating system that is running.
    OPERATING_SYSTEM = 4, "Operating System Name", ReadWrite, 1 to 17, OperatingSystem(TextPiece);
    /// Version of the operating system that is running.
    OPERATING_SYSTEM_VERSION = 5, "Present OS Version Number", ReadWrite, 1 to 17,
        OperatingSystemVersion(TextPiece);
    /// Address of the BMC's web pages.
    BMC_URL = 6, "BMC URL", ReadWrite, 1 to 17, BmcUrl(TextPiece);
    /// Address of the hypervisor's web pages.
    HYPERVISOR_URL = 7, "Base OS/Hypervisor URL", ReadWrite, 1 to 17, HypervisorUrl(TextPiece);
}

message! {
    /// A piece of a text.
    pub struct TextPiece {
        /// Number of the piece, from 0. Piece 0 begins with a [`TextHeader`].
        set: u8,
        /// The piece; the last one can be shorter.
        data: Bytes<TEXT_PIECE>,
    }
}

code_points! {
    /// Encoding of a text, 4 bits.
    pub struct TextEncoding(u8) {
        LATIN_1 = 0, "ASCII and Latin-1";
        UTF_8 = 1, "UTF-8";
        UCS_2 = 2, "UCS-2";
    }
}

message! {
    /// What stands before the text in its first piece.
    pub struct TextHeader {
        /// The encoding.
        encoding: LowBits<TextEncoding, 4>,
        /// Bytes of the whole text.
        length: u8,
    }
}
