//! Full sensor records, type 01h: sensors with a value and thresholds (IPMI 2.0 §43.1).

use super::factors::{AnalogFormat, Factors};
use super::sensor::{SensorCapabilities, SensorInitialization, SensorKey, SensorMasks, SensorUnits};
use super::{IdString, skip_reserved, write_reserved};
use crate::record::{Entity, EventType, SensorType, Thresholds};
use crate::wire::{Decode, Encode, Reader, WireError, Writer, code_points, packed};

/// A full sensor record. Fill what matters and take the rest from `FullSensor::default()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FullSensor {
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
    /// What its value counts.
    pub units: SensorUnits,
    /// How its value depends on the result of the factors.
    pub linearization: Linearization,
    /// Conversion between reading and value.
    pub factors: Factors,
    /// Which of the next three fields are meant.
    pub analog: AnalogFlags,
    /// Nominal reading, raw.
    pub nominal: u8,
    /// Highest normal reading, raw.
    pub normal_maximum: u8,
    /// Lowest normal reading, raw.
    pub normal_minimum: u8,
    /// Highest possible reading, raw.
    pub maximum: u8,
    /// Lowest possible reading, raw.
    pub minimum: u8,
    /// Thresholds that the initialization agent sets, raw.
    pub thresholds: Thresholds,
    /// Hysteresis below upper thresholds, raw.
    pub positive_hysteresis: u8,
    /// Hysteresis above lower thresholds, raw.
    pub negative_hysteresis: u8,
    /// The manufacturer's own.
    pub oem: u8,
    /// Name of the sensor.
    pub name: IdString,
}

impl FullSensor {
    /// Record type.
    pub const TYPE: u8 = 0x01;

    /// The value that a raw reading stands for. `None` without an analog reading or with a linearization that is
    /// not [`Linearization::LINEAR`].
    #[must_use]
    pub fn value(&self, raw: u8) -> Option<f64> {
        self.format().map(|format| self.factors.value(format, raw))
    }

    /// The raw reading whose value is nearest; it saturates. `None` as for [`value`](Self::value), or if all
    /// readings have the same value.
    #[must_use]
    pub fn raw(&self, value: f64) -> Option<u8> {
        self.factors.raw(self.format()?, value)
    }

    fn format(&self) -> Option<AnalogFormat> {
        let format = self.units.kind.format;
        (self.linearization == Linearization::LINEAR && format != AnalogFormat::NONE).then_some(format)
    }
}

code_points! {
    /// The function that a sensor applies to the result of its factors, 7 bits.
    pub struct Linearization(u8) {
        LINEAR = 0x00, "linear";
        LN = 0x01, "ln";
        LOG10 = 0x02, "log10";
        LOG2 = 0x03, "log2";
        E = 0x04, "e to the power of x";
        EXP10 = 0x05, "10 to the power of x";
        EXP2 = 0x06, "2 to the power of x";
        RECIPROCAL = 0x07, "1/x";
        SQUARE = 0x08, "square";
        CUBE = 0x09, "cube";
        SQUARE_ROOT = 0x0a, "square root";
        CUBE_ROOT = 0x0b, "cube root";
        NON_LINEAR = 0x70, "non-linear";
    }
}

packed! {
    /// Which descriptive values of a full sensor record are meant.
    #[derive(Hash)]
    pub struct AnalogFlags: u8 {
        /// The lowest normal reading.
        normal_minimum: bool = 2, 2;
        /// The highest normal reading.
        normal_maximum: bool = 1, 1;
        /// The nominal reading.
        nominal: bool = 0, 0;
    }
}

impl Decode for FullSensor {
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
            linearization: reader.value()?,
            factors: reader.value()?,
            analog: reader.value()?,
            nominal: reader.u8()?,
            normal_maximum: reader.u8()?,
            normal_minimum: reader.u8()?,
            maximum: reader.u8()?,
            minimum: reader.u8()?,
            thresholds: decode_thresholds(reader)?,
            positive_hysteresis: reader.u8()?,
            negative_hysteresis: reader.u8()?,
            oem: {
                skip_reserved::<2>(reader)?;
                reader.u8()?
            },
            name: reader.value()?,
        })
    }
}

impl Encode for FullSensor {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&self.key)?;
        writer.value(&self.entity)?;
        writer.value(&self.initialization)?;
        writer.value(&self.capabilities)?;
        writer.value(&self.sensor_type)?;
        writer.value(&self.event_type)?;
        writer.value(&self.masks)?;
        writer.value(&self.units)?;
        writer.value(&self.linearization)?;
        writer.value(&self.factors)?;
        writer.value(&self.analog)?;
        writer.bytes(&[
            self.nominal,
            self.normal_maximum,
            self.normal_minimum,
            self.maximum,
            self.minimum,
        ])?;
        encode_thresholds(&self.thresholds, writer)?;
        writer.bytes(&[self.positive_hysteresis, self.negative_hysteresis])?;
        write_reserved::<2>(writer)?;
        writer.u8(self.oem)?;
        writer.value(&self.name)
    }
}

/// A record has the thresholds from the highest to the lowest, unlike the threshold commands.
fn decode_thresholds(reader: &mut Reader<'_>) -> Result<Thresholds, WireError> {
    let [
        upper_non_recoverable,
        upper_critical,
        upper_non_critical,
        lower_non_recoverable,
        lower_critical,
        lower_non_critical,
    ] = reader.array()?;
    Ok(Thresholds {
        lower_non_critical,
        lower_critical,
        lower_non_recoverable,
        upper_non_critical,
        upper_critical,
        upper_non_recoverable,
    })
}

fn encode_thresholds(thresholds: &Thresholds, writer: &mut Writer<'_>) -> Result<(), WireError> {
    writer.bytes(&[
        thresholds.upper_non_recoverable,
        thresholds.upper_critical,
        thresholds.upper_non_critical,
        thresholds.lower_non_recoverable,
        thresholds.lower_critical,
        thresholds.lower_non_critical,
    ])
}
