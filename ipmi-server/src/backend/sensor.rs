//! Measured values and states of a machine.

use core::fmt;
use core::time::Duration;

/// What a sensor measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SensorKind {
    /// Share of the processors in use, percent.
    ProcessorUtilization,
    /// Share of the memory in use, percent.
    MemoryUtilization,
    /// Temperature, degrees Celsius. Only of machines that have a real or a simulated thermometer.
    Temperature,
    /// Fan speed, revolutions per minute.
    FanSpeed,
    /// Electric power, watts.
    Power,
    /// Data through a network card or a disk, megabytes (10^6 bytes) per second.
    DataRate,
    /// Time since the machine was started, hours.
    Uptime,
}

/// Where a sensor is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SensorPlace {
    /// Somewhere in the machine.
    #[default]
    Machine,
    /// In a processor.
    Processor,
    /// In the memory.
    Memory,
    /// Where the air comes in.
    AirInlet,
}

/// A sensor that the machine has.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SensorDescription {
    /// Number that stays the same for the life of the machine; index for [`SensorSource::read`].
    pub id: u16,
    /// Name, at most 16 ASCII characters.
    pub name: String,
    /// What it measures.
    pub kind: SensorKind,
    /// Where it is.
    pub place: SensorPlace,
    /// Smallest and largest value that can occur.
    pub range: (f64, f64),
    /// Limits that the machine comes with.
    pub thresholds: SensorThresholds,
}

/// Limits of a sensor's value, from its source. The BMC's users can change them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SensorThresholds {
    /// Below this the machine does not survive.
    pub lower_non_recoverable: Option<f64>,
    /// Below this something is wrong.
    pub lower_critical: Option<f64>,
    /// Below this somebody should look.
    pub lower_non_critical: Option<f64>,
    /// Above this somebody should look.
    pub upper_non_critical: Option<f64>,
    /// Above this something is wrong.
    pub upper_critical: Option<f64>,
    /// Above this the machine does not survive.
    pub upper_non_recoverable: Option<f64>,
}

impl SensorDescription {
    /// A description.
    #[must_use]
    pub fn new(id: u16, name: impl Into<String>, kind: SensorKind, range: (f64, f64)) -> Self {
        Self {
            id,
            name: name.into(),
            kind,
            place: SensorPlace::default(),
            range,
            thresholds: SensorThresholds::default(),
        }
    }

    /// The same in this place.
    #[must_use]
    pub const fn at(mut self, place: SensorPlace) -> Self {
        self.place = place;
        self
    }

    /// The same with limits.
    #[must_use]
    pub const fn with_thresholds(mut self, thresholds: SensorThresholds) -> Self {
        self.thresholds = thresholds;
        self
    }
}

/// A value with its age.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SensorReading {
    /// What was measured.
    pub value: SensorValue,
    /// How long ago. Too old a value is shown as unavailable.
    pub age: Duration,
}

/// A measured value.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SensorValue {
    /// A number in the unit of the [`SensorKind`].
    Number(f64),
}

/// A machine with sensors.
pub trait SensorSource: fmt::Debug + Send + Sync {
    /// The sensors; the list does not change while the machine exists.
    fn sensors(&self) -> Vec<SensorDescription>;

    /// The newest value of a sensor, from memory: must not block. `None` while there is none.
    fn read(&self, id: u16) -> Option<SensorReading>;
}
