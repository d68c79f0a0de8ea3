//! Configuration of a LAN channel.

use super::lan_value::{
    AddressSource, AddressingMode, AlertVlan, ArpControl, AuthenticationEnables, BadPasswordThreshold,
    CipherSuiteEntries, CipherSuitePrivileges, DestinationAddress, DestinationType, DynamicRouter,
    Ipv4Header, Ipv6Address, Ipv6Status, Ipv6Support, RouterControl, SetBlock, VlanId,
};
use crate::command::app::session::AuthenticationTypes;
use crate::command::{
    ChannelField, Empty, GET_PARAMETER_CODES, ParameterChannel, ParameterData, SET_PARAMETER_CODES,
    SetInProgress, commands, parameters,
};
use crate::wire::{LowBits, MacAddress, PaddedText};
use core::net::{Ipv4Addr, Ipv6Addr};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Writes a LAN configuration parameter.
    SetLanConfigurationParameters =
        "Set LAN Configuration Parameters", TRANSPORT 0x01, ADMINISTRATOR, Manage, "23.1";
    request SetLanConfigurationParametersRequest {
        /// The channel.
        channel: ChannelField,
        /// The parameter.
        parameter: LanParameter,
        /// The value; see [`LanValue`].
        data: ParameterData,
    }
    response Empty;
    => use SET_PARAMETER_CODES;

    /// Reads a LAN configuration parameter.
    GetLanConfigurationParameters =
        "Get LAN Configuration Parameters", TRANSPORT 0x02, OPERATOR, Manage, "23.2";
    request GetLanConfigurationParametersRequest {
        /// The channel, and whether only the revision is wanted.
        channel: ParameterChannel,
        /// The parameter.
        parameter: LanParameter,
        /// Which set of the parameter; 0 if it has none.
        set: u8,
        /// Which block of the parameter; 0 if it has none.
        block: u8,
    }
    response LanConfigurationParameters {
        /// Revision of the parameter: [`PARAMETER_REVISION`](crate::command::PARAMETER_REVISION).
        revision: u8,
        /// The value; see [`LanValue`].
        data: ParameterData,
    }
    => use GET_PARAMETER_CODES;
}

