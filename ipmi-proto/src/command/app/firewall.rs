//! Which commands there are, and which of them are switched off (firmware firewall).

use crate::command::{ChannelField, Empty, commands, message};
use crate::ipmb::NetFn;
use crate::wire::{Bytes, LowBits, code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Tells which network functions have commands.
    GetNetFnSupport = "Get NetFn Support", APP 0x09, USER, Manage, "21.2";
    request GetNetFnSupportRequest {
        /// The channel on which they are asked for.
        channel: ChannelField,
    }
    response NetFnSupport {
        /// Which logical units have commands.
        units: UnitSupport,
        /// For each unit: bit n is set if network functions 2n and 2n + 1 are supported.
        pairs: [[u8; 4]; 4],
    }

    /// Tells which commands of a network function exist.
    GetCommandSupport = "Get Command Support", APP 0x0a, USER, Manage, "21.3";
    request GetCommandSupportRequest {
        /// The commands that are asked for.
        commands: CommandRange,
        /// Whose commands; see [`CommandRange`].
        owner: Bytes<OWNER_CAPACITY>,
    }
    response CommandSupport {
        /// Bit n of the mask is command n of the range. Set: **not** available.
        unavailable: [u8; 16],
    }

    /// Tells which sub-functions of a command exist.
    GetCommandSubFunctionSupport = "Get Command Sub-function Support", APP 0x0b, USER, Refuse, "21.4";
    request GetCommandSubFunctionSupportRequest {
        /// The command that is asked for.
        command: OneCommand,
        /// Whose command; see [`CommandRange`].
        owner: Bytes<OWNER_CAPACITY>,
    }
    response CommandSubFunctionSupport {
        /// Kind of the specification and its errata, or errata of the body that defines the command.
        specification: u8,
        /// Version of the specification.
        version: u8,
        /// Revision of the specification.
        revision: u8,
        /// Bit n is sub-function n.
        mask: [u8; 4],
    }

    /// Tells which commands of a network function can be switched off.
    GetConfigurableCommands = "Get Configurable Commands", APP 0x0c, USER, Manage, "21.5";
    request GetConfigurableCommandsRequest {
        /// The commands that are asked for.
        commands: CommandRange,
        /// Whose commands; see [`CommandRange`].
        owner: Bytes<OWNER_CAPACITY>,
    }
    response ConfigurableCommands {
        /// Bit n of the mask is command n of the range. Set: configurable.
        configurable: [u8; 16],
    }

    /// Tells which sub-functions of a command can be switched off.
    GetConfigurableCommandSubFunctions =
        "Get Configurable Command Sub-functions", APP 0x0d, USER, Refuse, "21.6";
    request GetConfigurableCommandSubFunctionsRequest {
        /// The command that is asked for.
        command: OneCommand,
        /// Whose command; see [`CommandRange`].
        owner: Bytes<OWNER_CAPACITY>,
    }
    response ConfigurableCommandSubFunctions {
        /// Bit n is sub-function n. Set: configurable.
        first: [u8; 4],
        /// Bit n is sub-function 32 + n. Set: configurable.
        second: Option<[u8; 4]>,
    }

    /// Switches commands on and off.
    SetCommandEnables = "Set Command Enables", APP 0x60, ADMINISTRATOR, Refuse, "21.7";
    request SetCommandEnablesRequest {
        /// The commands.
        commands: CommandRange,
        /// Bit n of the mask is command n of the range. Set: enabled.
        enabled: [u8; 16],
        /// Whose commands; see [`CommandRange`].
        owner: Bytes<OWNER_CAPACITY>,
    }
    response Empty;
    => {
        NOT_CONFIGURABLE = 0x80, "a command cannot be switched";
    }

    /// Tells which commands are switched on.
    GetCommandEnables = "Get Command Enables", APP 0x61, USER, Manage, "21.8";
    request GetCommandEnablesRequest {
        /// The commands that are asked for.
        commands: CommandRange,
        /// Whose commands; see [`CommandRange`].
        owner: Bytes<OWNER_CAPACITY>,
    }
    response CommandEnables {
        /// Bit n of the mask is command n of the range. Set: enabled.
        enabled: [u8; 16],
    }

    /// Switches sub-functions of a command on and off.
    SetCommandSubFunctionEnables =
        "Set Command Sub-function Enables", APP 0x62, ADMINISTRATOR, Refuse, "21.9";
    request SetCommandSubFunctionEnablesRequest {
        /// The command.
        command: OneCommand,
        /// Whose command, then 4 or 8 bytes with a bit for each sub-function. Set: enabled.
        owner_and_enabled: Bytes<11>,
    }
    response Empty;

    /// Tells which sub-functions of a command are switched on.
    GetCommandSubFunctionEnables =
        "Get Command Sub-function Enables", APP 0x63, USER, Refuse, "21.10";
    request GetCommandSubFunctionEnablesRequest {
        /// The command that is asked for.
        command: OneCommand,
        /// Whose command; see [`CommandRange`].
        owner: Bytes<OWNER_CAPACITY>,
    }
    response CommandSubFunctionEnables {
        /// Bit n is sub-function n. Set: enabled.
        first: [u8; 4],
        /// Bit n is sub-function 32 + n. Set: enabled.
        second: Option<[u8; 4]>,
    }

    /// Lists the bodies and enterprises that have commands of their own.
    GetOemNetFnIanaSupport = "Get OEM NetFn IANA Support", APP 0x64, USER, Manage, "21.11";
    request GetOemNetFnIanaSupportRequest {
        /// The channel on which the commands are asked for.
        channel: ChannelField,
        /// Network function: 2Ch or 2Eh.
        netfn: LowBits<NetFn, 6>,
        /// Place in the list, from 0.
        index: LowBits<u8, 6>,
    }
    response OemNetFnIanaSupport {
        /// Whether this is the end of the list.
        list: ListEnd,
        /// Which logical units have such commands.
        units: UnitSupport,
        /// The defining body, 1 byte, or the enterprise, 3 bytes.
        owner: Bytes<OWNER_CAPACITY>,
    }
}

