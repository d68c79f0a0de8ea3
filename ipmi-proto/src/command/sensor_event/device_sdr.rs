//! Sensor data records that a controller holds itself, beside a repository.

use crate::command::storage::sdr::{GetSdrRequest, GetSdrResponse, SdrReservation};
use crate::command::{Empty, commands};
use crate::wire::packed;

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Says how many sensors or records the device has.
    GetDeviceSdrInfo = "Get Device SDR Info", SENSOR_EVENT 0x20, USER, Monitor, "35.2";
    request GetDeviceSdrInfoRequest {
        /// What to count. Without it: sensors.
        operation: Option<DeviceSdrCount>,
    }
    response DeviceSdrInfo {
        /// Number of sensors of this unit, or of records.
        count: u8,
        /// Which units have sensors, and whether sensors come and go.
        flags: DeviceSdrFlags,
        /// Changes whenever a sensor comes or goes. Only with dynamic population.
        population_change: Option<u32>,
    }

    /// Reads a part of a record.
    GetDeviceSdr = "Get Device SDR", SENSOR_EVENT 0x21, USER, Monitor, "35.3";
    request GetSdrRequest;
    response GetSdrResponse;

    /// Takes the reservation that reading a part of a record needs.
    ReserveDeviceSdrRepository = "Reserve Device SDR Repository", SENSOR_EVENT 0x22, USER, Monitor, "35.4";
    request Empty;
    response SdrReservation;
}

packed! {
    /// What [`GetDeviceSdrInfo`] counts.
    pub struct DeviceSdrCount: u8 {
        /// Records of all units; otherwise sensors of the addressed unit.
        records: bool = 0, 0;
    }
}

packed! {
    /// Flags of [`DeviceSdrInfo`].
    pub struct DeviceSdrFlags: u8 {
        /// Sensors may come and go at run time.
        dynamic: bool = 7, 7;
        /// Unit 3 has sensors.
        lun3: bool = 3, 3;
        /// Unit 2 has sensors.
        lun2: bool = 2, 2;
        /// Unit 1 has sensors.
        lun1: bool = 1, 1;
        /// Unit 0 has sensors.
        lun0: bool = 0, 0;
    }
}
