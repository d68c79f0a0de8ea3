//! Records of the system event log, 16 bytes each (IPMI 2.0 §32).

use super::{EventMessage, Generator, RecordId};
use crate::wire::{Decode, Encode, Reader, U24, WireError, Writer};

/// Bytes of a record.
pub const RECORD_LENGTH: usize = 16;
/// Record type of a [`SelBody::System`] record.
pub const SYSTEM_EVENT_TYPE: u8 = 0x02;
/// First of the record types of [`SelBody::OemTimestamped`].
pub const OEM_TIMESTAMPED_TYPE: u8 = 0xc0;
/// The time that says that it is not known.
pub const UNSPECIFIED_TIME: u32 = 0xffff_ffff;

/// A record of the event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SelRecord {
    /// The record's number.
    pub id: RecordId,
    /// What it says.
    pub body: SelBody,
}

/// What a record of the event log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SelBody {
    /// An event of a sensor, type 02h.
    System {
        /// When it was logged, in seconds of the log's clock.
        timestamp: u32,
        /// Who generated it.
        generator: Generator,
        /// The event.
        event: EventMessage,
    },
    /// A manufacturer's record with a time, types C0h to DFh.
    OemTimestamped {
        /// Record type.
        record_type: u8,
        /// When it was logged, in seconds of the log's clock.
        timestamp: u32,
        /// IANA enterprise number of the manufacturer.
        manufacturer: U24,
        /// The manufacturer's data.
        data: [u8; 6],
    },
    /// A record that is nothing but a type and data: types E0h to FFh are a manufacturer's, the rest reserved.
    Untimed {
        /// Record type.
        record_type: u8,
        /// The data.
        data: [u8; 13],
    },
}

impl SelRecord {
    /// The bytes of the record.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; RECORD_LENGTH] {
        let mut bytes = [0; RECORD_LENGTH];
        let written = Writer::new(&mut bytes).value(self);
        debug_assert!(written.is_ok(), "every kind of record has 16 bytes");
        bytes
    }

    /// Reads a record. Every 16 bytes are one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; RECORD_LENGTH]) -> Self {
        let [low, high, record_type, data @ ..] = *bytes;
        let read = Reader::new(bytes).value();
        debug_assert!(read.is_ok(), "every 16 bytes are a record");
        read.unwrap_or_else(|_| Self {
            id: RecordId(u16::from_le_bytes([low, high])),
            body: SelBody::Untimed { record_type, data },
        })
    }
}

impl SelBody {
    /// The record type.
    #[must_use]
    pub const fn record_type(&self) -> u8 {
        match self {
            Self::System { .. } => SYSTEM_EVENT_TYPE,
            Self::OemTimestamped { record_type, .. } | Self::Untimed { record_type, .. } => *record_type,
        }
    }

    /// When the record was logged, if it has a time.
    #[must_use]
    pub const fn timestamp(&self) -> Option<u32> {
        match self {
            Self::System { timestamp, .. } | Self::OemTimestamped { timestamp, .. } => Some(*timestamp),
            Self::Untimed { .. } => None,
        }
    }

    /// Sets when the record was logged, if it has a time.
    pub const fn set_timestamp(&mut self, time: u32) {
        match self {
            Self::System { timestamp, .. } | Self::OemTimestamped { timestamp, .. } => *timestamp = time,
            Self::Untimed { .. } => {}
        }
    }

    /// Whether the specification defines records of this type.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        matches!(self.record_type(), SYSTEM_EVENT_TYPE | 0xc0..=0xff)
    }
}

impl Decode for SelRecord {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let id = reader.value()?;
        let body = match reader.u8()? {
            SYSTEM_EVENT_TYPE => SelBody::System {
                timestamp: reader.value()?,
                generator: reader.value()?,
                event: reader.value()?,
            },
            record_type @ 0xc0..=0xdf => SelBody::OemTimestamped {
                record_type,
                timestamp: reader.value()?,
                manufacturer: reader.value()?,
                data: reader.array()?,
            },
            record_type => SelBody::Untimed {
                record_type,
                data: reader.array()?,
            },
        };
        Ok(Self { id, body })
    }
}

impl Encode for SelRecord {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&self.id)?;
        writer.u8(self.body.record_type())?;
        match &self.body {
            SelBody::System {
                timestamp,
                generator,
                event,
            } => {
                writer.value(timestamp)?;
                writer.value(generator)?;
                writer.value(event)
            }
            SelBody::OemTimestamped {
                timestamp,
                manufacturer,
                data,
                ..
            } => {
                writer.value(timestamp)?;
                writer.value(manufacturer)?;
                writer.bytes(data)
            }
            SelBody::Untimed { data, .. } => writer.bytes(data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{EventType, SensorType};
    use proptest::prelude::*;

    #[test]
    fn event_as_ipmitool_shows_it() {
        // From OpenIPMI's ipmi_sim; `ipmitool sel list`: 4 | Power Unit #0x01 | Power off/down | Asserted.
        let bytes = hex_literal::hex!("0400 02 058b026b 4100 04 09 01 6f a0 ff ff");
        let record = SelRecord::from_bytes(&bytes);
        let SelBody::System { generator, event, .. } = record.body else {
            panic!("not a system event");
        };
        assert!(generator.software && generator.address == 0x20);
        assert_eq!(event.sensor_type, SensorType::POWER_UNIT);
        assert_eq!(event.kind.event_type, EventType::SENSOR_SPECIFIC);
        assert_eq!(event.label(), Some("power off or down"));
        assert_eq!(record.to_bytes(), bytes);
    }

    #[test]
    fn oem_records() {
        let timed = hex_literal::hex!("0200 c0 01020304 f20300 010203040506");
        let record = SelRecord::from_bytes(&timed);
        assert_eq!(record.body.timestamp(), Some(0x0403_0201));
        assert!(matches!(
            record.body,
            SelBody::OemTimestamped {
                manufacturer: U24(0x3f2),
                ..
            }
        ));
        assert_eq!(record.to_bytes(), timed);
        let untimed = hex_literal::hex!("0300 e0 0102030405060708090a0b0c0d");
        assert_eq!(SelRecord::from_bytes(&untimed).body.timestamp(), None);
        assert!(!SelRecord::from_bytes(&[0x41; 16]).body.is_known());
    }

    proptest! {
        #[test]
        fn records_round_trip(bytes: [u8; RECORD_LENGTH]) {
            let record = SelRecord::from_bytes(&bytes);
            // Only reserved bits of the generator may get lost.
            prop_assert_eq!(SelRecord::from_bytes(&record.to_bytes()), record);
        }
    }
}
