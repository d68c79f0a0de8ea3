//! Values of LAN configuration parameters (IPMI 2.0 table 23-4).

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::command::app::session::AuthenticationTypes;
use crate::command::message;
use crate::crypto::CipherSuiteId;
use crate::ipmb::Privilege;
use crate::wire::{
    Decode, Encode, List, LowBits, MacAddress, Reader, WireError, Writer, code_points, packed,
};

message! {
    /// Authentication types of IPMI 1.5 that are enabled for each privilege.
    #[derive(Default)]
    pub struct AuthenticationEnables {
        /// For Callback.
        callback: AuthenticationTypes,
        /// For User.
        user: AuthenticationTypes,
        /// For Operator.
        operator: AuthenticationTypes,
        /// For Administrator.
        administrator: AuthenticationTypes,
        /// For OEM.
        oem: AuthenticationTypes,
    }
}

code_points! {
    /// Where an IPv4 address comes from, 4 bits.
    pub struct AddressSource(u8) {
        UNSPECIFIED = 0, "unspecified";
        STATIC = 1, "static";
        DHCP = 2, "DHCP";
        BIOS = 3, "loaded by BIOS or system software";
        OTHER = 4, "another protocol";
    }
}

message! {
    /// Fields of the header of sent IPv4 packets.
    pub struct Ipv4Header {
        /// Time to live.
        time_to_live: u8,
        /// Flags.
        flags: Ipv4Flags,
        /// Precedence and type of service.
        service: Ipv4Service,
    }
}

packed! {
    /// Flags of an IPv4 header.
    pub struct Ipv4Flags: u8 {
        /// The flags: 2 is "don't fragment".
        flags: u8 = 7, 5;
    }
}

packed! {
    /// Service byte of an IPv4 header.
    pub struct Ipv4Service: u8 {
        /// Precedence.
        precedence: u8 = 7, 5;
        /// Type of service: 8 low delay, 4 throughput, 2 reliability, 1 low cost.
        service: u8 = 4, 1;
    }
}

packed! {
    /// Which ARP packets the BMC sends.
    pub struct ArpControl: u8 {
        /// Answers.
        responses: bool = 1, 1;
        /// Gratuitous ones.
        gratuitous: bool = 0, 0;
    }
}

code_points! {
    /// Kind of an alert destination, 3 bits.
    pub struct AlertType(u8) {
        PET = 0, "PET trap";
        OEM_1 = 6, "OEM 1";
        OEM_2 = 7, "OEM 2";
    }
}

packed! {
    /// Kind of an alert destination and whether it acknowledges alerts.
    pub struct AlertDelivery: u8 {
        /// Alerts are repeated until they are acknowledged.
        acknowledged: bool = 7, 7;
        /// Kind of the destination.
        kind: AlertType = 2, 0;
    }
}

message! {
    /// Kind of an alert destination and how often alerts are repeated.
    pub struct DestinationType {
        /// The destination; 0 is the volatile one.
        destination: LowBits<u8, 4>,
        /// Kind and acknowledgement.
        delivery: AlertDelivery,
        /// Seconds to wait for the acknowledgement, or between repetitions.
        timeout: u8,
        /// Number of repetitions.
        retries: LowBits<u8, 3>,
    }
}

/// Address of an alert destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestinationAddress {
    /// The destination; 0 is the volatile one.
    pub destination: LowBits<u8, 4>,
    /// Its address.
    pub address: AlertAddress,
}

/// An address to which alerts are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertAddress {
    /// IPv4, format 0.
    V4 {
        /// Send over the backup gateway, not over the default one.
        backup_gateway: bool,
        /// The address.
        address: Ipv4Addr,
        /// The MAC address; zero: to be found by ARP.
        mac: MacAddress,
    },
    /// IPv6, format 1.
    V6(Ipv6Addr),
}

packed! {
    /// Format byte of an alert destination's address or VLAN.
    struct FormatByte: u8 {
        format: u8 = 7, 4;
    }
}

