//! Forwarding commands to another controller. A virtual machine's BMC has none: no source for the fields of
//! these commands was at hand, so their data is not interpreted.

use crate::command::commands;
use crate::wire::Bytes;

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Carries a command that is forwarded.
    ForwardedCommand = "Forwarded Command", TRANSPORT 0x30, ADMINISTRATOR, Refuse, "35b.1";
    request ForwardedCommandRequest {
        /// Not interpreted.
        data: Bytes<255>,
    }
    response ForwardedCommandResponse {
        /// Not interpreted.
        data: Bytes<255>,
    }

    /// Says which commands are forwarded.
    SetForwardedCommands = "Set Forwarded Commands", TRANSPORT 0x31, ADMINISTRATOR, Refuse, "35b.2";
    request SetForwardedCommandsRequest {
        /// Not interpreted.
        data: Bytes<64>,
    }
    response SetForwardedCommandsResponse {
        /// Not interpreted.
        data: Bytes<64>,
    }

    /// Tells which commands are forwarded.
    GetForwardedCommands = "Get Forwarded Commands", TRANSPORT 0x32, ADMINISTRATOR, Refuse, "35b.3";
    request GetForwardedCommandsRequest {
        /// Not interpreted.
        data: Bytes<64>,
    }
    response GetForwardedCommandsResponse {
        /// Not interpreted.
        data: Bytes<64>,
    }

    /// Starts or stops the forwarding.
    EnableForwardedCommands =
        "Enable Forwarded Commands", TRANSPORT 0x33, ADMINISTRATOR, Refuse, "35b.4";
    request EnableForwardedCommandsRequest {
        /// Not interpreted.
        data: Bytes<64>,
    }
    response EnableForwardedCommandsResponse {
        /// Not interpreted.
        data: Bytes<64>,
    }
    => {
        TARGET_UNAVAILABLE = 0x80, "the target controller is not available";
    }
}
