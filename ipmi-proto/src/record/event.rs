//! What an event says, however it travels: in a platform event, a record of the event log, an alert.

use super::SensorType;
use crate::command::message;
use crate::ipmb::ChannelNumber;
use crate::wire::{code_points, packed};

/// Event data bytes 2 and 3 that say nothing.
pub const UNSPECIFIED_EVENT_DATA: u8 = 0xff;

message! {
    /// An event: which sensor saw what (IPMI 2.0 §29.3 and §32.1).
    #[derive(Hash)]
    pub struct EventMessage {
        /// Revision of the format: 04h for IPMI 1.5 and later, 03h for IPMI 1.0.
        revision: u8,
        /// What the sensor watches.
        sensor_type: SensorType,
        /// Number of the sensor.
        sensor_number: u8,
        /// How to read the offset, and whether the state came or went.
        kind: EventKind,
        /// Offset of the state, and what the two bytes after it hold.
        data: EventData,
        /// Event data 2, FFh if unspecified.
        data2: u8,
        /// Event data 3, FFh if unspecified.
        data3: u8,
    }
}

impl EventMessage {
    /// The format revision of IPMI 1.5 and later.
    pub const REVISION: u8 = 0x04;
    /// The format revision of IPMI 1.0.
    pub const REVISION_1_0: u8 = 0x03;

    /// A state of a sensor that came, without further data.
    #[must_use]
    pub const fn assertion(
        sensor_type: SensorType,
        sensor_number: u8,
        event_type: EventType,
        offset: u8,
    ) -> Self {
        Self {
            revision: Self::REVISION,
            sensor_type,
            sensor_number,
            kind: EventKind {
                deasserted: false,
                event_type,
            },
            data: EventData {
                data2: EventDataUse::UNSPECIFIED,
                data3: EventDataUse::UNSPECIFIED,
                offset,
            },
            data2: UNSPECIFIED_EVENT_DATA,
            data3: UNSPECIFIED_EVENT_DATA,
        }
    }

    /// What the event says in words, if the specification has words for it.
    #[must_use]
    pub fn label(&self) -> Option<&'static str> {
        super::offset::label(self.kind.event_type, self.sensor_type, self.data.offset)
    }
}

packed! {
    /// The byte of an event that says how to read its offset.
    #[derive(Hash)]
    pub struct EventKind: u8 {
        /// The state went away; otherwise it came.
        deasserted: bool = 7, 7;
        /// Event/reading type.
        event_type: EventType = 6, 0;
    }
}

packed! {
    /// Event data 1.
    #[derive(Hash)]
    pub struct EventData: u8 {
        /// What event data 2 holds.
        data2: EventDataUse = 7, 6;
        /// What event data 3 holds.
        data3: EventDataUse = 5, 4;
        /// Offset of the state within the event/reading type (see [`offset`](super::offset)).
        offset: u8 = 3, 0;
    }
}

code_points! {
    /// What event data 2 or 3 holds, 2 bits (IPMI 2.0 §29.7).
    pub struct EventDataUse(u8) {
        UNSPECIFIED = 0, "unspecified";
        /// For a threshold sensor the reading (data 2) or the threshold (data 3) that caused the event; for a
        /// discrete one the previous state and severity (data 2), reserved for data 3.
        TRIGGER = 1, "trigger or previous state";
        OEM = 2, "OEM code";
        SENSOR_SPECIFIC = 3, "extension of the sensor type";
    }
}

code_points! {
    /// Event/reading type, 7 bits: the family of states that an offset is one of (IPMI 2.0 §42.1).
    pub struct EventType(u8) {
        UNSPECIFIED = 0x00, "unspecified";
        THRESHOLD = 0x01, "threshold";
        USAGE = 0x02, "usage state";
        STATE = 0x03, "state asserted";
        PREDICTIVE_FAILURE = 0x04, "predictive failure";
        LIMIT = 0x05, "limit exceeded";
        PERFORMANCE = 0x06, "performance";
        SEVERITY = 0x07, "severity";
        PRESENCE = 0x08, "device presence";
        ENABLED = 0x09, "device enabled";
        AVAILABILITY = 0x0a, "availability";
        REDUNDANCY = 0x0b, "redundancy";
        ACPI_DEVICE_POWER = 0x0c, "ACPI device power state";
        SENSOR_SPECIFIC = 0x6f, "sensor-specific";
    }
}

packed! {
    /// Who generated an event, 2 bytes (IPMI 2.0 §32.1).
    #[derive(Hash)]
    pub struct Generator: u16 {
        /// Channel that the event came over; 0 for the BMC itself.
        channel: ChannelNumber = 15, 12;
        /// Unit of the generator.
        lun: u8 = 9, 8;
        /// Slave address or software ID, 7 bits.
        address: u8 = 7, 1;
        /// `address` is a software ID.
        software: bool = 0, 0;
    }
}

impl Generator {
    /// The BMC itself: slave address 20h, unit 0.
    pub const BMC: Self = Self {
        channel: ChannelNumber(0),
        lun: 0,
        address: 0x10,
        software: false,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Decode, Reader, Writer};

    #[test]
    fn event_of_ipmitool() {
        // ipmitool 1.8.19 `event 1`.
        let bytes = hex_literal::hex!("04 01 30 01 09 ffff");
        let event = EventMessage::decode(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(event.sensor_type, SensorType::TEMPERATURE);
        assert_eq!(event.kind.event_type, EventType::THRESHOLD);
        assert_eq!(event.label(), Some("upper critical, going high"));
        let mut buffer = [0xa5; 7];
        Writer::new(&mut buffer).value(&event).unwrap();
        assert_eq!(buffer, bytes);
    }

    #[test]
    fn generators() {
        assert_eq!(Generator::BMC.to_word(), 0x0020);
        let console = Generator::from_word(0x0081);
        assert!(console.software);
        assert_eq!(console.address, 0x40);
    }
}