const FORMAT_V4: u8 = 0;
const FORMAT_V6: u8 = 1;

impl Decode for DestinationAddress {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let destination = reader.value()?;
        let address = match reader.value::<FormatByte>()?.format {
            FORMAT_V4 => AlertAddress::V4 {
                backup_gateway: reader.value::<LowBits<bool, 1>>()?.0,
                address: reader.value()?,
                mac: reader.value()?,
            },
            FORMAT_V6 => AlertAddress::V6(reader.value()?),
            _ => return Err(WireError::Invalid),
        };
        Ok(Self { destination, address })
    }
}

impl Encode for DestinationAddress {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&self.destination)?;
        match &self.address {
            AlertAddress::V4 {
                backup_gateway,
                address,
                mac,
            } => {
                writer.value(&FormatByte { format: FORMAT_V4 })?;
                writer.value(&LowBits::<bool, 1>(*backup_gateway))?;
                writer.value(address)?;
                writer.value(mac)
            }
            AlertAddress::V6(address) => {
                writer.value(&FormatByte { format: FORMAT_V6 })?;
                writer.value(address)
            }
        }
    }
}

packed! {
    /// A VLAN.
    pub struct VlanId: u16 {
        /// Packets are tagged and only packets with the tag are taken.
        enabled: bool = 15, 15;
        /// Number of the VLAN, 12 bits.
        id: u16 = 11, 0;
    }
}

/// Most cipher suites that a channel's configuration names.
pub const CIPHER_SUITE_ENTRIES: usize = 16;

message! {
    /// The cipher suites of a channel, in the order that the privilege levels have.
    #[derive(Default)]
    pub struct CipherSuiteEntries {
        /// Reserved, zero.
        reserved: u8,
        /// The suites; those after the number of suites are without meaning.
        suites: List<CipherSuiteId, CIPHER_SUITE_ENTRIES>,
    }
}

/// Highest privilege with each cipher suite, by its place in [`CipherSuiteEntries`], not by its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CipherSuitePrivileges(pub [Privilege; CIPHER_SUITE_ENTRIES]);

packed! {
    /// Two privilege levels in a byte.
    struct PrivilegePair: u8 {
        second: Privilege = 7, 4;
        first: Privilege = 3, 0;
    }
}

impl Decode for CipherSuitePrivileges {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let _reserved = reader.u8()?;
        let mut levels = [Privilege::UNSPECIFIED; CIPHER_SUITE_ENTRIES];
        for pair in levels.as_chunks_mut::<2>().0 {
            let PrivilegePair { second, first } = reader.value()?;
            *pair = [first, second];
        }
        Ok(Self(levels))
    }
}

impl Encode for CipherSuitePrivileges {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.u8(0)?;
        for [first, second] in self.0.as_chunks::<2>().0 {
            writer.value(&PrivilegePair {
                second: *second,
                first: *first,
            })?;
        }
        Ok(())
    }
}

packed! {
    /// Second byte of [`AlertVlan`].
    pub struct VlanFormat: u8 {
        /// 0: not tagged; 1: tagged with the VLAN that follows.
        format: u8 = 7, 4;
    }
}

packed! {
    /// The tag of [`AlertVlan`].
    pub struct VlanTag: u16 {
        /// Priority.
        priority: u8 = 15, 13;
        /// Canonical format indicator.
        canonical_format: bool = 12, 12;
        /// Number of the VLAN, 12 bits.
        id: u16 = 11, 0;
    }
}

message! {
    /// VLAN of an alert destination.
    pub struct AlertVlan {
        /// The destination; 0 is the volatile one.
        destination: LowBits<u8, 4>,
        /// Whether there is a tag.
        format: VlanFormat,
        /// The tag.
        tag: VlanTag,
    }
}

packed! {
    /// First byte of [`BadPasswordThreshold`].
    pub struct BadPasswordOptions: u8 {
        /// A lock-out is logged as an event.
        log_event: bool = 0, 0;
    }
}

