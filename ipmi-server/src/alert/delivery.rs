//! One alert to one destination: where it goes, how often, until when (LAN parameters 18 and 19).

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use ipmi_proto::command::sensor_event::alert::{AlertStatus, PetAcknowledgement};
use ipmi_proto::command::sensor_event::pef_parameter::AlertPolicy;
use ipmi_proto::command::transport::lan::{LanParameter, LanValue};
use ipmi_proto::command::transport::lan_value::{AlertAddress, AlertType, DestinationType};
use ipmi_proto::session::Peer;
use ipmi_proto::time::Instant;

use super::{Cause, Walk};
use crate::state::State;

/// Where an alert goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Number of the destination.
    pub(super) destination: u8,
    /// From and to.
    pub(super) peer: Peer,
    /// How long an acknowledgement is waited for; `None`: none is expected.
    pub(super) timeout: Option<Duration>,
    /// How often the alert is repeated.
    pub(super) retries: u8,
}

/// An alert on its way to one destination.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) cause: Cause,
    /// The same in all copies.
    pub(super) sequence: u16,
    /// Number of the alert string that it carries.
    pub(super) string: Option<u8>,
    pub(super) target: Target,
    pub(super) order: Order,
    retries_left: u8,
    progress: Progress,
}

/// Who wants a delivery.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Alert Immediate.
    Immediate,
    /// A policy, and the rest of its set.
    Policy(AlertPolicy, Walk),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    ToSend,
    Unacknowledged(Instant),
}

impl Delivery {
    pub(super) const fn new(
        cause: Cause,
        sequence: u16,
        string: Option<u8>,
        target: Target,
        order: Order,
    ) -> Self {
        Self {
            cause,
            sequence,
            string,
            target,
            order,
            retries_left: target.retries,
            progress: Progress::ToSend,
        }
    }

    /// Whether it is to be sent, for the first time or again.
    pub(super) fn is_due(&self) -> bool {
        self.progress == Progress::ToSend
    }

    /// It was sent. Answers how it ended, if it did: what nobody acknowledges has arrived as far as is known.
    pub(super) fn sent(&mut self, now: Instant) -> Option<AlertStatus> {
        let Some(timeout) = self.target.timeout else {
            return Some(AlertStatus::NORMAL_END);
        };
        self.progress = Progress::Unacknowledged(now + timeout);
        None
    }

    /// When it is sent again or given up.
    pub(super) const fn timeout(&self) -> Option<Instant> {
        match self.progress {
            Progress::ToSend => None,
            Progress::Unacknowledged(end) => Some(end),
        }
    }

    /// Time passes. Answers how it ended, if it did.
    pub(super) fn expire(&mut self, now: Instant) -> Option<AlertStatus> {
        if self.timeout().is_none_or(|end| now < end) {
            return None;
        }
        let Some(left) = self.retries_left.checked_sub(1) else {
            return Some(AlertStatus::FAILED_ACKNOWLEDGE);
        };
        self.retries_left = left;
        self.progress = Progress::ToSend;
        None
    }

    /// Whether a trap that was acknowledged is this one.
    pub(super) fn is_meant_by(&self, acknowledgement: &PetAcknowledgement) -> bool {
        self.target.timeout.is_some() && self.cause.acknowledgement(self.sequence) == *acknowledgement
    }
}

impl State {
    /// Type and repetitions of a destination, if it exists.
    fn destination_type(&self, destination: u8) -> Option<DestinationType> {
        match self.lan_value(LanParameter::DESTINATION_TYPE, destination)? {
            LanValue::DestinationType(found) => Some(found),
            _ => None,
        }
    }

    /// The type of a policy's destination, if that exists.
    pub(super) fn alert_type(&self, policy: &AlertPolicy) -> Option<AlertType> {
        let destination = policy.destination;
        let exists =
            destination.channel == ipmi_proto::ipmb::ChannelNumber::LAN && destination.destination > 0;
        let found = exists.then(|| self.destination_type(destination.destination))?;
        found.map(|found| found.delivery.kind)
    }

    /// Where the alerts of a destination go. `None` if none can be sent there: it has no address or one of a
    /// family that the BMC is not in, or is not for traps.
    pub(crate) fn alert_target(&self, destination: u8) -> Option<Target> {
        let kind = self.destination_type(destination)?;
        let Some(LanValue::DestinationAddress(address)) =
            self.lan_value(LanParameter::DESTINATION_ADDRESS, destination)
        else {
            return None;
        };
        let address = match address.address {
            AlertAddress::V4 { address, .. } => IpAddr::V4(address),
            AlertAddress::V6(address) => IpAddr::V6(address),
        };
        let local = self.alerts.address_for(address);
        if kind.delivery.kind != AlertType::PET
            || address.is_unspecified()
            || address.is_multicast()
            || address.is_ipv4() != local.is_ipv4()
        {
            return None;
        }
        // The number of seconds is zero-based.
        let timeout = Duration::from_secs(u64::from(kind.timeout) + 1);
        Some(Target {
            destination,
            peer: Peer {
                remote: SocketAddr::new(address, self.alerts.port),
                local,
            },
            timeout: kind.delivery.acknowledged.then_some(timeout),
            retries: kind.retries.0,
        })
    }

    /// A parameter of the LAN channel that does not depend on who asks.
    pub(super) fn lan_value(&self, parameter: LanParameter, set: u8) -> Option<LanValue> {
        let local = self.alerts.address_for(core::net::Ipv4Addr::UNSPECIFIED.into());
        let nobody = Peer { remote: local, local };
        self.lan.get(parameter, set, nobody, self.identity.mac).ok()
    }
}
