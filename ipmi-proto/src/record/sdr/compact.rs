//! Compact sensor records, type 02h: sensors with states (IPMI 2.0 §43.2).

use super::sensor::{
    RecordSharing, SensorCapabilities, SensorInitialization, SensorKey, SensorMasks, SensorUnits,
};
use super::{IdString, skip_reserved, write_reserved};
use crate::record::{Entity, EventType, SensorType};
use crate::wire::{Decode, Encode, Reader, WireError, Writer};

/// A compact sensor record. Fill what matters and take the rest from `CompactSensor::default()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactSensor {
    /// Which sensor it is.
    pub key: SensorKey,
    /// What it belongs to.
    pub entity: Entity,
    /// What the initialization agent sets up.
    pub initialization: SensorInitialization,
    /// What can be done with it.
    pub capabilities: SensorCapabilities,
    /// What it watches.
    pub sensor_type: SensorType,
    /// How its offsets are read.
    pub event_type: EventType,
    /// Which events and states it has.
    pub masks: SensorMasks,
    /// What its value counts: [`SensorUnits::DISCRETE`] if it has none.
    pub units: SensorUnits,
    /// How the record stands for several sensors.
    pub sharing: RecordSharing,
    /// Hysteresis below upper thresholds, raw.
    pub positive_hysteresis: u8,
    /// Hysteresis above lower thresholds, raw.
    pub negative_hysteresis: u8,
    /// The manufacturer's own.
    pub oem: u8,
    /// Name of the sensor.
    pub name: IdString,
}

impl CompactSensor {
    /// Record type.
    pub const TYPE: u8 = 0x02;
}

impl Decode for CompactSensor {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            key: reader.value()?,
            entity: reader.value()?,
            initialization: reader.value()?,
            capabilities: reader.value()?,
            sensor_type: reader.value()?,
            event_type: reader.value()?,
            masks: reader.value()?,
            units: reader.value()?,
            sharing: reader.value()?,
            positive_hysteresis: reader.u8()?,
            negative_hysteresis: reader.u8()?,
            oem: {
                skip_reserved::<3>(reader)?;
                reader.u8()?
            },
            name: reader.value()?,
        })
    }
}

impl Encode for CompactSensor {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&self.key)?;
        writer.value(&self.entity)?;
        writer.value(&self.initialization)?;
        writer.value(&self.capabilities)?;
        writer.value(&self.sensor_type)?;
        writer.value(&self.event_type)?;
        writer.value(&self.masks)?;
        writer.value(&self.units)?;
        writer.value(&self.sharing)?;
        writer.bytes(&[self.positive_hysteresis, self.negative_hysteresis])?;
        write_reserved::<3>(writer)?;
        writer.u8(self.oem)?;
        writer.value(&self.name)
    }
}
