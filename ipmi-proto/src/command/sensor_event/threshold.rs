//! Thresholds and hysteresis of a sensor.

use crate::command::{Empty, commands};
use crate::record::{ThresholdMask, Thresholds};

/// The hysteresis mask of this revision of the specification; the field is reserved.
pub const HYSTERESIS_MASK: u8 = 0xff;

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Sets how far a reading must go back before a threshold state ends.
    SetSensorHysteresis = "Set Sensor Hysteresis", SENSOR_EVENT 0x24, OPERATOR, Monitor, "35.6";
    request SetSensorHysteresisRequest {
        /// Number of the sensor.
        sensor: u8,
        /// [`HYSTERESIS_MASK`].
        mask: u8,
        /// Below an upper threshold, raw.
        positive: u8,
        /// Above a lower threshold, raw.
        negative: u8,
    }
    response Empty;

    /// Reads how far a reading must go back before a threshold state ends.
    GetSensorHysteresis = "Get Sensor Hysteresis", SENSOR_EVENT 0x25, USER, Monitor, "35.7";
    request GetSensorHysteresisRequest {
        /// Number of the sensor.
        sensor: u8,
        /// [`HYSTERESIS_MASK`].
        mask: u8,
    }
    response SensorHysteresis {
        /// Below an upper threshold, raw.
        positive: u8,
        /// Above a lower threshold, raw.
        negative: u8,
    }

    /// Sets thresholds of a sensor.
    SetSensorThresholds = "Set Sensor Thresholds", SENSOR_EVENT 0x26, OPERATOR, Monitor, "35.8";
    request SetSensorThresholdsRequest {
        /// Number of the sensor.
        sensor: u8,
        /// Which thresholds to set.
        mask: ThresholdMask,
        /// Raw values; those that the mask leaves out are ignored.
        thresholds: Thresholds,
    }
    response Empty;

    /// Reads the thresholds of a sensor.
    GetSensorThresholds = "Get Sensor Thresholds", SENSOR_EVENT 0x27, USER, Monitor, "35.9";
    request GetSensorThresholdsRequest {
        /// Number of the sensor.
        sensor: u8,
    }
    response SensorThresholds {
        /// Which thresholds can be read.
        readable: ThresholdMask,
        /// Raw values; those that the mask leaves out mean nothing.
        thresholds: Thresholds,
    }
}
