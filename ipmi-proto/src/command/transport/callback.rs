//! Calling back a user over a modem. A virtual machine's BMC has none; the codecs serve clients.

use crate::command::{ChannelField, Empty, UserIdField, commands, message};
use crate::wire::{LowBits, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Calls a destination.
    Callback = "Callback", TRANSPORT 0x19, ADMINISTRATOR, Refuse, "25.10";
    request CallbackRequest {
        /// The channel.
        channel: ChannelField,
        /// The destination.
        destination: LowBits<u8, 4>,
    }
    response Empty;
    => {
        ALERT_IN_PROGRESS = 0x81, "an alert is in progress on the channel";
        MESSAGING_ACTIVE = 0x82, "IPMI messaging is active on the channel";
    }

    /// Changes how a user may be called back.
    SetUserCallbackOptions =
        "Set User Callback Options", TRANSPORT 0x1a, ADMINISTRATOR, Refuse, "25.11";
    request SetUserCallbackOptionsRequest {
        /// The user.
        user: UserIdField,
        /// The channel.
        channel: ChannelField,
        /// How the user may be called back.
        options: CallbackOptions,
    }
    response Empty;

    /// Tells how a user may be called back.
    GetUserCallbackOptions = "Get User Callback Options", TRANSPORT 0x1b, USER, Refuse, "25.12";
    request GetUserCallbackOptionsRequest {
        /// The user.
        user: UserIdField,
        /// The channel.
        channel: ChannelField,
    }
    response GetUserCallbackOptionsResponse {
        /// How the user may be called back.
        options: CallbackOptions,
    }
}

packed! {
    /// Protocols that call a user back.
    pub struct CallbackCapabilities: u8 {
        /// Microsoft's callback control protocol (CBCP).
        cbcp: bool = 1, 1;
        /// The Callback command.
        ipmi: bool = 0, 0;
    }
}

packed! {
    /// What CBCP may negotiate.
    pub struct CbcpOptions: u8 {
        /// The user chooses from a list.
        from_list: bool = 3, 3;
        /// The user gives the number.
        user_specified: bool = 2, 2;
        /// One number for the user.
        prespecified: bool = 1, 1;
        /// No callback.
        no_callback: bool = 0, 0;
    }
}

message! {
    /// How a user may be called back.
    pub struct CallbackOptions {
        /// Protocols.
        capabilities: CallbackCapabilities,
        /// What CBCP may negotiate.
        cbcp: CbcpOptions,
        /// Destinations; FFh is none.
        destinations: [u8; 3],
    }
}
