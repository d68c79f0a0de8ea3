//! Which events a sensor generates, and which of its events are pending.

use crate::command::{Empty, commands};
use crate::wire::{code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Turns events and scanning of a sensor on or off.
    SetSensorEventEnable = "Set Sensor Event Enable", SENSOR_EVENT 0x28, OPERATOR, Monitor, "35.10";
    request SetSensorEventEnableRequest {
        /// Number of the sensor.
        sensor: u8,
        /// What to turn on or off.
        control: EventEnableControl,
        /// Assertion events that `control` selects.
        assertions: Option<u16>,
        /// Deassertion events that `control` selects.
        deassertions: Option<u16>,
    }
    response Empty;

    /// Reads which events of a sensor are turned on.
    GetSensorEventEnable = "Get Sensor Event Enable", SENSOR_EVENT 0x29, USER, Monitor, "35.11";
    request GetSensorEventEnableRequest {
        /// Number of the sensor.
        sensor: u8,
    }
    response SensorEventEnable {
        /// Whether events and scanning are on at all.
        flags: EventEnableFlags,
        /// Assertion events that are turned on.
        assertions: Option<u16>,
        /// Deassertion events that are turned on.
        deassertions: Option<u16>,
    }

    /// Makes a sensor report states again that it has reported before.
    RearmSensorEvents = "Re-arm Sensor Events", SENSOR_EVENT 0x2a, OPERATOR, Monitor, "35.12";
    request RearmSensorEventsRequest {
        /// Number of the sensor.
        sensor: u8,
        /// All of its events or those of the masks.
        control: RearmControl,
        /// Assertion events to re-arm.
        assertions: Option<u16>,
        /// Deassertion events to re-arm.
        deassertions: Option<u16>,
    }
    response Empty;

    /// Reads which events of a sensor have happened.
    GetSensorEventStatus = "Get Sensor Event Status", SENSOR_EVENT 0x2b, USER, Monitor, "35.13";
    request GetSensorEventStatusRequest {
        /// Number of the sensor.
        sensor: u8,
    }
    response SensorEventStatus {
        /// Whether events and scanning are on and the sensor can be read.
        flags: SensorFlags,
        /// Assertion events that have happened.
        assertions: Option<u16>,
        /// Deassertion events that have happened.
        deassertions: Option<u16>,
    }
}

packed! {
    /// Second byte of [`SetSensorEventEnable`].
    pub struct EventEnableControl: u8 {
        /// The sensor may send event messages.
        events: bool = 7, 7;
        /// The sensor is scanned.
        scanning: bool = 6, 6;
        /// What to do with the selected events.
        operation: EventEnableOperation = 5, 4;
    }
}

code_points! {
    /// What [`SetSensorEventEnable`] does with the selected events, 2 bits.
    pub struct EventEnableOperation(u8) {
        LEAVE = 0, "leave single events as they are";
        ENABLE = 1, "enable the selected events";
        DISABLE = 2, "disable the selected events";
    }
}

packed! {
    /// First byte of [`SensorEventEnable`].
    pub struct EventEnableFlags: u8 {
        /// The sensor may send event messages.
        events: bool = 7, 7;
        /// The sensor is scanned.
        scanning: bool = 6, 6;
    }
}

packed! {
    /// Second byte of [`RearmSensorEvents`].
    pub struct RearmControl: u8 {
        /// Only the events of the masks; otherwise all.
        selected: bool = 7, 7;
    }
}

packed! {
    /// State of a sensor beside its reading.
    pub struct SensorFlags: u8 {
        /// The sensor may send event messages.
        events: bool = 7, 7;
        /// The sensor is scanned.
        scanning: bool = 6, 6;
        /// There is no reading at present; it must be ignored.
        unavailable: bool = 5, 5;
    }
}
