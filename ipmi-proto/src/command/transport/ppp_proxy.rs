//! Sending and receiving UDP packets over a PPP connection of the BMC. A virtual machine's BMC has none; the
//! codecs serve clients.

use core::net::Ipv4Addr;

use crate::command::{ChannelField, Empty, commands};
use crate::wire::{Bytes, packed};

/// Bytes of a block of a packet.
const BLOCK: usize = 16;

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Writes a block of the packet to be sent.
    SetPppUdpProxyTransmitData =
        "Set PPP UDP Proxy Transmit Data", TRANSPORT 0x14, SYSTEM_INTERFACE, Refuse, "25.5";
    request SetPppUdpProxyTransmitDataRequest {
        /// The channel.
        channel: ChannelField,
        /// Number of the block.
        block: u8,
        /// The block.
        data: Bytes<BLOCK>,
    }
    response Empty;

    /// Reads a block of the packet to be sent.
    GetPppUdpProxyTransmitData =
        "Get PPP UDP Proxy Transmit Data", TRANSPORT 0x15, SYSTEM_INTERFACE, Refuse, "25.6";
    request GetPppUdpProxyTransmitDataRequest {
        /// The channel.
        channel: ChannelField,
        /// Number of the block.
        block: u8,
    }
    response PppUdpProxyTransmitData {
        /// The block.
        data: [u8; BLOCK],
    }

    /// Sends the packet.
    SendPppUdpProxyPacket =
        "Send PPP UDP Proxy Packet", TRANSPORT 0x16, SYSTEM_INTERFACE, Refuse, "25.7";
    request SendPppUdpProxyPacketRequest {
        /// The channel.
        channel: ChannelField,
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
        /// Source address.
        source: Ipv4Addr,
        /// Destination address.
        destination: Ipv4Addr,
        /// Number of bytes.
        length: u16,
    }
    response Empty;
    => {
        LINK_DOWN = 0x80, "the PPP link is not up";
        IP_DOWN = 0x81, "the IP protocol is not up";
    }

    /// Reads a block of a received packet.
    GetPppUdpProxyReceiveData =
        "Get PPP UDP Proxy Receive Data", TRANSPORT 0x17, SYSTEM_INTERFACE, Refuse, "25.8";
    request GetPppUdpProxyReceiveDataRequest {
        /// The channel.
        channel: ChannelField,
        /// Which block.
        block: ReceiveBlock,
    }
    response PppUdpProxyReceiveData {
        /// The block; for block 0 the number of bytes received, 16 bits.
        data: Bytes<BLOCK>,
    }
    => {
        NO_DATA = 0x80, "no packet data is available";
    }
}

packed! {
    /// Last byte of [`GetPppUdpProxyReceiveDataRequest`].
    pub struct ReceiveBlock: u8 {
        /// The packet is dropped after it was read.
        clear: bool = 7, 7;
        /// Number of the block; 0 asks for the length.
        block: u8 = 6, 0;
    }
}
