//! Messages between software on the machine and the BMC: global enables, message flags, queues, buses and
//! the system interface itself.

use crate::command::{ChannelField, Empty, commands};
use crate::ipmb::{ChannelNumber, Privilege};
use crate::wire::{Bytes, LowBits, code_points, packed};

/// The most message data that these commands carry.
const MESSAGE_CAPACITY: usize = 255;

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Switches interrupts, event buffer and event logging on or off.
    SetBmcGlobalEnables = "Set BMC Global Enables", APP 0x2e, SYSTEM_INTERFACE, Manage, "22.1";
    request SetBmcGlobalEnablesRequest {
        /// What is to be on.
        enables: GlobalEnables,
    }
    response Empty;

    /// Tells which interrupts, event buffer and event logging are on.
    GetBmcGlobalEnables = "Get BMC Global Enables", APP 0x2f, USER, Manage, "22.2";
    request Empty;
    response GetBmcGlobalEnablesResponse {
        /// What is on.
        enables: GlobalEnables,
    }

    /// Empties queues and clears flags.
    ClearMessageFlags = "Clear Message Flags", APP 0x30, SYSTEM_INTERFACE, Manage, "22.3";
    request ClearMessageFlagsRequest {
        /// What to clear.
        flags: MessageFlags,
    }
    response Empty;

    /// Tells what waits for the software.
    GetMessageFlags = "Get Message Flags", APP 0x31, SYSTEM_INTERFACE, Manage, "22.4";
    request Empty;
    response GetMessageFlagsResponse {
        /// What waits.
        flags: MessageFlags,
    }

    /// Opens or closes a channel towards the receive message queue.
    EnableMessageChannelReceive =
        "Enable Message Channel Receive", APP 0x32, SYSTEM_INTERFACE, Manage, "22.5";
    request EnableMessageChannelReceiveRequest {
        /// The channel.
        channel: ChannelField,
        /// What to do.
        operation: LowBits<ReceiveOperation, 2>,
    }
    response EnableMessageChannelReceiveResponse {
        /// The channel.
        channel: ChannelField,
        /// Whether its messages go into the queue.
        enabled: LowBits<bool, 1>,
    }

    /// Takes a message from the receive message queue.
    GetMessage = "Get Message", APP 0x33, SYSTEM_INTERFACE, Manage, "22.6";
    request Empty;
    response GetMessageResponse {
        /// Where the message came from.
        source: MessageSource,
        /// The message.
        data: Bytes<MESSAGE_CAPACITY>,
    }
    => {
        QUEUE_EMPTY = 0x80, "no message is waiting";
    }

    /// Sends a message to another channel.
    SendMessage = "Send Message", APP 0x34, USER, Refuse, "22.7";
    request SendMessageRequest {
        /// Where and how to send.
        target: MessageTarget,
        /// The message.
        data: Bytes<MESSAGE_CAPACITY>,
    }
    response SendMessageResponse {
        /// The answer, from some channels.
        data: Bytes<MESSAGE_CAPACITY>,
    }
    => {
        INVALID_SESSION_HANDLE = 0x80, "invalid session handle";
        LOST_ARBITRATION = 0x81, "lost arbitration";
        BUS_ERROR = 0x82, "bus error";
        NAK_ON_WRITE = 0x83, "NAK on write";
    }

    /// Takes the event from the event message buffer.
    ReadEventMessageBuffer = "Read Event Message Buffer", APP 0x35, SYSTEM_INTERFACE, Manage, "22.8";
    request Empty;
    response ReadEventMessageBufferResponse {
        /// The event in the format of a record of the system event log.
        event: [u8; 16],
    }
    => {
        BUFFER_EMPTY = 0x80, "no event is waiting";
    }

    /// Tells the limits of the BT interface.
    GetBtInterfaceCapabilities = "Get BT Interface Capabilities", APP 0x36, USER, Manage, "22.10";
    request Empty;
    response BtInterfaceCapabilities {
        /// Requests that may wait for their answers, at least 1.
        outstanding_requests: u8,
        /// Most bytes of a request, the length byte not counted.
        input_size: u8,
        /// Most bytes of a response, the length byte not counted.
        output_size: u8,
        /// Longest time to an answer in seconds.
        response_time: u8,
        /// How often to try again.
        retries: u8,
    }

    /// Writes to and reads from a device on an I2C bus.
    MasterWriteRead = "Master Write-Read", APP 0x52, OPERATOR, Refuse, "22.11";
    request MasterWriteReadRequest {
        /// The bus.
        bus: I2cBus,
        /// Slave address in bits 7 to 1.
        address: u8,
        /// Number of bytes to read.
        read_count: u8,
        /// What to write.
        data: Bytes<MESSAGE_CAPACITY>,
    }
    response MasterWriteReadResponse {
        /// What was read.
        data: Bytes<MESSAGE_CAPACITY>,
    }
    => {
        LOST_ARBITRATION = 0x81, "lost arbitration";
        BUS_ERROR = 0x82, "bus error";
        NAK_ON_WRITE = 0x83, "NAK on write";
        TRUNCATED_READ = 0x84, "truncated read";
    }

    /// Tells the limits of a system interface.
    GetSystemInterfaceCapabilities =
        "Get System Interface Capabilities", APP 0x57, USER, Manage, "22.9";
    request GetSystemInterfaceCapabilitiesRequest {
        /// Kind of the interface.
        interface: LowBits<SystemInterface, 4>,
    }
    response SystemInterfaceCapabilities {
        /// Reserved, zero.
        reserved: u8,
        /// Version and what SSIF can do.
        version: SystemInterfaceVersion,
        /// Most bytes of a request.
        input_size: u8,
        /// Most bytes of a response; SSIF only.
        output_size: Option<u8>,
    }
}

