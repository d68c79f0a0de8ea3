//! What the records of all kinds of sensors have in common.

use crate::command::message;
use crate::ipmb::{BMC_ADDRESS, ChannelNumber};
use crate::record::sdr::AnalogFormat;
use crate::record::{RateUnit, ThresholdMask, Unit, UnitModifier};
use crate::wire::{code_points, packed};

message! {
    /// Which sensor a record is about.
    #[derive(Default, Hash)]
    pub struct SensorKey {
        /// Slave address of the owner, or with bit 0 set its software ID.
        owner: u8,
        /// Channel and unit of the owner.
        location: SensorLocation,
        /// Number of the sensor; FFh is reserved.
        number: u8,
    }
}

impl SensorKey {
    /// The sensor of the BMC with this number.
    #[must_use]
    pub const fn of_bmc(number: u8) -> Self {
        Self {
            owner: BMC_ADDRESS,
            location: SensorLocation {
                channel: ChannelNumber(0),
                lun: 0,
            },
            number,
        }
    }
}

packed! {
    /// Channel and unit of a sensor's owner.
    #[derive(Hash)]
    pub struct SensorLocation: u8 {
        /// The channel; 0 for the BMC.
        channel: ChannelNumber = 7, 4;
        /// The unit.
        lun: u8 = 1, 0;
    }
}

packed! {
    /// What the initialization agent sets up, and the state of a sensor after power-up.
    #[derive(Hash)]
    pub struct SensorInitialization: u8 {
        /// Software may set the reading and states.
        settable: bool = 7, 7;
        /// Scanning is turned on.
        scanning: bool = 6, 6;
        /// Events are turned on.
        events: bool = 5, 5;
        /// Thresholds are set.
        thresholds: bool = 4, 4;
        /// Hysteresis is set.
        hysteresis: bool = 3, 3;
        /// Sensor and event types are set.
        types: bool = 2, 2;
        /// After power-up the sensor sends events.
        events_at_power_up: bool = 1, 1;
        /// After power-up the sensor is scanned.
        scanning_at_power_up: bool = 0, 0;
    }
}

packed! {
    /// What can be done with a sensor.
    #[derive(Hash)]
    pub struct SensorCapabilities: u8 {
        /// The sensor is to be ignored if its entity is absent.
        ignore_if_absent: bool = 7, 7;
        /// States are re-armed by the sensor itself.
        auto_rearm: bool = 6, 6;
        /// What can be done with its hysteresis.
        hysteresis: SensorAccess = 5, 4;
        /// What can be done with its thresholds.
        thresholds: SensorAccess = 3, 2;
        /// How its events can be turned on and off.
        event_control: EventControl = 1, 0;
    }
}

code_points! {
    /// What can be done with the hysteresis or the thresholds of a sensor, 2 bits.
    pub struct SensorAccess(u8) {
        NONE = 0, "none";
        READABLE = 1, "readable";
        SETTABLE = 2, "readable and settable";
        FIXED = 3, "fixed, neither readable nor settable";
    }
}

code_points! {
    /// How events of a sensor can be turned on and off, 2 bits.
    pub struct EventControl(u8) {
        PER_STATE = 0, "each state by itself";
        ENTIRE_SENSOR = 1, "all states together";
        GLOBAL = 2, "all sensors of the device together";
        NONE = 3, "no events";
    }
}

message! {
    /// Which events a sensor can generate and which states its reading shows.
    #[derive(Default, Hash)]
    pub struct SensorMasks {
        /// Assertion events: bit n for offset n. For threshold sensors bits 14:12 say which lower thresholds the
        /// reading is compared with.
        assertions: u16,
        /// Deassertion events: bit n for offset n. For threshold sensors bits 14:12 say which upper thresholds the
        /// reading is compared with.
        deassertions: u16,
        /// Discrete sensors: states that the reading can show. Threshold sensors: settable thresholds in the high
        /// byte, readable ones in the low byte.
        reading: u16,
    }
}

impl SensorMasks {
    /// The masks of a threshold sensor whose reading is compared with its readable thresholds.
    /// `assertions` and `deassertions`: events that it can generate, bit n for
    /// [`ThresholdOffset`](crate::record::offset::ThresholdOffset) n.
    #[must_use]
    pub fn of_thresholds(
        assertions: u16,
        deassertions: u16,
        readable: ThresholdMask,
        settable: ThresholdMask,
    ) -> Self {
        let compared = u16::from(readable.to_word());
        Self {
            assertions: assertions & 0x0fff | (compared & 0b111) << 12,
            deassertions: deassertions & 0x0fff | (compared >> 3 & 0b111) << 12,
            reading: u16::from_le_bytes([readable.to_word(), settable.to_word()]),
        }
    }

