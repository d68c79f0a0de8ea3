//! Sensors: which there are, what their readings mean, thresholds (IPMI 2.0 §35, §36.3).
//!
//! Numbers and record IDs are fixed for good, because clients keep them: sensors of the BMC itself have the
//! numbers of the catalogue, those of the machine follow from their place in its list.

use core::time::Duration;

use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::sdr::{AnalogFormat, Factors};
use ipmi_proto::record::{Threshold, ThresholdMask, Thresholds};

use crate::backend::{BmcBackend, PowerState, SensorDescription, SensorKind, SensorThresholds, SensorValue};

/// A value that is older says nothing.
const MAX_AGE: Duration = Duration::from_secs(60);
/// First number of sensors of the machine that have none in the catalogue.
pub(crate) const FIRST_OTHER: u8 = 0x60;
/// Upper non-critical and critical threshold of a percentage that nobody has given any.
const BEYOND_PERCENT: (u8, u8) = (200, 255);
/// Number of the processor load.
const PROCESSOR_LOAD: u8 = 0x03;
/// Number of the memory load.
const MEMORY_LOAD: u8 = 0x04;

/// A sensor of the BMC itself: a number of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// The power unit.
    PowerUnit,
    /// The ACPI state.
    AcpiState,
    /// Stops of the operating system.
    OsStop,
    /// Restarts.
    SystemRestart,
    /// Events of the system.
    SystemEvent,
    /// The watchdog.
    Watchdog,
    /// The event log.
    EventLog,
    /// Logins.
    SessionAudit,
    /// Diagnostic interrupts.
    Interrupt,
}

impl Builtin {
    /// All of them, by number.
    pub(crate) const ALL: [Self; 9] = [
        Self::PowerUnit,
        Self::AcpiState,
        Self::OsStop,
        Self::SystemRestart,
        Self::SystemEvent,
        Self::Watchdog,
        Self::EventLog,
        Self::SessionAudit,
        Self::Interrupt,
    ];

    /// Number of the sensor.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::PowerUnit => 0x01,
            Self::AcpiState => 0x02,
            Self::OsStop => 0x09,
            Self::SystemRestart => 0x0a,
            Self::SystemEvent => 0x0b,
            Self::Watchdog => 0x0c,
            Self::EventLog => 0x0d,
            Self::SessionAudit => 0x0e,
            Self::Interrupt => 0x10,
        }
    }

    /// Whether it can be read; the others only send events.
    pub(crate) const fn is_readable(self) -> bool {
        matches!(
            self,
            Self::PowerUnit | Self::AcpiState | Self::Watchdog | Self::EventLog
        )
    }
}

/// A sensor of the machine.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Number of the sensor.
    pub(crate) number: u8,
    /// What the machine calls it.
    pub(crate) id: u16,
    /// Name.
    pub(crate) name: Box<str>,
    /// What it measures.
    pub(crate) kind: SensorKind,
    /// How raw readings are numbers.
    pub(crate) format: AnalogFormat,
    /// How numbers are values.
    pub(crate) factors: Factors,
    /// Raw range.
    pub(crate) range: (u8, u8),
    /// Thresholds that it has.
    pub(crate) readable: ThresholdMask,
    /// Raw thresholds.
    pub(crate) thresholds: Thresholds,
    /// Raw hysteresis, positive and negative.
    pub(crate) hysteresis: (u8, u8),
    /// It is scanned.
    pub(crate) is_scanning: bool,
}

/// All sensors.
#[derive(Debug, Default)]
pub(crate) struct Sensors {
    /// Those of the machine, by number.
    pub(crate) measured: Vec<Measured>,
}

/// A sensor by its number.
#[derive(Debug)]
pub(crate) enum Found<'s> {
    /// One of the machine's.
    Measured(&'s Measured),
    /// One of the BMC's.
    Builtin(Builtin),
}

impl Sensors {
    /// Those of a machine.
    pub(crate) fn of(backend: &dyn BmcBackend) -> Self {
        let list = backend
            .sensors()
            .map(|source| source.sensors())
            .unwrap_or_default();
        let mut next = FIRST_OTHER;
        let mut measured: Vec<Measured> = Vec::new();
        for description in list {
            let fixed = match description.kind {
                SensorKind::ProcessorUtilization => Some(PROCESSOR_LOAD),
                SensorKind::MemoryUtilization => Some(MEMORY_LOAD),
                _ => None,
            };
            let fixed = fixed.filter(|number| measured.iter().all(|other| other.number != *number));
            let number = fixed.unwrap_or_else(|| {
                next = next.saturating_add(1);
                next - 1
            });
            if number < u8::MAX {
                measured.extend(Measured::new(number, description));
            }
        }
        measured.sort_by_key(|sensor| sensor.number);
        Self { measured }
    }

