//! LAN configuration: facts of the socket, defaults, and what was written (IPMI 2.0 table 23-4).

mod kept;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use ipmi_proto::command::transport::lan::{LanParameter, LanValue};
use ipmi_proto::command::transport::lan_value::{
    AddressSource, AddressingMode, AlertAddress, AlertDelivery, AlertType, AlertVlan, ArpControl,
    BadPasswordThreshold, DestinationAddress, DestinationType, Ipv4Flags, Ipv4Header, Ipv4Service,
    Ipv6Address, Ipv6AddressOrigin, Ipv6AddressSource, Ipv6AddressStatus, Ipv6Discovery, Ipv6Status,
    Ipv6Support, RouterControl, VlanFormat, VlanId, VlanTag,
};
use ipmi_proto::command::{PARAMETER_NOT_SUPPORTED, PARAMETER_READ_ONLY};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::session::Peer;
use ipmi_proto::wire::{LowBits, MacAddress, PaddedText};

use super::lockout::Rules;
use super::{SetGuard, Written};

/// Alert destinations besides the volatile one.
pub(crate) const DESTINATIONS: u8 = 4;
/// UDP port of RMCP's security extensions.
const SECONDARY_PORT: u16 = 664;

/// LAN configuration.
#[derive(Debug, Default)]
pub(crate) struct Lan {
    /// Parameter 0.
    pub(crate) guard: SetGuard,
    /// Parameter 26 until somebody writes it.
    pub(crate) bad_passwords: BadPasswordThreshold,
    written: Written,
}

impl Lan {
    /// When somebody is locked out after failed logins (parameter 26), and whether that is logged.
    pub(crate) fn lockout_rules(&self) -> (Rules, bool) {
        const UNIT: Duration = Duration::from_secs(10);
        let parameter = LanParameter::BAD_PASSWORD_THRESHOLD;
        let written = self.written.get(parameter.0, 0);
        let written = written.and_then(|data| LanValue::from_data(parameter, data).ok());
        let threshold = match written {
            Some(LanValue::BadPasswordThreshold(written)) => written,
            _ => self.bad_passwords,
        };
        let interval = |units: u16| (units > 0).then(|| UNIT * u32::from(units));
        let rules = Rules {
            attempts: threshold.threshold,
            window: interval(threshold.reset_interval),
            lockout: interval(threshold.lockout_interval),
        };
        (rules, threshold.options.log_event)
    }

    /// A parameter that is not kept elsewhere: as it was written, or as it is by itself.
    ///
    /// # Errors
    /// 80h if there is no such parameter here, CCh if it has no such set.
    pub(crate) fn get(
        &self,
        parameter: LanParameter,
        set: u8,
        peer: Peer,
        mac: MacAddress,
    ) -> Result<LanValue, CompletionCode> {
        let default = match parameter {
            LanParameter::BAD_PASSWORD_THRESHOLD => LanValue::BadPasswordThreshold(self.bad_passwords),
            _ => default(parameter, set, peer, mac)?,
        };
        match self.written.get(parameter.0, set) {
            Some(data) => Ok(LanValue::from_data(parameter, data)?),
            None => Ok(default),
        }
    }

    /// Keeps a written value.
    ///
    /// # Errors
    /// As [`get`](Self::get), and CCh or 82h for values that cannot be.
    pub(crate) fn set(
        &mut self,
        value: &LanValue,
        peer: Peer,
        mac: MacAddress,
    ) -> Result<(), CompletionCode> {
        let set = set_of(value);
        self.get(value.parameter(), set, peer, mac)?;
        match value {
            LanValue::IpAddressSource(LowBits(source)) if source.label().is_none() => {
                return Err(CompletionCode::INVALID_FIELD);
            }
            LanValue::AddressingMode(mode) if mode.label().is_none() => {
                return Err(CompletionCode::INVALID_FIELD);
            }
            // The socket belongs to the host, which does the tagging.
            LanValue::VlanId(vlan) if vlan.enabled => return Err(PARAMETER_READ_ONLY),
            _ => {}
        }
        self.written.set(value.parameter().0, set, &value.to_data()?);
        Ok(())
    }
}

/// The set that a value belongs to.
const fn set_of(value: &LanValue) -> u8 {
    match value {
        LanValue::DestinationType(value) => value.destination.0,
        LanValue::DestinationAddress(value) => value.destination.0,
        LanValue::DestinationVlan(value) => value.destination.0,
        LanValue::Ipv6StaticAddress(value) => value.set,
        _ => 0,
    }
}

/// A parameter that was never written.
fn default(
    parameter: LanParameter,
    set: u8,
    peer: Peer,
    mac: MacAddress,
) -> Result<LanValue, CompletionCode> {
    match parameter {
        LanParameter(..=17 | 20..=21) => version_4(parameter, peer, mac),
        LanParameter(18 | 19 | 25) if set > DESTINATIONS => Err(CompletionCode::INVALID_FIELD),
        LanParameter(18 | 19 | 25) => destination(parameter, set),
        LanParameter(50..=80) => version_6(parameter, set, peer),
        _ => Err(PARAMETER_NOT_SUPPORTED),
    }
}

