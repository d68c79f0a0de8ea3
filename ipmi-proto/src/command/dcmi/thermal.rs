//! Temperatures: sensors, readings and limits.

use crate::command::{Empty, commands, message};
use crate::wire::{Counted, List, packed};

/// Most sensors in one response.
pub const SENSORS_PER_PAGE: usize = 8;

commands! {
    /// The commands of this module.
    COMMANDS: Dcmi;

    /// Lists the sensor records of an entity.
    GetDcmiSensorInfo = "Get DCMI Sensor Info", GROUP_EXTENSION 0x07, OPERATOR, Dcmi, "6.5.2";
    request GetDcmiSensorInfoRequest {
        /// The sensors that are asked for.
        query: SensorQuery,
    }
    response DcmiSensorInfo {
        /// Number of all instances.
        total: u8,
        /// Record IDs of the sensors.
        records: Counted<List<u16, SENSORS_PER_PAGE>>,
    }

    /// Sets a limit of a temperature.
    SetThermalLimit = "Set Thermal Limit", GROUP_EXTENSION 0x0b, OPERATOR, Refuse, "6.7.2";
    request SetThermalLimitRequest {
        /// Entity.
        entity: u8,
        /// Instance of the entity.
        instance: u8,
        /// The limit.
        limit: ThermalLimit,
    }
    response Empty;

    /// Tells the limit of a temperature.
    GetThermalLimit = "Get Thermal Limit", GROUP_EXTENSION 0x0c, USER, Refuse, "6.7.1";
    request GetThermalLimitRequest {
        /// Entity.
        entity: u8,
        /// Instance of the entity.
        instance: u8,
    }
    response GetThermalLimitResponse {
        /// The limit.
        limit: ThermalLimit,
    }

    /// Reads the temperatures of an entity.
    GetTemperatureReadings = "Get Temperature Readings", GROUP_EXTENSION 0x10, USER, Dcmi, "6.7.3";
    request GetTemperatureReadingsRequest {
        /// The sensors that are asked for.
        query: SensorQuery,
    }
    response TemperatureReadings {
        /// Number of all instances.
        total: u8,
        /// The readings.
        readings: Counted<List<InstanceTemperature, SENSORS_PER_PAGE>>,
    }
}

message! {
    /// Which sensors are asked for.
    pub struct SensorQuery {
        /// Kind of the sensors: 01h, temperature.
        sensor_type: u8,
        /// Entity: 40h inlet, 41h processor, 42h board.
        entity: u8,
        /// Instance of the entity; 0 for all.
        instance: u8,
        /// First instance of the answer, when all are asked for.
        start: u8,
    }
}

packed! {
    /// What happens at a limit of a temperature.
    pub struct ThermalException: u8 {
        /// Power off and log.
        power_off: bool = 6, 6;
        /// Log.
        log: bool = 5, 5;
    }
}

message! {
    /// A limit of a temperature.
    pub struct ThermalLimit {
        /// What happens.
        exception: ThermalException,
        /// Limit in degrees Celsius.
        degrees: u8,
        /// How long the temperature must be above it, in s.
        exception_time: u16,
    }
}

packed! {
    /// A temperature: sign and amount.
    pub struct Temperature: u8 {
        /// Below zero.
        negative: bool = 7, 7;
        /// Degrees Celsius.
        degrees: u8 = 6, 0;
    }
}

message! {
    /// Temperature of an instance.
    #[derive(Default)]
    pub struct InstanceTemperature {
        /// The temperature.
        temperature: Temperature,
        /// Instance of the entity.
        instance: u8,
    }
}
