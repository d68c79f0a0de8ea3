//! Sensor data records: what a sensor is called, belongs to and measures (IPMI 2.0 §43).

mod factors;

pub use factors::{AnalogFormat, Factors, SensorDirection};

/// Bytes of the longest record: a header of 5 and a body of 255.
pub const MAX_RECORD_LENGTH: usize = 260;