message! {
    /// When a user is locked out after wrong passwords.
    #[derive(Default)]
    pub struct BadPasswordThreshold {
        /// Options.
        options: BadPasswordOptions,
        /// Number of wrong passwords; 0: users are never locked out.
        threshold: u8,
        /// After how long without a wrong password the count starts again, in 10 s; 0: never.
        reset_interval: u16,
        /// How long the user is locked out, in 10 s; 0: until an administrator enables the user again.
        lockout_interval: u16,
    }
}

packed! {
    /// What the channel can do with IPv6.
    pub struct Ipv6Support: u8 {
        /// Alerts to IPv6 addresses.
        alerts: bool = 2, 2;
        /// IPv4 and IPv6 at the same time.
        dual_stack: bool = 1, 1;
        /// IPv6 alone.
        ipv6_only: bool = 0, 0;
    }
}

code_points! {
    /// Which of IPv4 and IPv6 is used.
    pub struct AddressingMode(u8) {
        IPV4 = 0, "IPv4 only";
        IPV6 = 1, "IPv6 only";
        BOTH = 2, "IPv4 and IPv6";
    }
}

packed! {
    /// How IPv6 addresses are found.
    pub struct Ipv6Discovery: u8 {
        /// By the routers' announcements (SLAAC).
        slaac: bool = 1, 1;
        /// By DHCPv6.
        dhcpv6: bool = 0, 0;
    }
}

message! {
    /// How many IPv6 addresses there can be and how they are found.
    pub struct Ipv6Status {
        /// Most addresses that can be configured.
        static_addresses: u8,
        /// Most addresses that can be found.
        dynamic_addresses: u8,
        /// How they are found.
        discovery: Ipv6Discovery,
    }
}

code_points! {
    /// Where an IPv6 address comes from, 4 bits.
    pub struct Ipv6AddressSource(u8) {
        STATIC = 0, "static";
        SLAAC = 1, "SLAAC";
        DHCPV6 = 2, "DHCPv6";
    }
}

packed! {
    /// Second byte of [`Ipv6Address`].
    pub struct Ipv6AddressOrigin: u8 {
        /// The address is used; static addresses only.
        enabled: bool = 7, 7;
        /// Where it comes from.
        source: Ipv6AddressSource = 3, 0;
    }
}

code_points! {
    /// State of an IPv6 address.
    pub struct Ipv6AddressStatus(u8) {
        ACTIVE = 0, "active";
        DISABLED = 1, "disabled";
        PENDING = 2, "pending";
        FAILED = 3, "failed";
        DEPRECATED = 4, "deprecated";
        INVALID = 5, "invalid";
    }
}

message! {
    /// An IPv6 address.
    pub struct Ipv6Address {
        /// Which one, from 0.
        set: u8,
        /// Where it comes from.
        origin: Ipv6AddressOrigin,
        /// The address.
        address: Ipv6Addr,
        /// Length of its prefix in bits.
        prefix_length: u8,
        /// Its state; not looked at when written.
        status: Ipv6AddressStatus,
    }
}

message! {
    /// A block of a parameter that has several.
    pub struct SetBlock {
        /// Which set.
        set: u8,
        /// Which block.
        block: u8,
        /// The block.
        data: [u8; 16],
    }
}

packed! {
    /// Where IPv6 routers come from.
    pub struct RouterControl: u8 {
        /// From their announcements.
        dynamic: bool = 1, 1;
        /// From the configuration.
        configured: bool = 0, 0;
    }
}

/// Something about a router that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DynamicRouter<T> {
    /// Which router, from 0.
    pub set: u8,
    /// What is known about it.
    pub value: T,
}

impl<T: Decode> Decode for DynamicRouter<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            set: reader.value()?,
            value: reader.value()?,
        })
    }
}

impl<T: Encode> Encode for DynamicRouter<T> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&self.set)?;
        writer.value(&self.value)
    }
}
