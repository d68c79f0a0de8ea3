//! Alerts: platform event traps to destinations of the LAN channel, one at a time, repeated until they are
//! acknowledged (IPMI 2.0 §17.11, §30.7, §30.8).
//!
//! Event filters raise alerts, which wait here for their turn on the way through a set of the alert policy
//! table; Alert Immediate sends one past them. The driver fetches traps as datagrams
//! ([`Bmc::poll_transmit`](crate::bmc::Bmc::poll_transmit)).

mod delivery;
#[cfg(test)]
mod tests;
mod trap;
mod walk;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipmi_proto::command::sensor_event::alert::{AlertImmediate, AlertStatus, PetAcknowledgement};
use ipmi_proto::command::sensor_event::pef_parameter::AlertPolicy;
use ipmi_proto::command::transport::lan_value::AlertType;
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::pet::TRAP_PORT;
use ipmi_proto::session::Peer;
use ipmi_proto::time::Instant;

pub(crate) use delivery::Target;
use delivery::{Delivery, Order};
pub(crate) use trap::Cause;
use walk::Walk;

use crate::state::State;
use crate::state::lan::DESTINATIONS;
use crate::state::pef::{Delay, PefSettings};

/// How many alerts wait for their turn. More are lost: a destination that does not answer may hold them up for
/// minutes, and what came first explains more.
const WAITING: usize = 32;

/// The alerts of a BMC.
#[derive(Debug)]
pub(crate) struct Alerts {
    /// UDP port that traps are sent to.
    pub(crate) port: u16,
    /// Where the BMC is reached, if that is known.
    address: Option<SocketAddr>,
    /// Number of the latest event that an alert was about.
    sequence: u16,
    waiting: VecDeque<Waiting>,
    current: Option<Box<Delivery>>,
    /// How the last Alert Immediate to each destination went.
    statuses: [AlertStatus; DESTINATIONS as usize + 1],
    /// The machine has just started: alerts of filters wait.
    startup: Delay,
    overflowed: bool,
}

/// An alert that waits for its turn.
#[derive(Debug)]
struct Waiting {
    cause: Cause,
    sequence: u16,
    walk: Walk,
}

impl Alerts {
    /// None.
    pub(crate) const fn new() -> Self {
        Self {
            port: TRAP_PORT,
            address: None,
            sequence: 0,
            waiting: VecDeque::new(),
            current: None,
            statuses: [AlertStatus::NONE; DESTINATIONS as usize + 1],
            startup: Delay::Over,
            overflowed: false,
        }
    }

    /// The BMC is reached at this address.
    pub(crate) fn served_at(&mut self, address: SocketAddr) {
        self.address = Some(address);
    }

    /// A datagram came to this address. Tells a BMC which one is its own if it serves all of the host.
    pub(crate) fn reached_at(&mut self, address: SocketAddr) {
        if self.address.is_none_or(|known| known.ip().is_unspecified()) {
            self.address = Some(address);
        }
    }

    /// The address that alerts to `remote` leave from; any of its family if none is known.
    fn address_for(&self, remote: IpAddr) -> SocketAddr {
        self.address.unwrap_or_else(|| {
            let any = if remote.is_ipv4() {
                IpAddr::V4(Ipv4Addr::UNSPECIFIED)
            } else {
                IpAddr::V6(Ipv6Addr::UNSPECIFIED)
            };
            SocketAddr::new(any, 0)
        })
    }

    /// The machine started. Alerts wait for `delay`.
    pub(crate) const fn started(&mut self, delay: Delay) {
        self.startup = delay;
    }

    /// The BMC restarts: alerts on their way are lost.
    pub(crate) fn restart(&mut self) {
        *self = Self {
            port: self.port,
            address: self.address,
            // Receivers may still remember the numbers before.
            sequence: self.sequence,
            ..Self::new()
        };
    }

    /// When the time has to be told.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        let delivery = self.current.as_ref().and_then(|delivery| delivery.timeout());
        let startup = self.startup.timeout();
        [delivery, startup].into_iter().flatten().min()
    }

    /// A number for an event. Zero says that there is none.
    fn next_sequence(&mut self) -> u16 {
        self.sequence = self.sequence.checked_add(1).unwrap_or(1);
        self.sequence
    }

    /// Ends the delivery that is under way.
    fn finish(&mut self, bmc: &str, status: AlertStatus, kind: Option<AlertType>) {
        let Some(delivery) = self.current.take() else {
            return;
        };
        let Delivery {
            cause,
            sequence,
            target,
            order,
            ..
        } = *delivery;
        let succeeded = status == AlertStatus::NORMAL_END;
        tracing::info!(bmc, destination = target.destination, to = %target.peer.remote, sequence, %status, "alert");
        match order {
            Order::Immediate => self.note(target.destination, status),
            Order::Policy(policy, mut walk) => {
                walk.delivered(&policy, kind, succeeded);
                // It goes on before others.
                self.waiting.push_front(Waiting {
                    cause,
                    sequence,
                    walk,
                });
            }
        }
    }

    fn note(&mut self, destination: u8, status: AlertStatus) {
        if let Some(place) = self.statuses.get_mut(usize::from(destination)) {
            *place = status;
        }
    }

    /// How the last Alert Immediate to a destination went.
    ///
    /// # Errors
    /// CCh if there is no such destination.
    pub(crate) fn status(&self, destination: u8) -> Result<AlertStatus, CompletionCode> {
        let status = self.statuses.get(usize::from(destination));
        status.copied().ok_or(CompletionCode::INVALID_FIELD)
    }

    /// Forgets how the last Alert Immediate to a destination went.
    ///
    /// # Errors
    /// CCh if there is no such destination, 81h while the alert is on its way.
    pub(crate) fn clear_status(&mut self, destination: u8) -> Result<(), CompletionCode> {
        if self.status(destination)? == AlertStatus::IN_PROGRESS {
            return Err(AlertImmediate::IN_PROGRESS);
        }
        self.note(destination, AlertStatus::NONE);
        Ok(())
    }

    /// Sends an alert past those that wait.
    ///
    /// # Errors
    /// 81h while another one is on its way.
    pub(crate) fn send_immediately(
        &mut self,
        cause: Cause,
        target: Target,
        string: Option<u8>,
    ) -> Result<(), CompletionCode> {
        if self.current.is_some() {
            return Err(AlertImmediate::IN_PROGRESS);
        }
        let sequence = self.next_sequence();
        self.note(target.destination, AlertStatus::IN_PROGRESS);
        let delivery = Delivery::new(cause, sequence, string, target, Order::Immediate);
        self.current = Some(Box::new(delivery));
        Ok(())
    }
}