fn version_4(parameter: LanParameter, peer: Peer, mac: MacAddress) -> Result<LanValue, CompletionCode> {
    let address = match peer.local.ip() {
        IpAddr::V4(address) => address,
        IpAddr::V6(address) => address.to_ipv4_mapped().unwrap_or(Ipv4Addr::UNSPECIFIED),
    };
    let mask = match address {
        Ipv4Addr::UNSPECIFIED => Ipv4Addr::UNSPECIFIED,
        address if address.is_loopback() => Ipv4Addr::new(255, 0, 0, 0),
        _ => Ipv4Addr::new(255, 255, 255, 0),
    };
    Ok(match parameter {
        LanParameter::IP_ADDRESS => LanValue::IpAddress(address),
        LanParameter::IP_ADDRESS_SOURCE => LanValue::IpAddressSource(LowBits(AddressSource::STATIC)),
        LanParameter::MAC_ADDRESS => LanValue::MacAddress(mac),
        LanParameter::SUBNET_MASK => LanValue::SubnetMask(mask),
        LanParameter::IPV4_HEADER => LanValue::Ipv4Header(Ipv4Header {
            time_to_live: 0x40,
            flags: Ipv4Flags { flags: 2 },
            service: Ipv4Service {
                precedence: 0,
                service: 8,
            },
        }),
        LanParameter::PRIMARY_RMCP_PORT => LanValue::PrimaryRmcpPort(peer.local.port()),
        LanParameter::SECONDARY_RMCP_PORT => LanValue::SecondaryRmcpPort(SECONDARY_PORT),
        LanParameter::ARP_CONTROL => LanValue::ArpControl(ArpControl {
            responses: true,
            gratuitous: false,
        }),
        LanParameter::GRATUITOUS_ARP_INTERVAL => LanValue::GratuitousArpInterval(0),
        LanParameter::DEFAULT_GATEWAY => LanValue::DefaultGateway(Ipv4Addr::UNSPECIFIED),
        LanParameter::DEFAULT_GATEWAY_MAC => LanValue::DefaultGatewayMac(MacAddress::default()),
        LanParameter::BACKUP_GATEWAY => LanValue::BackupGateway(Ipv4Addr::UNSPECIFIED),
        LanParameter::BACKUP_GATEWAY_MAC => LanValue::BackupGatewayMac(MacAddress::default()),
        LanParameter::COMMUNITY => {
            LanValue::Community(PaddedText::new(b"public").map_err(|_| CompletionCode::UNSPECIFIED)?)
        }
        LanParameter::DESTINATION_COUNT => LanValue::DestinationCount(LowBits(DESTINATIONS)),
        LanParameter::VLAN_ID => LanValue::VlanId(VlanId::default()),
        LanParameter::VLAN_PRIORITY => LanValue::VlanPriority(LowBits(0)),
        _ => return Err(PARAMETER_NOT_SUPPORTED),
    })
}

fn destination(parameter: LanParameter, set: u8) -> Result<LanValue, CompletionCode> {
    let destination = LowBits(set);
    Ok(match parameter {
        LanParameter::DESTINATION_TYPE => LanValue::DestinationType(DestinationType {
            destination,
            delivery: AlertDelivery {
                acknowledged: false,
                kind: AlertType::PET,
            },
            timeout: 0,
            retries: LowBits(0),
        }),
        LanParameter::DESTINATION_ADDRESS => LanValue::DestinationAddress(DestinationAddress {
            destination,
            address: AlertAddress::V4 {
                backup_gateway: false,
                address: Ipv4Addr::UNSPECIFIED,
                mac: MacAddress::default(),
            },
        }),
        LanParameter::DESTINATION_VLAN => LanValue::DestinationVlan(AlertVlan {
            destination,
            format: VlanFormat::default(),
            tag: VlanTag::default(),
        }),
        _ => return Err(PARAMETER_NOT_SUPPORTED),
    })
}

