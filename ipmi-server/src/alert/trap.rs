//! What a trap says of an event.

use core::net::{IpAddr, Ipv4Addr};

use ipmi_proto::command::sensor_event::alert::PetAcknowledgement;
use ipmi_proto::command::sensor_event::pef_parameter::EventSeverity;
use ipmi_proto::command::storage::time::UNSPECIFIED_UTC_OFFSET;
use ipmi_proto::command::transport::lan::{LanParameter, LanValue};
use ipmi_proto::pet::{
    PlatformEventTrap, SOURCE_IPMI, SpecificTrap, TrapVariable, text_field, timestamp_from_unix,
};
use ipmi_proto::record::{Entity, EventMessage, Generator};
use ipmi_proto::time::Instant;
use ipmi_proto::wire::{Bytes, Writer};

use super::delivery::Delivery;
use crate::handlers::{MANUFACTURER, PRODUCT};
use crate::state::State;

/// Language of alert strings, whose characters clients send without saying: English has one byte for each.
const ENGLISH: u8 = 25;
/// Language where there is no text.
const UNSPECIFIED_LANGUAGE: u8 = 0xff;
/// Times before this count from the start of some clock, not from 1970.
const SINCE_INITIALISATION: u32 = 0x2000_0000;

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// When it happened, as traps have it.
    timestamp: u32,
    severity: EventSeverity,
    /// First byte of the generator.
    device: u8,
    /// The event; `None` if the alert is about none.
    event: Option<EventMessage>,
}

impl Cause {
    /// What happened at `seconds` of the event log's clock.
    pub(crate) fn new(
        seconds: u32,
        severity: EventSeverity,
        generator: Generator,
        event: Option<EventMessage>,
    ) -> Self {
        let [device, _] = generator.to_word().to_le_bytes();
        let timestamp = if seconds > SINCE_INITIALISATION {
            timestamp_from_unix(seconds)
        } else {
            0
        };
        Self {
            timestamp,
            severity,
            device,
            event,
        }
    }

    fn event_data(&self) -> [u8; 3] {
        self.event
            .map_or([0; 3], |event| [event.data.to_word(), event.data2, event.data3])
    }

    fn sensor_number(&self) -> u8 {
        self.event.map_or(0, |event| event.sensor_number)
    }

    /// What acknowledges a trap about it.
    pub(super) fn acknowledgement(&self, sequence: u16) -> PetAcknowledgement {
        PetAcknowledgement {
            sequence,
            timestamp: self.timestamp,
            event_source: SOURCE_IPMI,
            sensor_device: self.device,
            sensor_number: self.sensor_number(),
            event_data: self.event_data(),
        }
    }
}

impl State {
    /// Writes the trap of a delivery. Answers its length; `None` if it does not fit.
    pub(super) fn write_trap(&self, now: Instant, delivery: &Delivery, output: &mut [u8]) -> Option<usize> {
        let Some(LanValue::Community(community)) = self.lan_value(LanParameter::COMMUNITY, 0) else {
            return None;
        };
        let agent = match delivery.target.peer.local.ip() {
            IpAddr::V4(address) => address,
            IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
        };
        let event = delivery.cause.event.as_ref();
        // Begins again after 497 days, as SNMP's do.
        let uptime = now.as_micros() / 10_000 % (1 << 32);
        let trap = PlatformEventTrap {
            community: community.text(),
            agent,
            event: event.map_or(SpecificTrap::UNSPECIFIED, SpecificTrap::from),
            uptime: u32::try_from(uptime).unwrap_or_default(),
            variable: self.trap_variable(delivery),
        };
        let mut writer = Writer::new(output);
        trap.write(&mut writer).ok()?;
        Some(writer.len())
    }

    fn trap_variable(&self, delivery: &Delivery) -> TrapVariable {
        let cause = &delivery.cause;
        let [data1, data2, data3] = cause.event_data();
        let text = delivery.string.map(|string| self.pef.settings.string(string));
        let text = text.filter(|text| !text.is_empty());
        let utc_offset = self.clock.utc_offset();
        TrapVariable {
            guid: self.pef.settings.trap_guid().unwrap_or(self.identity.system_guid),
            sequence: delivery.sequence,
            timestamp: cause.timestamp,
            utc_offset: (utc_offset != UNSPECIFIED_UTC_OFFSET).then_some(utc_offset),
            trap_source: SOURCE_IPMI,
            event_source: SOURCE_IPMI,
            severity: cause.severity,
            sensor_device: cause.device,
            sensor_number: cause.sensor_number(),
            entity: self.entity_of(cause),
            event_data: [data1, data2, data3, 0, 0, 0, 0, 0],
            language: if text.is_some() {
                ENGLISH
            } else {
                UNSPECIFIED_LANGUAGE
            },
            manufacturer: MANUFACTURER.0,
            system: PRODUCT,
            oem: text.map_or_else(Bytes::new, |text| text_field(&text)),
        }
    }

    /// What the sensor of an event belongs to, if it is one of the BMC's.
    fn entity_of(&self, cause: &Cause) -> Entity {
        let [device, _] = Generator::BMC.to_word().to_le_bytes();
        let sensor = cause
            .event
            .filter(|_| cause.device == device)
            .and_then(|event| self.sensors.get(event.sensor_number).ok());
        sensor.map_or_else(Entity::default, |(sensor, _)| sensor.entity())
    }
}