packed! {
    /// What [`SetBmcGlobalEnables`] switches.
    pub struct GlobalEnables: u8 {
        /// OEM 2.
        oem_2: bool = 7, 7;
        /// OEM 1.
        oem_1: bool = 6, 6;
        /// OEM 0.
        oem_0: bool = 5, 5;
        /// Events go into the system event log.
        event_logging: bool = 3, 3;
        /// Events go into the event message buffer.
        event_buffer: bool = 2, 2;
        /// Interrupt when the event message buffer is full.
        event_buffer_interrupt: bool = 1, 1;
        /// Interrupt when a message is in the receive message queue.
        receive_queue_interrupt: bool = 0, 0;
    }
}

packed! {
    /// What can wait for the software.
    pub struct MessageFlags: u8 {
        /// OEM 2.
        oem_2: bool = 7, 7;
        /// OEM 1.
        oem_1: bool = 6, 6;
        /// OEM 0.
        oem_0: bool = 5, 5;
        /// Pre-timeout interrupt of the watchdog timer.
        watchdog_pre_timeout: bool = 3, 3;
        /// An event in the event message buffer.
        event_buffer: bool = 1, 1;
        /// Messages in the receive message queue.
        receive_queue: bool = 0, 0;
    }
}

code_points! {
    /// What [`EnableMessageChannelReceive`] does, 2 bits.
    pub struct ReceiveOperation(u8) {
        DISABLE = 0, "disable the channel";
        ENABLE = 1, "enable the channel";
        QUERY = 2, "ask only";
    }
}

packed! {
    /// First byte of [`GetMessageResponse`].
    pub struct MessageSource: u8 {
        /// Privilege of the sender.
        privilege: Privilege = 7, 4;
        /// Channel of the sender.
        channel: ChannelNumber = 3, 0;
    }
}

packed! {
    /// First byte of [`SendMessageRequest`].
    pub struct MessageTarget: u8 {
        /// 0 untracked, 1 the BMC matches the answer, 2 raw.
        tracking: u8 = 7, 6;
        /// Encrypt the message.
        encrypt: bool = 5, 5;
        /// Authenticate the message.
        authenticate: bool = 4, 4;
        /// Channel to send on.
        channel: ChannelNumber = 3, 0;
    }
}

packed! {
    /// First byte of [`MasterWriteReadRequest`].
    pub struct I2cBus: u8 {
        /// Channel of a public bus.
        channel: ChannelNumber = 7, 4;
        /// Number of a private bus.
        bus: u8 = 3, 1;
        /// The bus is private.
        private: bool = 0, 0;
    }
}

code_points! {
    /// Kind of a system interface, 4 bits.
    pub struct SystemInterface(u8) {
        SSIF = 0, "SSIF";
        KCS = 1, "KCS";
        SMIC = 2, "SMIC";
    }
}

packed! {
    /// Version byte of [`SystemInterfaceCapabilities`].
    pub struct SystemInterfaceVersion: u8 {
        /// Which transfers SSIF has: 0 single part, 1 and 2 multi-part.
        transactions: u8 = 7, 6;
        /// SSIF has packet error checks.
        packet_error_check: bool = 3, 3;
        /// Version; 0 is the first.
        version: u8 = 2, 0;
    }
}