fn version_6(parameter: LanParameter, set: u8, peer: Peer) -> Result<LanValue, CompletionCode> {
    let none = Ipv6Addr::UNSPECIFIED;
    Ok(match parameter {
        LanParameter::IPV6_SUPPORT => LanValue::Ipv6Support(Ipv6Support {
            // Alerts leave from the address that the BMC is reached at.
            alerts: static_address(peer).origin.enabled,
            dual_stack: true,
            ipv6_only: false,
        }),
        LanParameter::ADDRESSING_MODE => LanValue::AddressingMode(AddressingMode::BOTH),
        LanParameter::IPV6_TRAFFIC_CLASS => LanValue::Ipv6TrafficClass(0),
        LanParameter::IPV6_HOP_LIMIT => LanValue::Ipv6HopLimit(64),
        LanParameter::IPV6_FLOW_LABEL => LanValue::Ipv6FlowLabel([0; 3]),
        LanParameter::IPV6_STATUS => LanValue::Ipv6Status(Ipv6Status {
            static_addresses: 1,
            dynamic_addresses: 0,
            discovery: Ipv6Discovery::default(),
        }),
        LanParameter::IPV6_STATIC_ADDRESS if set == 0 => LanValue::Ipv6StaticAddress(static_address(peer)),
        LanParameter::IPV6_STATIC_DUID_BLOCKS => LanValue::Ipv6StaticDuidBlocks(0),
        LanParameter::IPV6_DYNAMIC_DUID_BLOCKS => LanValue::Ipv6DynamicDuidBlocks(0),
        LanParameter::DHCPV6_TIMING_SUPPORT => LanValue::Dhcpv6TimingSupport(0),
        LanParameter::ROUTER_CONTROL => LanValue::RouterControl(RouterControl {
            dynamic: false,
            configured: true,
        }),
        LanParameter::STATIC_ROUTER_1_ADDRESS => LanValue::StaticRouter1Address(none),
        LanParameter::STATIC_ROUTER_1_MAC => LanValue::StaticRouter1Mac(MacAddress::default()),
        LanParameter::STATIC_ROUTER_1_PREFIX_LENGTH => LanValue::StaticRouter1PrefixLength(0),
        LanParameter::STATIC_ROUTER_1_PREFIX => LanValue::StaticRouter1Prefix(none),
        LanParameter::STATIC_ROUTER_2_ADDRESS => LanValue::StaticRouter2Address(none),
        LanParameter::STATIC_ROUTER_2_MAC => LanValue::StaticRouter2Mac(MacAddress::default()),
        LanParameter::STATIC_ROUTER_2_PREFIX_LENGTH => LanValue::StaticRouter2PrefixLength(0),
        LanParameter::STATIC_ROUTER_2_PREFIX => LanValue::StaticRouter2Prefix(none),
        LanParameter::DYNAMIC_ROUTER_COUNT => LanValue::DynamicRouterCount(0),
        LanParameter::DYNAMIC_ROUTER_HOP_LIMIT => LanValue::DynamicRouterHopLimit(0),
        LanParameter::SLAAC_TIMING_SUPPORT => LanValue::SlaacTimingSupport(0),
        // Sets of which there are none.
        LanParameter::IPV6_STATIC_ADDRESS
        | LanParameter::IPV6_DYNAMIC_ADDRESS
        | LanParameter::DYNAMIC_ROUTER_ADDRESS
        | LanParameter::DYNAMIC_ROUTER_MAC
        | LanParameter::DYNAMIC_ROUTER_PREFIX_LENGTH
        | LanParameter::DYNAMIC_ROUTER_PREFIX => return Err(CompletionCode::INVALID_FIELD),
        _ => return Err(PARAMETER_NOT_SUPPORTED),
    })
}

/// The IPv6 address that the BMC is reached at, if it is one.
fn static_address(peer: Peer) -> Ipv6Address {
    let local = match peer.local.ip() {
        IpAddr::V6(address) if address.to_ipv4_mapped().is_none() => Some(address),
        _ => None,
    };
    Ipv6Address {
        set: 0,
        origin: Ipv6AddressOrigin {
            enabled: local.is_some(),
            source: Ipv6AddressSource::STATIC,
        },
        address: local.unwrap_or(Ipv6Addr::UNSPECIFIED),
        prefix_length: if local.is_some() { 64 } else { 0 },
        status: if local.is_some() {
            Ipv6AddressStatus::ACTIVE
        } else {
            Ipv6AddressStatus::DISABLED
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> Peer {
        Peer {
            remote: "192.0.2.9:50000".parse().unwrap(),
            local: "192.0.2.1:623".parse().unwrap(),
        }
    }

    #[test]
    fn every_value_of_the_table_can_be_read_or_is_refused_with_a_code() {
        let lan = Lan::default();
        for number in 0..=u8::MAX {
            match lan.get(LanParameter(number), 0, peer(), MacAddress::default()) {
                Ok(value) => assert_eq!(value.parameter().0, number),
                Err(code) => assert!(matches!(code.0, 0x80 | 0xcc), "{number}: {code}"),
            }
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        let mut lan = Lan::default();
        let mac = MacAddress::default();
        let address = LanValue::IpAddress(Ipv4Addr::new(127, 0, 0, 101));
        assert_eq!(
            lan.get(LanParameter::IP_ADDRESS, 0, peer(), mac),
            Ok(LanValue::IpAddress(Ipv4Addr::new(192, 0, 2, 1)))
        );
        lan.set(&address, peer(), mac).unwrap();
        assert_eq!(lan.get(LanParameter::IP_ADDRESS, 0, peer(), mac), Ok(address));
        let mut kind = match destination(LanParameter::DESTINATION_TYPE, 4).unwrap() {
            LanValue::DestinationType(kind) => kind,
            other => panic!("{other:?}"),
        };
        kind.timeout = 9;
        lan.set(&LanValue::DestinationType(kind), peer(), mac).unwrap();
        assert_eq!(
            lan.get(LanParameter::DESTINATION_TYPE, 4, peer(), mac),
            Ok(LanValue::DestinationType(kind))
        );
        kind.destination = LowBits(5);
        assert_eq!(
            lan.set(&LanValue::DestinationType(kind), peer(), mac),
            Err(CompletionCode::INVALID_FIELD)
        );
    }
}
