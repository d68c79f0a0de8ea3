//! Event-only records, type 03h: sources of events that cannot be read (IPMI 2.0 §43.3).

use super::sensor::{RecordSharing, SensorKey};
use super::{IdString, skip_reserved, write_reserved};
use crate::record::{Entity, EventType, SensorType};
use crate::wire::{Decode, Encode, Reader, WireError, Writer};

/// An event-only record. Fill what matters and take the rest from `EventOnlySensor::default()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventOnlySensor {
    /// Which sensor it is.
    pub key: SensorKey,
    /// What it belongs to.
    pub entity: Entity,
    /// What it watches.
    pub sensor_type: SensorType,
    /// How its offsets are read.
    pub event_type: EventType,
    /// How the record stands for several sensors.
    pub sharing: RecordSharing,
    /// The manufacturer's own.
    pub oem: u8,
    /// Name of the sensor.
    pub name: IdString,
}

impl EventOnlySensor {
    /// Record type.
    pub const TYPE: u8 = 0x03;
}

impl Decode for EventOnlySensor {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            key: reader.value()?,
            entity: reader.value()?,
            sensor_type: reader.value()?,
            event_type: reader.value()?,
            sharing: reader.value()?,
            oem: {
                skip_reserved::<1>(reader)?;
                reader.u8()?
            },
            name: reader.value()?,
        })
    }
}

impl Encode for EventOnlySensor {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&self.key)?;
        writer.value(&self.entity)?;
        writer.value(&self.sensor_type)?;
        writer.value(&self.event_type)?;
        writer.value(&self.sharing)?;
        write_reserved::<1>(writer)?;
        writer.u8(self.oem)?;
        writer.value(&self.name)
    }
}