/// Bytes that say whose commands are meant.
pub const OWNER_CAPACITY: usize = 3;

packed! {
    /// Whether each logical unit has commands: 0 none, 1 they cannot be restricted, 2 they can.
    pub struct UnitSupport: u8 {
        /// Unit 3.
        unit_3: u8 = 7, 6;
        /// Unit 2.
        unit_2: u8 = 5, 4;
        /// Unit 1.
        unit_1: u8 = 3, 2;
        /// Unit 0.
        unit_0: u8 = 1, 0;
    }
}

code_points! {
    /// Which half of the command numbers, 2 bits.
    pub struct CommandHalf(u8) {
        LOW = 0, "00h to 7Fh";
        HIGH = 1, "80h to FFh";
    }
}

packed! {
    /// Second byte of [`CommandRange`].
    pub struct CommandGroup: u8 {
        /// Which half of the command numbers.
        half: CommandHalf = 7, 6;
        /// Network function.
        netfn: NetFn = 5, 0;
    }
}

message! {
    /// A range of commands. For network function 2Ch the number of the defining body follows it in the
    /// request, for 2Eh the enterprise number, for others nothing.
    pub struct CommandRange {
        /// The channel.
        channel: ChannelField,
        /// Network function and half of the numbers.
        group: CommandGroup,
        /// Logical unit.
        unit: LowBits<u8, 2>,
    }
}

message! {
    /// A command.
    pub struct OneCommand {
        /// The channel.
        channel: ChannelField,
        /// Network function.
        netfn: LowBits<NetFn, 6>,
        /// Logical unit.
        unit: LowBits<u8, 2>,
        /// Number of the command.
        command: u8,
    }
}

packed! {
    /// First byte of [`OemNetFnIanaSupport`].
    pub struct ListEnd: u8 {
        /// This is the last one.
        last: bool = 7, 7;
    }
}