    /// The sensor with this number.
    ///
    /// # Errors
    /// CBh if there is none.
    pub(crate) fn find(&self, number: u8) -> Result<Found<'_>, CompletionCode> {
        if let Some(sensor) = self.measured.iter().find(|sensor| sensor.number == number) {
            return Ok(Found::Measured(sensor));
        }
        let builtin = Builtin::ALL
            .into_iter()
            .find(|builtin| builtin.number() == number);
        builtin.map(Found::Builtin).ok_or(CompletionCode::NOT_PRESENT)
    }

    /// A sensor with thresholds.
    ///
    /// # Errors
    /// CBh if there is none, CDh if it has states.
    pub(crate) fn threshold(&self, number: u8) -> Result<&Measured, CompletionCode> {
        match self.find(number)? {
            Found::Measured(sensor) => Ok(sensor),
            Found::Builtin(_) => Err(CompletionCode::ILLEGAL_FOR_TYPE),
        }
    }

    /// As [`threshold`](Self::threshold), to change it.
    pub(crate) fn threshold_mut(&mut self, number: u8) -> Result<&mut Measured, CompletionCode> {
        self.threshold(number)?;
        let mut all = self.measured.iter_mut();
        all.find(|sensor| sensor.number == number)
            .ok_or(CompletionCode::NOT_PRESENT)
    }
}

impl Measured {
    fn new(number: u8, description: SensorDescription) -> Option<Self> {
        let SensorDescription {
            id,
            name,
            kind,
            range: (low, high),
            thresholds: limits,
        } = description;
        let (format, factors) = if low < 0.0 {
            (AnalogFormat::TWOS_COMPLEMENT, Factors::IDENTITY)
        } else if high <= 255.0 {
            (AnalogFormat::UNSIGNED, Factors::IDENTITY)
        } else {
            (AnalogFormat::UNSIGNED, Factors::up_to(high)?)
        };
        let is_percentage = matches!(
            kind,
            SensorKind::ProcessorUtilization | SensorKind::MemoryUtilization
        );
        let raw = |value| factors.raw(format, value);
        let (thresholds, readable) = raw_thresholds(&limits, format, &factors, is_percentage);
        Some(Self {
            number,
            id,
            name: name.into(),
            kind,
            format,
            factors,
            range: (raw(low)?, raw(high)?),
            readable,
            thresholds,
            hysteresis: (2, 2),
            is_scanning: true,
        })
    }

    /// The raw reading, if there is one now. `power`: the machine's state, if it is known.
    pub(crate) fn read(&self, backend: &dyn BmcBackend) -> Option<u8> {
        let reading = backend.sensors()?.read(self.id)?;
        if reading.age > MAX_AGE || !self.is_scanning {
            return None;
        }
        let SensorValue::Number(value) = reading.value;
        self.factors.raw(self.format, value)
    }

    /// The thresholds that a raw reading has crossed.
    pub(crate) fn crossed(&self, raw: u8) -> ThresholdMask {
        let number = |raw| self.format.number(raw);
        let mut crossed = 0;
        for threshold in Threshold::ALL {
            let Some(limit) = self.thresholds.get(*threshold) else {
                continue;
            };
            let is_crossed = if threshold.0 >= Threshold::UPPER_NON_CRITICAL.0 {
                number(raw) >= number(limit)
            } else {
                number(raw) <= number(limit)
            };
            if self.readable.contains(*threshold) && is_crossed {
                crossed |= 1 << threshold.0;
            }
        }
        ThresholdMask::from_word(crossed)
    }

    /// Sets the thresholds of a mask.
    ///
    /// # Errors
    /// CCh for one that the sensor does not have, or if they would not be in their order.
    pub(crate) fn set_thresholds(
        &mut self,
        mask: ThresholdMask,
        written: &Thresholds,
    ) -> Result<(), CompletionCode> {
        if mask.to_word() & !self.readable.to_word() != 0 {
            return Err(CompletionCode::INVALID_FIELD);
        }
        let mut thresholds = self.thresholds;
        for threshold in Threshold::ALL
            .iter()
            .filter(|threshold| mask.contains(**threshold))
        {
            if let (Some(place), Some(value)) = (thresholds.get_mut(*threshold), written.get(*threshold)) {
                *place = value;
            }
        }
        let ascending = [
            Threshold::LOWER_NON_RECOVERABLE,
            Threshold::LOWER_CRITICAL,
            Threshold::LOWER_NON_CRITICAL,
            Threshold::UPPER_NON_CRITICAL,
            Threshold::UPPER_CRITICAL,
            Threshold::UPPER_NON_RECOVERABLE,
        ];
        let present = ascending
            .into_iter()
            .filter(|threshold| self.readable.contains(*threshold));
        let numbers = present.filter_map(|threshold| thresholds.get(threshold));
        if !numbers.map(|raw| self.format.number(raw)).is_sorted() {
            return Err(CompletionCode::INVALID_FIELD);
        }
        self.thresholds = thresholds;
        Ok(())
    }
}

