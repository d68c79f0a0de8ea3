//! What sensors show at present: measurements of the machine with their age, and states of the BMC.

use alloc::sync::Arc;
use core::time::Duration;

use ipmi_proto::record::offset::{
    AcpiPowerStateOffset, EventLoggingOffset, ManagementHealthOffset, PowerUnitOffset,
};
use ipmi_proto::record::{EventMessage, ThresholdMask};
use ipmi_proto::time::Instant;

use super::State;
use super::catalogue::{Sensor, Source};
use super::sel::Fill;
use crate::backend::{BmcBackend, PowerState, SensorKind, SensorValue};

/// A measurement older than this says nothing about the present.
const MAX_AGE: Duration = Duration::from_secs(60);
/// How often measurements are compared with their thresholds although nobody asks.
const SCAN_PERIOD: Duration = Duration::from_secs(10);

/// What a sensor shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// There is no reading at present.
    Unavailable,
    /// A raw value, and the thresholds that it has reached.
    Raw(u8, ThresholdMask),
    /// States of a discrete sensor.
    States(u16),
}

/// When measurements are looked at next.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scan {
    next: Option<Instant>,
}

impl State {
    /// Reads a sensor; a measurement is compared with its thresholds on the occasion.
    pub(crate) fn read(&mut self, now: Instant, backend: &dyn BmcBackend, number: u8) -> Option<Reading> {
        let repository = Arc::clone(self.sensors.repository());
        let (sensor, state) = self.sensors.get(number).ok()?;
        if !state.scanning {
            return Some(Reading::Unavailable);
        }
        let Source::Machine(..) = sensor.source else {
            return self.states(backend, sensor.source);
        };
        let index = repository
            .sensors()
            .iter()
            .position(|sensor| sensor.number == number)?;
        let sensor = repository.sensors().get(index)?;
        let Some(raw) = self.measure(now, backend, sensor) else {
            return Some(Reading::Unavailable);
        };
        let (_, state) = self.sensors.get(number).ok()?;
        let readable = sensor.analog()?.masks.readable_thresholds();
        Some(Reading::Raw(raw, state.reached(readable, raw)))
    }

    /// Takes a measurement, compares it with its thresholds and logs what is enabled.
    fn measure(&mut self, now: Instant, backend: &dyn BmcBackend, sensor: &Sensor) -> Option<u8> {
        let value = value(backend, sensor.source);
        if let (Source::Machine(_, SensorKind::Power), Some(value)) = (sensor.source, value) {
            self.power_statistics.add(now, value);
        }
        let raw = value
            .zip(sensor.analog())
            .and_then(|(value, analog)| analog.raw(value));
        if let Ok((_, state)) = self.sensors.unkept().get_mut(sensor.number) {
            let events = state.evaluate(sensor, raw);
            events
                .into_iter()
                .for_each(|event: EventMessage| self.log(now, event));
        }
        raw
    }

    /// States of a discrete sensor. `None` for one that cannot be read.
    fn states(&self, backend: &dyn BmcBackend, source: Source) -> Option<Reading> {
        let bit = |offset: u8, holds: bool| u16::from(holds) << offset;
        let states = match source {
            Source::Machine(..) | Source::EventsOnly => return None,
            Source::Fixed(states) => states,
            Source::PowerUnit => {
                let Some(power) = backend.known_power_state() else {
                    return Some(Reading::Unavailable);
                };
                bit(PowerUnitOffset::POWER_OFF.0, !power.is_on())
                    | bit(
                        PowerUnitOffset::SOFT_CONTROL_FAILURE.0,
                        self.chassis.control_fault,
                    )
            }
            Source::AcpiState => {
                let Some(power) = backend.known_power_state() else {
                    return Some(Reading::Unavailable);
                };
                let offset = match power {
                    PowerState::Off => self.history.off_state(),
                    PowerState::Suspended => AcpiPowerStateOffset::S3,
                    PowerState::On | PowerState::Paused => AcpiPowerStateOffset::S0,
                };
                bit(offset.0, true)
            }
            Source::Watchdog => self.history.watchdog_states(),
            Source::EventLog => {
                let fill = self.sel.fill();
                bit(EventLoggingOffset::CLEARED.0, self.sel.is_cleared())
                    | bit(EventLoggingOffset::FULL.0, fill == Fill::Full)
                    | bit(EventLoggingOffset::ALMOST_FULL.0, fill == Fill::AlmostFull)
            }
            Source::Health => {
                let unavailable = ManagementHealthOffset::CONTROLLER_UNAVAILABLE.0;
                bit(unavailable, !self.history.is_connected())
                    | bit(
                        ManagementHealthOffset::SENSOR_DEGRADED.0,
                        self.has_stale_values(backend),
                    )
            }
        };
        Some(Reading::States(states))
    }

    /// Whether a measurement is there, but too old.
    fn has_stale_values(&self, backend: &dyn BmcBackend) -> bool {
        let Some(source) = backend.sensors() else {
            return false;
        };
        self.sensors.iter().any(|(sensor, _)| match sensor.source {
            Source::Machine(id, _) => source.read(id).is_some_and(|reading| reading.age > MAX_AGE),
            _ => false,
        })
    }

    /// When measurements are looked at next.
    pub(crate) fn scan_timeout(&self) -> Option<Instant> {
        self.scan.next
    }

    /// Starts or stops looking at measurements, after something changed that decides about it.
    pub(crate) fn plan_scan(&mut self) {
        let is_needed = self.sensors.need_scanning() || self.has_power_sensor();
        let planned = self.scan.next.unwrap_or(Instant::ZERO);
        self.scan.next = is_needed.then_some(planned);
    }

    /// Looks at all measurements, if it is time. The first look comes at some time within the first period,
    /// so that thousands of BMCs do not look at the same moment.
    pub(crate) fn scan(&mut self, now: Instant, backend: &dyn BmcBackend) {
        let Some(due) = self.scan.next.filter(|due| *due <= now) else {
            return;
        };
        if due == Instant::ZERO {
            let [share, ..] = self.identity.device_guid.0;
            self.scan.next = Some(now + SCAN_PERIOD * u32::from(share) / 256 + Duration::from_millis(1));
            return;
        }
        self.scan.next = Some(now + SCAN_PERIOD);
        let repository = Arc::clone(self.sensors.repository());
        for sensor in repository.sensors() {
            let is_scanned = |state: &super::sensors::SensorState| state.scanning;
            let scanned = self
                .sensors
                .get(sensor.number)
                .is_ok_and(|(_, state)| is_scanned(state));
            if scanned && sensor.analog().is_some() {
                self.measure(now, backend, sensor);
            }
        }
    }

    /// The value of a sensor of a kind of which the machine has only one, if it is known.
    pub(crate) fn has_power_sensor(&self) -> bool {
        self.sensors
            .iter()
            .any(|(sensor, _)| matches!(sensor.source, Source::Machine(_, SensorKind::Power)))
    }
}

/// What the machine measures, if it is known and recent. A machine that is off has no load, whatever its
/// hypervisor says.
pub(crate) fn value(backend: &dyn BmcBackend, source: Source) -> Option<f64> {
    let Source::Machine(id, kind) = source else {
        return None;
    };
    let is_load = matches!(
        kind,
        SensorKind::ProcessorUtilization | SensorKind::MemoryUtilization
    );
    if is_load && backend.known_power_state() == Some(PowerState::Off) {
        return None;
    }
    let reading = backend.sensors()?.read(id)?;
    match reading.value {
        SensorValue::Number(value) if reading.age <= MAX_AGE && value.is_finite() => Some(value),
        SensorValue::Number(_) => None,
    }
}