impl State {
    /// Event filters raise alerts: for each set of policies, the filter that names it.
    pub(crate) fn raise_alerts(&mut self, cause: Cause, sets: &[(u8, u8)]) {
        let sequence = self.alerts.next_sequence();
        for (set, filter) in sets {
            if self.alerts.waiting.len() >= WAITING {
                if !core::mem::replace(&mut self.alerts.overflowed, true) {
                    tracing::warn!(
                        bmc = self.identity.name,
                        "too many alerts wait for destinations: new ones are lost"
                    );
                }
                return;
            }
            let walk = Walk::new(*set, *filter);
            self.alerts.waiting.push_back(Waiting {
                cause,
                sequence,
                walk,
            });
        }
        self.wake = true;
    }

    /// The next trap to send, written to `output`: where it goes and its length.
    pub(crate) fn poll_alert(&mut self, now: Instant, output: &mut [u8]) -> Option<(Peer, usize)> {
        loop {
            if self.alerts.current.is_none() {
                self.begin_delivery(now)?;
            }
            let mut delivery = self.alerts.current.take()?;
            if !delivery.is_due() {
                self.alerts.current = Some(delivery);
                return None;
            }
            let written = self.write_trap(now, &delivery, output);
            let status = match written {
                Some(_) => delivery.sent(now),
                None => Some(AlertStatus::FAILED_RETRIES),
            };
            let peer = delivery.target.peer;
            tracing::debug!(bmc = self.identity.name, to = %peer.remote, sequence = delivery.sequence, "trap");
            self.alerts.current = Some(delivery);
            if let Some(status) = status {
                self.finish_delivery(status);
            }
            if let Some(length) = written {
                return Some((peer, length));
            }
        }
    }

    /// Takes the next alert that can be sent from those that wait.
    fn begin_delivery(&mut self, now: Instant) -> Option<()> {
        if self.alerts.startup.holds(now) {
            return None;
        }
        loop {
            let Some(waiting) = self.alerts.waiting.pop_front() else {
                // Thousands of BMCs: nothing is kept that is seldom needed.
                self.alerts.waiting = VecDeque::new();
                self.alerts.overflowed = false;
                return None;
            };
            let Waiting {
                cause,
                sequence,
                mut walk,
            } = waiting;
            while let Some(policy) = walk.next(&self.pef.settings, |policy| self.alert_type(policy)) {
                let kind = self.alert_type(&policy);
                let destination = policy.destination.destination;
                let Some(target) = kind.and_then(|_| self.alert_target(destination)) else {
                    tracing::warn!(
                        bmc = self.identity.name,
                        destination,
                        channel = policy.destination.channel.0,
                        "an alert policy names a destination that no trap can be sent to"
                    );
                    walk.delivered(&policy, kind, false);
                    continue;
                };
                let string = policy_string(&self.pef.settings, &policy, walk.filter);
                let order = Order::Policy(policy, walk);
                let delivery = Delivery::new(cause, sequence, string, target, order);
                self.alerts.current = Some(Box::new(delivery));
                return Some(());
            }
        }
    }

    /// Time passes for alerts.
    pub(crate) fn alerts_timeout(&mut self, now: Instant) {
        self.alerts.startup.tell_time(now);
        let current = self.alerts.current.as_mut();
        if let Some(status) = current.and_then(|delivery| delivery.expire(now)) {
            self.finish_delivery(status);
        }
    }

    /// Somebody acknowledged a trap.
    pub(crate) fn acknowledge_alert(&mut self, acknowledgement: &PetAcknowledgement) {
        let current = self.alerts.current.as_ref();
        if current.is_some_and(|delivery| delivery.is_meant_by(acknowledgement)) {
            self.finish_delivery(AlertStatus::NORMAL_END);
            // Another alert may follow.
            self.wake = true;
        }
    }

    fn finish_delivery(&mut self, status: AlertStatus) {
        let kind = match self.alerts.current.as_deref() {
            Some(Delivery {
                order: Order::Policy(policy, _),
                ..
            }) => self.alert_type(policy),
            _ => None,
        };
        self.alerts.finish(&self.identity.name, status, kind);
    }
}

/// Number of the alert string that a policy's alert carries.
fn policy_string(settings: &PefSettings, policy: &AlertPolicy, filter: u8) -> Option<u8> {
    let selector = policy.string.selector;
    if policy.string.event_specific {
        settings.string_of(filter, selector)
    } else {
        (selector != 0).then_some(selector)
    }
}