/// The machine's limits as raw values. A percentage without any has the upper two, beyond what it can show, so
/// that they can be set.
fn raw_thresholds(
    limits: &SensorThresholds,
    format: AnalogFormat,
    factors: &Factors,
    is_percentage: bool,
) -> (Thresholds, ThresholdMask) {
    let all = [
        (Threshold::LOWER_NON_CRITICAL, limits.lower_non_critical),
        (Threshold::LOWER_CRITICAL, limits.lower_critical),
        (Threshold::LOWER_NON_RECOVERABLE, limits.lower_non_recoverable),
        (Threshold::UPPER_NON_CRITICAL, limits.upper_non_critical),
        (Threshold::UPPER_CRITICAL, limits.upper_critical),
        (Threshold::UPPER_NON_RECOVERABLE, limits.upper_non_recoverable),
    ];
    let mut thresholds = Thresholds::default();
    let mut mask = 0;
    for (threshold, limit) in all {
        let raw = limit.and_then(|limit| factors.raw(format, limit));
        if let (Some(raw), Some(place)) = (raw, thresholds.get_mut(threshold)) {
            *place = raw;
            mask |= 1 << threshold.0;
        }
    }
    if mask == 0 && is_percentage {
        (thresholds.upper_non_critical, thresholds.upper_critical) = BEYOND_PERCENT;
        mask = (1 << Threshold::UPPER_NON_CRITICAL.0) | (1 << Threshold::UPPER_CRITICAL.0);
    }
    (thresholds, ThresholdMask::from_word(mask))
}

/// The states that a builtin sensor shows, bit n for offset n; `None` while they are not known.
pub(crate) fn states(builtin: Builtin, power: Option<PowerState>, control_fault: bool) -> Option<u16> {
    use ipmi_proto::record::offset::{AcpiPowerStateOffset, PowerUnitOffset};
    let bit = |offset: u8| 1_u16 << offset;
    Some(match (builtin, power) {
        (Builtin::PowerUnit, power) => {
            let fault = u16::from(control_fault) << PowerUnitOffset::SOFT_CONTROL_FAILURE.0;
            fault | u16::from(!power?.is_on()) << PowerUnitOffset::POWER_OFF.0
        }
        (Builtin::AcpiState, power) => match power? {
            PowerState::On | PowerState::Paused => bit(AcpiPowerStateOffset::S0.0),
            PowerState::Suspended => bit(AcpiPowerStateOffset::S3.0),
            PowerState::Off => bit(AcpiPowerStateOffset::S4_S5.0),
        },
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::memory::MemoryMachine;

    fn sensors() -> Sensors {
        Sensors::of(&*MemoryMachine::builder("node1").power(PowerState::On).build())
    }

    #[test]
    fn numbers_are_those_of_the_catalogue() {
        let sensors = sensors();
        let numbers: Vec<_> = sensors.measured.iter().map(|sensor| sensor.number).collect();
        assert_eq!(numbers, [0x03, 0x04, 0x60, 0x61, 0x62, 0x63]);
        assert!(matches!(
            sensors.find(0x01),
            Ok(Found::Builtin(Builtin::PowerUnit))
        ));
        assert!(matches!(sensors.find(0x05), Err(CompletionCode::NOT_PRESENT)));
        assert!(matches!(
            sensors.threshold(0x01),
            Err(CompletionCode::ILLEGAL_FOR_TYPE)
        ));
    }

    #[test]
    fn thresholds_are_crossed_and_keep_their_order() {
        let mut sensors = sensors();
        let temperature = sensors.threshold_mut(0x60).unwrap();
        assert_eq!(temperature.thresholds.upper_critical, 90);
        assert_eq!(temperature.crossed(85).to_word(), 0b00_1000);
        assert_eq!(temperature.crossed(100).to_word(), 0b11_1000);
        let written = Thresholds {
            upper_critical: 70,
            ..Thresholds::default()
        };
        let critical = ThresholdMask {
            upper_critical: true,
            ..ThresholdMask::default()
        };
        let lower = ThresholdMask {
            lower_critical: true,
            ..ThresholdMask::default()
        };
        assert!(temperature.set_thresholds(critical, &written).is_err());
        assert!(temperature.set_thresholds(lower, &written).is_err());
        let written = Thresholds {
            upper_critical: 95,
            ..written
        };
        temperature.set_thresholds(critical, &written).unwrap();
        assert_eq!(temperature.thresholds.upper_critical, 95);
        let fan = sensors.threshold(0x62).unwrap();
        assert_eq!(fan.crossed(0).to_word(), 0b11);
    }
}
