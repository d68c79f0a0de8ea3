//! Simulated measurements: a thermometer in the processor and one at the inlet, a fan, the load, the power.

use core::time::Duration;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::machine::MemoryMachine;
use crate::backend::{
    PowerState, SensorDescription, SensorKind, SensorPlace, SensorReading, SensorSource, SensorThresholds,
    SensorValue,
};

const CPU_TEMPERATURE: u16 = 1;
const INLET_TEMPERATURE: u16 = 2;
const FAN: u16 = 3;
const CPU_LOAD: u16 = 4;
const MEMORY_LOAD: u16 = 5;
const POWER: u16 = 6;

/// The load goes up and down in this time.
const PERIOD: Duration = Duration::from_secs(120);

/// Values that a test has set, and when the machine was made.
#[derive(Debug)]
pub(super) struct Measurements {
    start: Instant,
    set: Mutex<Vec<(u16, Option<f64>)>>,
}

impl Measurements {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            set: Mutex::default(),
        }
    }

    fn set_value(&self, id: u16) -> Option<Option<f64>> {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        set.iter()
            .find(|(other, _)| *other == id)
            .map(|(_, value)| *value)
    }

    /// Share of the period's height now, 0 to 1.
    fn wave(&self) -> f64 {
        let phase = self.start.elapsed().as_secs_f64() / PERIOD.as_secs_f64();
        0.5 - 0.5 * (phase * core::f64::consts::TAU).cos()
    }
}

impl MemoryMachine {
    /// Makes a sensor show a value, or none; as long as it is not set again.
    pub fn set_sensor(&self, id: u16, value: Option<f64>) {
        let set = &self.measurements.set;
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        set.retain(|(other, _)| *other != id);
        set.push((id, value));
    }

    /// The value of a sensor that was added.
    fn added_value(&self, id: u16) -> Option<f64> {
        let added = &self.config().more_sensors;
        let found = added.iter().find(|(sensor, _)| sensor.id == id);
        found.map(|(_, value)| *value)
    }

    fn measure(&self, id: u16) -> Option<f64> {
        let is_on = self.present_power() == PowerState::On;
        let wave = self.measurements.wave();
        match id {
            INLET_TEMPERATURE => Some(22.0 + 2.0 * wave),
            _ if !is_on => None,
            CPU_TEMPERATURE => Some(41.0 + 12.0 * wave),
            FAN => Some(3_000.0 + 1_500.0 * wave),
            CPU_LOAD => Some(5.0 + 30.0 * wave),
            MEMORY_LOAD => Some(38.0),
            POWER => Some(90.0 + 60.0 * wave),
            _ => self.added_value(id),
        }
    }
}

impl SensorSource for MemoryMachine {
    fn sensors(&self) -> Vec<SensorDescription> {
        let hot = |warm, hot, dead| SensorThresholds {
            upper_non_critical: Some(warm),
            upper_critical: Some(hot),
            upper_non_recoverable: Some(dead),
            ..SensorThresholds::default()
        };
        let slow = SensorThresholds {
            lower_critical: Some(600.0),
            lower_non_critical: Some(900.0),
            ..SensorThresholds::default()
        };
        let percent = (0.0, 100.0);
        let sensor = SensorDescription::new;
        let added = self
            .config()
            .more_sensors
            .iter()
            .map(|(sensor, _)| sensor.clone());
        let own = [
            sensor(CPU_TEMPERATURE, "CPU Temp", SensorKind::Temperature, (0.0, 127.0))
                .at(SensorPlace::Processor)
                .with_thresholds(hot(80.0, 90.0, 100.0)),
            sensor(
                INLET_TEMPERATURE,
                "Inlet Temp",
                SensorKind::Temperature,
                (0.0, 127.0),
            )
            .at(SensorPlace::AirInlet)
            .with_thresholds(hot(38.0, 42.0, 46.0)),
            sensor(FAN, "Fan 1", SensorKind::FanSpeed, (0.0, 12_750.0)).with_thresholds(slow),
            sensor(
                CPU_LOAD,
                "CPU Utilization",
                SensorKind::ProcessorUtilization,
                percent,
            ),
            sensor(
                MEMORY_LOAD,
                "Memory Usage",
                SensorKind::MemoryUtilization,
                percent,
            ),
            sensor(POWER, "System Power", SensorKind::Power, (0.0, 510.0)),
        ];
        own.into_iter().chain(added).collect()
    }

    fn read(&self, id: u16) -> Option<SensorReading> {
        let value = match self.measurements.set_value(id) {
            Some(set) => set?,
            None => self.measure(id)?,
        };
        Some(SensorReading {
            value: SensorValue::Number(value),
            age: Duration::ZERO,
        })
    }
}
