//! Readings and types of sensors.

use super::event_enable::SensorFlags;
use crate::command::{Empty, commands, message};
use crate::record::sdr::Factors;
use crate::record::{EventType, SensorType, ThresholdMask};
use crate::wire::{LowBits, code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Reads the conversion factors for one raw reading of a non-linear sensor.
    GetSensorReadingFactors = "Get Sensor Reading Factors", SENSOR_EVENT 0x23, USER, Monitor, "35.5";
    request GetSensorReadingFactorsRequest {
        /// Number of the sensor.
        sensor: u8,
        /// The raw reading.
        reading: u8,
    }
    response SensorReadingFactors {
        /// The next raw reading with other factors.
        next_reading: u8,
        /// The factors.
        factors: Factors,
    }

    /// Reads a sensor.
    GetSensorReading = "Get Sensor Reading", SENSOR_EVENT 0x2d, USER, Monitor, "35.14";
    request GetSensorReadingRequest {
        /// Number of the sensor.
        sensor: u8,
    }
    response SensorReading {
        /// Raw reading; 00h for a discrete sensor.
        reading: u8,
        /// Whether events and scanning are on and the reading is one.
        flags: SensorFlags,
        /// States 7 to 0 of a discrete sensor; crossed thresholds in bits 5:0.
        states_low: Option<u8>,
        /// States 14 to 8 of a discrete sensor, bit 7 set.
        states_high: Option<u8>,
    }

    /// Sets what a sensor watches.
    SetSensorType = "Set Sensor Type", SENSOR_EVENT 0x2e, OPERATOR, Monitor, "35.15";
    request SetSensorTypeRequest {
        /// Number of the sensor.
        sensor: u8,
        /// What it watches and how its offsets are read.
        types: SensorTypes,
    }
    response Empty;

    /// Reads what a sensor watches.
    GetSensorType = "Get Sensor Type", SENSOR_EVENT 0x2f, USER, Monitor, "35.16";
    request GetSensorTypeRequest {
        /// Number of the sensor.
        sensor: u8,
    }
    response SensorTypes;

    /// Sets the reading and states of a sensor that software feeds.
    SetSensorReading = "Set Sensor Reading And Event Status", SENSOR_EVENT 0x30, OPERATOR, Monitor, "35.17";
    request SetSensorReadingRequest {
        /// Number of the sensor.
        sensor: u8,
        /// Which of the fields below to use.
        control: SetReadingControl,
        /// Raw reading.
        reading: Option<u8>,
        /// Assertion states.
        assertions: Option<u16>,
        /// Deassertion states.
        deassertions: Option<u16>,
        /// Event data 1 to 3.
        event_data: Option<[u8; 3]>,
    }
    response Empty;
    => {
        NOT_SETTABLE = 0x80, "reading or states cannot be set";
        EVENT_DATA_NOT_SETTABLE = 0x81, "event data cannot be set";
    }
}

impl SensorReading {
    /// States of a discrete sensor: bit n for offset n.
    #[must_use]
    pub fn states(&self) -> u16 {
        let high = self.states_high.unwrap_or_default() & 0x7f;
        u16::from_le_bytes([self.states_low.unwrap_or_default(), high])
    }

    /// Thresholds that the reading of a threshold sensor has crossed.
    #[must_use]
    pub fn crossed(&self) -> ThresholdMask {
        ThresholdMask::from_word(self.states_low.unwrap_or_default())
    }
}

message! {
    /// What a sensor watches and how its offsets are read.
    pub struct SensorTypes {
        /// What it watches.
        sensor_type: SensorType,
        /// How its offsets are read.
        event_type: LowBits<EventType, 7>,
    }
}

packed! {
    /// Which fields of [`SetSensorReadingRequest`] are used, and how.
    pub struct SetReadingControl: u8 {
        /// What to do with the event data.
        event_data: EventDataOperation = 7, 6;
        /// What to do with the assertion states.
        assertions: StatusOperation = 5, 4;
        /// What to do with the deassertion states.
        deassertions: StatusOperation = 3, 2;
        /// What to do with the reading.
        reading: ReadingOperation = 1, 0;
    }
}

code_points! {
    /// What [`SetSensorReading`] does with the event data, 2 bits.
    pub struct EventDataOperation(u8) {
        LEAVE = 0, "do not write";
        WRITE = 1, "write, with the offset";
        WRITE_WITHOUT_OFFSET = 2, "write, but let the BMC fill in the offset";
    }
}

code_points! {
    /// What [`SetSensorReading`] does with states, 2 bits.
    pub struct StatusOperation(u8) {
        LEAVE = 0, "do not change";
        WRITE = 1, "write all bits";
        SET = 2, "set the bits that are 1";
        CLEAR = 3, "clear the bits that are 0";
    }
}

code_points! {
    /// What [`SetSensorReading`] does with the reading, 2 bits.
    pub struct ReadingOperation(u8) {
        LEAVE = 0, "do not change";
        WRITE = 1, "write";
    }
}