    /// The masks of a discrete sensor: events that come, events that go, states that the reading shows.
    #[must_use]
    pub const fn of_states(assertions: u16, deassertions: u16, reading: u16) -> Self {
        Self {
            assertions,
            deassertions,
            reading,
        }
    }

    /// Thresholds that can be read, of a threshold sensor.
    #[must_use]
    pub fn readable_thresholds(&self) -> ThresholdMask {
        let [readable, _] = self.reading.to_le_bytes();
        ThresholdMask::from_word(readable)
    }

    /// Thresholds that can be set, of a threshold sensor.
    #[must_use]
    pub fn settable_thresholds(&self) -> ThresholdMask {
        let [_, settable] = self.reading.to_le_bytes();
        ThresholdMask::from_word(settable)
    }
}

message! {
    /// What a sensor's value counts.
    #[derive(Default, Hash)]
    pub struct SensorUnits {
        /// How the reading and its units are to be read.
        kind: UnitKind,
        /// The unit.
        base: Unit,
        /// The second unit, if `kind` says that there is one.
        modifier: Unit,
    }
}

impl SensorUnits {
    /// Percent, unsigned.
    pub const PERCENT: Self = Self {
        kind: UnitKind {
            format: AnalogFormat::UNSIGNED,
            rate: RateUnit::NONE,
            modifier: UnitModifier::NONE,
            percentage: true,
        },
        base: Unit::UNSPECIFIED,
        modifier: Unit::UNSPECIFIED,
    };

    /// No analog reading: a discrete sensor.
    pub const DISCRETE: Self = Self {
        kind: UnitKind {
            format: AnalogFormat::NONE,
            percentage: false,
            ..Self::PERCENT.kind
        },
        ..Self::PERCENT
    };

    /// `base` per `rate`, unsigned.
    #[must_use]
    pub const fn rate(base: Unit, rate: RateUnit) -> Self {
        Self {
            kind: UnitKind {
                rate,
                percentage: false,
                ..Self::PERCENT.kind
            },
            base,
            modifier: Unit::UNSPECIFIED,
        }
    }

    /// `base`, unsigned.
    #[must_use]
    pub const fn plain(base: Unit) -> Self {
        Self::rate(base, RateUnit::NONE)
    }
}

packed! {
    /// How the reading of a sensor and its units are to be read.
    #[derive(Hash)]
    pub struct UnitKind: u8 {
        /// Format of the raw reading.
        format: AnalogFormat = 7, 6;
        /// The time that the value is per.
        rate: RateUnit = 5, 3;
        /// How the second unit joins the first.
        modifier: UnitModifier = 2, 1;
        /// The value is a percentage.
        percentage: bool = 0, 0;
    }
}

packed! {
    /// How a compact or event-only record stands for several sensors.
    #[derive(Hash)]
    pub struct RecordSharing: u16 {
        /// Each sensor has the next entity instance; otherwise all have the same.
        entity_increments: bool = 15, 15;
        /// First suffix of the names.
        name_offset: u8 = 14, 8;
        /// Direction of the sensors: 0 unspecified, 1 input, 2 output.
        direction: u8 = 7, 6;
        /// Suffixes of the names are letters; otherwise numbers.
        name_letters: bool = 4, 4;
        /// How many sensors the record stands for; their numbers follow each other. 0 and 1 mean one.
        count: u8 = 3, 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_a_threshold_sensor() {
        let upper = ThresholdMask::from_word(0x18);
        let masks = SensorMasks::of_thresholds(0x0280, 0x0280, upper, upper);
        assert_eq!((masks.assertions, masks.deassertions), (0x0280, 0x3280));
        assert_eq!(masks.readable_thresholds(), upper);
        assert_eq!(masks.settable_thresholds(), upper);
    }

    #[test]
    fn units() {
        assert_eq!(SensorUnits::PERCENT.kind.to_word(), 0x01);
        assert_eq!(SensorUnits::DISCRETE.kind.to_word(), 0xc0);
        assert_eq!(
            SensorUnits::rate(Unit::MEGABYTES, RateUnit::PER_SECOND)
                .kind
                .to_word(),
            0x18
        );
    }
}