parameters! {
    /// Number of a LAN configuration parameter; C0h and above are the manufacturer's.
    pub struct LanParameter;
    /// The parameters of IPMI 2.0 table 23-4.
    pub const LAN_PARAMETERS;
    /// Value of a LAN configuration parameter.
    pub enum LanValue;

    /// Whether somebody is changing parameters.
    SET_IN_PROGRESS = 0, "Set In Progress", ReadWrite, 1, SetInProgress(LowBits<SetInProgress, 2>);
    /// Authentication types of IPMI 1.5 that the channel has.
    AUTHENTICATION_SUPPORT = 1, "Authentication Type Support", ReadOnly, 1,
        AuthenticationSupport(AuthenticationTypes);
    /// Authentication types of IPMI 1.5 that are enabled for each privilege.
    AUTHENTICATION_ENABLES = 2, "Authentication Type Enables", ReadWrite, 5,
        AuthenticationEnables(AuthenticationEnables);
    /// IPv4 address.
    IP_ADDRESS = 3, "IP Address", ReadWrite, 4, IpAddress(Ipv4Addr);
    /// Where the IPv4 address comes from.
    IP_ADDRESS_SOURCE = 4, "IP Address Source", ReadWrite, 1, IpAddressSource(LowBits<AddressSource, 4>);
    /// MAC address.
    MAC_ADDRESS = 5, "MAC Address", ReadOnly, 6, MacAddress(MacAddress);
    /// Subnet mask.
    SUBNET_MASK = 6, "Subnet Mask", ReadWrite, 4, SubnetMask(Ipv4Addr);
    /// Fields of the header of sent IPv4 packets.
    IPV4_HEADER = 7, "IPv4 Header Parameters", ReadWrite, 3, Ipv4Header(Ipv4Header);
    /// UDP port, 623.
    PRIMARY_RMCP_PORT = 8, "Primary RMCP Port Number", ReadOnly, 2, PrimaryRmcpPort(u16);
    /// UDP port of RMCP's security extensions, 664.
    SECONDARY_RMCP_PORT = 9, "Secondary RMCP Port Number", ReadOnly, 2, SecondaryRmcpPort(u16);
    /// Which ARP packets the BMC sends.
    ARP_CONTROL = 10, "BMC-generated ARP Control", ReadWrite, 1, ArpControl(ArpControl);
    /// Time between gratuitous ARP packets in steps of 500 ms.
    GRATUITOUS_ARP_INTERVAL = 11, "Gratuitous ARP Interval", ReadWrite, 1, GratuitousArpInterval(u8);
    /// Address of the default gateway.
    DEFAULT_GATEWAY = 12, "Default Gateway Address", ReadWrite, 4, DefaultGateway(Ipv4Addr);
    /// MAC address of the default gateway; zero: to be found by ARP.
    DEFAULT_GATEWAY_MAC = 13, "Default Gateway MAC Address", ReadWrite, 6, DefaultGatewayMac(MacAddress);
    /// Address of the backup gateway.
    BACKUP_GATEWAY = 14, "Backup Gateway Address", ReadWrite, 4, BackupGateway(Ipv4Addr);
    /// MAC address of the backup gateway; zero: to be found by ARP.
    BACKUP_GATEWAY_MAC = 15, "Backup Gateway MAC Address", ReadWrite, 6, BackupGatewayMac(MacAddress);
    /// SNMP community of alerts.
    COMMUNITY = 16, "Community String", ReadWrite, 18, Community(PaddedText<18>);
    /// Number of alert destinations besides the volatile one, destination 0.
    DESTINATION_COUNT = 17, "Number of Destinations", ReadOnly, 1, DestinationCount(LowBits<u8, 4>);
    /// Kind of an alert destination.
    DESTINATION_TYPE = 18, "Destination Type", ReadWrite, 4, DestinationType(DestinationType);
    /// Address of an alert destination.
    DESTINATION_ADDRESS = 19, "Destination Addresses", ReadWrite, 13 to 18, DestinationAddress(DestinationAddress);
    /// VLAN.
    VLAN_ID = 20, "802.1q VLAN ID", ReadWrite, 2, VlanId(VlanId);
    /// Priority of packets on the VLAN.
    VLAN_PRIORITY = 21, "802.1q VLAN Priority", ReadWrite, 1, VlanPriority(LowBits<u8, 3>);
    /// Number of cipher suites in the next two parameters.
    CIPHER_SUITE_COUNT = 22, "RMCP+ Messaging Cipher Suite Entry Support", ReadOnly, 1,
        CipherSuiteCount(LowBits<u8, 5>);
    /// Cipher suites.
    CIPHER_SUITES = 23, "RMCP+ Messaging Cipher Suite Entries", ReadOnly, 1 to 17, CipherSuites(CipherSuiteEntries);
    /// Highest privilege with each cipher suite.
    CIPHER_SUITE_PRIVILEGES = 24, "RMCP+ Messaging Cipher Suite Privilege Levels", ReadWrite, 9,
        CipherSuitePrivileges(CipherSuitePrivileges);
    /// VLAN of an alert destination.
    DESTINATION_VLAN = 25, "Destination Address VLAN TAGs", ReadWrite, 4, DestinationVlan(AlertVlan);
    /// When a user is locked out after wrong passwords.
    BAD_PASSWORD_THRESHOLD = 26, "Bad Password Threshold", ReadWrite, 6, BadPasswordThreshold(BadPasswordThreshold);
    /// What the channel can do with IPv6.
    IPV6_SUPPORT = 50, "IPv6/IPv4 Support", ReadOnly, 1, Ipv6Support(Ipv6Support);
    /// Which of IPv4 and IPv6 is used.
    ADDRESSING_MODE = 51, "IPv6/IPv4 Addressing Enables", ReadWrite, 1, AddressingMode(AddressingMode);
    /// Traffic class of sent IPv6 packets.
    IPV6_TRAFFIC_CLASS = 52, "IPv6 Header Static Traffic Class", ReadWrite, 1, Ipv6TrafficClass(u8);
    /// Hop limit of sent IPv6 packets.
    IPV6_HOP_LIMIT = 53, "IPv6 Header Static Hop Limit", ReadWrite, 1, Ipv6HopLimit(u8);
    /// Flow label of sent IPv6 packets, 20 bits, most-significant byte first.
    IPV6_FLOW_LABEL = 54, "IPv6 Header Flow Label", ReadWrite, 3, Ipv6FlowLabel([u8; 3]);
    /// How many IPv6 addresses there can be and how they are found.
    IPV6_STATUS = 55, "IPv6 Status", ReadOnly, 3, Ipv6Status(Ipv6Status);
    /// An IPv6 address that was configured.
    IPV6_STATIC_ADDRESS = 56, "IPv6 Static Addresses", ReadWrite, 20, Ipv6StaticAddress(Ipv6Address);
    /// Blocks of the DHCPv6 unique ID of static addresses.
    IPV6_STATIC_DUID_BLOCKS = 57, "IPv6 DHCPv6 Static DUID Storage Length", ReadOnly, 1, Ipv6StaticDuidBlocks(u8);
    /// A block of the DHCPv6 unique ID of static addresses.
    IPV6_STATIC_DUID = 58, "IPv6 DHCPv6 Static DUIDs", ReadOnly, 18, Ipv6StaticDuid(SetBlock);
    /// An IPv6 address that was found.
    IPV6_DYNAMIC_ADDRESS = 59, "IPv6 Dynamic Address", ReadOnly, 20, Ipv6DynamicAddress(Ipv6Address);
    /// Blocks of the DHCPv6 unique ID of dynamic addresses.
    IPV6_DYNAMIC_DUID_BLOCKS = 60, "IPv6 DHCPv6 Dynamic DUID Storage Length", ReadOnly, 1,
        Ipv6DynamicDuidBlocks(u8);
    /// A block of the DHCPv6 unique ID of dynamic addresses.
    IPV6_DYNAMIC_DUID = 61, "IPv6 DHCPv6 Dynamic DUIDs", ReadOnly, 18, Ipv6DynamicDuid(SetBlock);
    /// Whether times of DHCPv6 can be configured.
    DHCPV6_TIMING_SUPPORT = 62, "IPv6 DHCPv6 Timing Configuration Support", ReadOnly, 1, Dhcpv6TimingSupport(u8);
    /// A block of DHCPv6's times.
    DHCPV6_TIMING = 63, "IPv6 DHCPv6 Timing Configuration", ReadWrite, 18, Dhcpv6Timing(SetBlock);
    /// Where IPv6 routers come from.
    ROUTER_CONTROL = 64, "IPv6 Router Address Configuration Control", ReadWrite, 1, RouterControl(RouterControl);
    /// Address of static router 1.
    STATIC_ROUTER_1_ADDRESS = 65, "IPv6 Static Router 1 IP Address", ReadWrite, 16, StaticRouter1Address(Ipv6Addr);
    /// MAC address of static router 1.
    STATIC_ROUTER_1_MAC = 66, "IPv6 Static Router 1 MAC Address", ReadWrite, 6, StaticRouter1Mac(MacAddress);
    /// Length of static router 1's prefix in bits.
    STATIC_ROUTER_1_PREFIX_LENGTH = 67, "IPv6 Static Router 1 Prefix Length", ReadWrite, 1,
        StaticRouter1PrefixLength(u8);
    /// Static router 1's prefix.
    STATIC_ROUTER_1_PREFIX = 68, "IPv6 Static Router 1 Prefix Value", ReadWrite, 16, StaticRouter1Prefix(Ipv6Addr);
    /// Address of static router 2.
    STATIC_ROUTER_2_ADDRESS = 69, "IPv6 Static Router 2 IP Address", ReadWrite, 16, StaticRouter2Address(Ipv6Addr);
    /// MAC address of static router 2.
    STATIC_ROUTER_2_MAC = 70, "IPv6 Static Router 2 MAC Address", ReadWrite, 6, StaticRouter2Mac(MacAddress);
    /// Length of static router 2's prefix in bits.
    STATIC_ROUTER_2_PREFIX_LENGTH = 71, "IPv6 Static Router 2 Prefix Length", ReadWrite, 1,
        StaticRouter2PrefixLength(u8);
    /// Static router 2's prefix.
    STATIC_ROUTER_2_PREFIX = 72, "IPv6 Static Router 2 Prefix Value", ReadWrite, 16, StaticRouter2Prefix(Ipv6Addr);
    /// Number of sets of the next four parameters.
    DYNAMIC_ROUTER_COUNT = 73, "IPv6 Number of Dynamic Router Info Sets", ReadOnly, 1, DynamicRouterCount(u8);
    /// Address of a router that was found.
    DYNAMIC_ROUTER_ADDRESS = 74, "IPv6 Dynamic Router Info IP Address", ReadOnly, 17,
        DynamicRouterAddress(DynamicRouter<Ipv6Addr>);
    /// MAC address of a router that was found.
    DYNAMIC_ROUTER_MAC = 75, "IPv6 Dynamic Router Info MAC Address", ReadOnly, 7,
        DynamicRouterMac(DynamicRouter<MacAddress>);
    /// Length of the prefix of a router that was found, in bits.
    DYNAMIC_ROUTER_PREFIX_LENGTH = 76, "IPv6 Dynamic Router Info Prefix Length", ReadOnly, 2,
        DynamicRouterPrefixLength(DynamicRouter<u8>);
    /// Prefix of a router that was found.
    DYNAMIC_ROUTER_PREFIX = 77, "IPv6 Dynamic Router Info Prefix Value", ReadOnly, 17,
        DynamicRouterPrefix(DynamicRouter<Ipv6Addr>);
    /// Hop limit that routers announce.
    DYNAMIC_ROUTER_HOP_LIMIT = 78, "IPv6 Dynamic Router Received Hop Limit", ReadOnly, 1, DynamicRouterHopLimit(u8);
    /// Whether times of neighbour discovery can be configured.
    SLAAC_TIMING_SUPPORT = 79, "IPv6 ND/SLAAC Timing Configuration Support", ReadOnly, 1, SlaacTimingSupport(u8);
    /// A block of neighbour discovery's times.
    SLAAC_TIMING = 80, "IPv6 ND/SLAAC Timing Configuration", ReadWrite, 18, SlaacTiming(SetBlock);
}
