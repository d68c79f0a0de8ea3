//! Sensor data records: what a sensor is called, belongs to and measures (IPMI 2.0 §43).
//!
//! A record is a header (ID, version, type, length) and a body. [`SdrRecord`] reads and writes the types that a
//! BMC for virtual machines has, and carries others as bytes.

mod compact;
mod event_only;
mod factors;
mod full;
mod id_string;
mod locator;
mod sensor;

pub use compact::CompactSensor;
pub use event_only::EventOnlySensor;
pub use factors::{AnalogFormat, Factors, SensorDirection};
pub use full::{AnalogFlags, FullSensor, Linearization};
pub use id_string::{IdString, MAX_NAME_LENGTH};
pub use locator::{ControllerInitialization, ControllerLocator, FruChannel, FruDeviceAccess, FruLocator};
pub use sensor::{
    EventControl, RecordSharing, SensorAccess, SensorCapabilities, SensorInitialization, SensorKey,
    SensorLocation, SensorMasks, SensorUnits, UnitKind,
};

use super::RecordId;
use crate::command::storage::sdr::SDR_VERSION;
use crate::wire::{Bytes, Decode, Encode, Reader, WireError, Writer};

/// Bytes of the header of a record.
pub const HEADER_LENGTH: usize = 5;
/// Bytes of the longest record: the header and a body of 255.
pub const MAX_RECORD_LENGTH: usize = HEADER_LENGTH + 255;

/// A sensor data record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdrRecord {
    /// The record's number in its repository.
    pub id: RecordId,
    /// What it says.
    pub body: SdrBody,
}

/// What a sensor data record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SdrBody {
    /// A sensor with a value and thresholds, type 01h.
    Full(FullSensor),
    /// A sensor with states, type 02h.
    Compact(CompactSensor),
    /// A source of events that cannot be read, type 03h.
    EventOnly(EventOnlySensor),
    /// Where a FRU inventory is, type 11h.
    FruLocator(FruLocator),
    /// Where a management controller is, type 12h.
    ControllerLocator(ControllerLocator),
    /// A record of another type; C0h is a manufacturer's.
    Other {
        /// Record type.
        record_type: u8,
        /// The bytes after the header.
        data: Bytes<255>,
    },
}

impl SdrBody {
    /// The record type.
    #[must_use]
    pub const fn record_type(&self) -> u8 {
        match self {
            Self::Full(_) => FullSensor::TYPE,
            Self::Compact(_) => CompactSensor::TYPE,
            Self::EventOnly(_) => EventOnlySensor::TYPE,
            Self::FruLocator(_) => FruLocator::TYPE,
            Self::ControllerLocator(_) => ControllerLocator::TYPE,
            Self::Other { record_type, .. } => *record_type,
        }
    }

    /// The sensor that the record is about, if it is about one.
    #[must_use]
    pub const fn sensor(&self) -> Option<SensorKey> {
        match self {
            Self::Full(sensor) => Some(sensor.key),
            Self::Compact(sensor) => Some(sensor.key),
            Self::EventOnly(sensor) => Some(sensor.key),
            _ => None,
        }
    }

    /// The name in the record, if it has one.
    #[must_use]
    pub const fn name(&self) -> Option<&IdString> {
        match self {
            Self::Full(sensor) => Some(&sensor.name),
            Self::Compact(sensor) => Some(&sensor.name),
            Self::EventOnly(sensor) => Some(&sensor.name),
            Self::FruLocator(locator) => Some(&locator.name),
            Self::ControllerLocator(locator) => Some(&locator.name),
            Self::Other { .. } => None,
        }
    }

    /// Reads the body of a record of this type. Bytes after the last field are ignored.
    fn decode(record_type: u8, body: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        Ok(match record_type {
            FullSensor::TYPE => Self::Full(reader.value()?),
            CompactSensor::TYPE => Self::Compact(reader.value()?),
            EventOnlySensor::TYPE => Self::EventOnly(reader.value()?),
            FruLocator::TYPE => Self::FruLocator(reader.value()?),
            ControllerLocator::TYPE => Self::ControllerLocator(reader.value()?),
            record_type => Self::Other {
                record_type,
                data: reader.value()?,
            },
        })
    }
}

impl Encode for SdrBody {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        match self {
            Self::Full(sensor) => writer.value(sensor),
            Self::Compact(sensor) => writer.value(sensor),
            Self::EventOnly(sensor) => writer.value(sensor),
            Self::FruLocator(locator) => writer.value(locator),
            Self::ControllerLocator(locator) => writer.value(locator),
            Self::Other { data, .. } => writer.value(data),
        }
    }
}

/// The version is not looked at: records of IPMI 1.0 to 2.0 have the same layout as far as they are read here.
impl Decode for SdrRecord {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let id = reader.value()?;
        let [_version, record_type, length] = reader.array()?;
        let body = SdrBody::decode(record_type, reader.slice(usize::from(length))?)?;
        Ok(Self { id, body })
    }
}

impl Encode for SdrRecord {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&self.id)?;
        let start = writer.len();
        writer.bytes(&[SDR_VERSION, self.body.record_type(), 0])?;
        let body = writer.len();
        writer.value(&self.body)?;
        let length = u8::try_from(writer.len() - body).map_err(|_| WireError::Invalid)?;
        // The length is known only now.
        let header = writer.written_mut().get_mut(start..body).unwrap_or_default();
        if let [_, _, place] = header {
            *place = length;
        }
        Ok(())
    }
}

/// Reads over reserved bytes.
fn skip_reserved<const N: usize>(reader: &mut Reader<'_>) -> Result<(), WireError> {
    reader.array::<N>().map(|_| ())
}

/// Writes reserved bytes.
fn write_reserved<const N: usize>(writer: &mut Writer<'_>) -> Result<(), WireError> {
    writer.bytes(&[0; N])
}

#[cfg(test)]
mod tests;
