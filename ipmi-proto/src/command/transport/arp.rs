//! What the LAN channel does below IPMI: ARP and the statistics of IP and UDP.

use super::lan_value::ArpControl;
use crate::command::{ChannelField, commands};
use crate::wire::packed;

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Stops the ARP packets that the BMC sends.
    SuspendBmcArps = "Suspend BMC ARPs", TRANSPORT 0x03, ADMINISTRATOR, Manage, "23.3";
    request SuspendBmcArpsRequest {
        /// The channel.
        channel: ChannelField,
        /// The packets that are to be suspended.
        suspend: ArpControl,
    }
    response SuspendBmcArpsResponse {
        /// The packets that are sent now.
        sent: ArpControl,
    }

    /// Reads and clears counters of the LAN channel.
    GetIpUdpRmcpStatistics = "Get IP/UDP/RMCP Statistics", TRANSPORT 0x04, USER, Manage, "23.4";
    request GetIpUdpRmcpStatisticsRequest {
        /// The channel.
        channel: ChannelField,
        /// Whether to clear them.
        options: StatisticsOptions,
    }
    response IpUdpRmcpStatistics {
        /// IP packets received.
        ip_received: u16,
        /// IP packets with errors in the header.
        ip_header_errors: u16,
        /// IP packets with an address that is not ours.
        ip_address_errors: u16,
        /// IP fragments received.
        ip_fragments: u16,
        /// IP packets sent.
        ip_sent: u16,
        /// UDP packets received.
        udp_received: u16,
        /// Valid RMCP packets received.
        rmcp_received: u16,
        /// UDP proxy packets received.
        udp_proxy_received: u16,
        /// UDP proxy packets dropped.
        udp_proxy_dropped: u16,
    }
}

packed! {
    /// Second byte of [`GetIpUdpRmcpStatisticsRequest`].
    pub struct StatisticsOptions: u8 {
        /// The counters are set to zero after they were read.
        clear: bool = 0, 0;
    }
}
