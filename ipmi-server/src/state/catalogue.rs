//! The sensors of a virtual machine: their numbers, which are fixed for good because clients store them, and
//! what their records say.
//!
//! A sensor whose value the machine can never give is not in the catalogue of that machine.

use alloc::vec::Vec;

use ipmi_proto::record::offset::{
    AcpiPowerStateOffset, EventLoggingOffset, ManagementHealthOffset, MemoryOffset, PowerUnitOffset,
    ProcessorOffset, ThresholdOffset, Watchdog2Offset,
};
use ipmi_proto::record::sdr::{
    CompactSensor, EventControl, EventOnlySensor, FullSensor, IdString, SdrBody, SensorAccess,
    SensorCapabilities, SensorInitialization, SensorKey, SensorMasks, SensorUnits,
};
use ipmi_proto::record::{
    Entity, EntityId, EventType, RateUnit, SensorType, Threshold, ThresholdMask, Thresholds, Unit,
};

use super::Capabilities;
use super::scale;
use crate::backend::{PowerActions, SensorDescription, SensorKind, SensorPlace, SensorThresholds};

/// Numbers of sensors.
pub(crate) mod number {
    /// Power off, failed actions.
    pub(crate) const POWER_UNIT: u8 = 0x01;
    /// ACPI power state.
    pub(crate) const ACPI_STATE: u8 = 0x02;
    /// Load of the processors.
    pub(crate) const PROCESSOR_UTILIZATION: u8 = 0x03;
    /// Memory in use.
    pub(crate) const MEMORY_UTILIZATION: u8 = 0x04;
    /// Presence of processors.
    pub(crate) const PROCESSOR: u8 = 0x06;
    /// Presence of memory.
    pub(crate) const MEMORY: u8 = 0x07;
    /// The operating system stopped.
    pub(crate) const OS_STOP: u8 = 0x09;
    /// The machine started or restarted.
    pub(crate) const SYSTEM_RESTART: u8 = 0x0a;
    /// Configuration, clock, PEF.
    pub(crate) const SYSTEM_EVENT: u8 = 0x0b;
    /// The watchdog timer.
    pub(crate) const WATCHDOG: u8 = 0x0c;
    /// The event log itself.
    pub(crate) const EVENT_LOG: u8 = 0x0d;
    /// Logins.
    pub(crate) const SESSION_AUDIT: u8 = 0x0e;
    /// The BMC itself and its connection to the hypervisor.
    pub(crate) const BMC_HEALTH: u8 = 0x0f;
    /// Diagnostic interrupts.
    pub(crate) const INTERRUPT: u8 = 0x10;
    /// The first of the machine's other sensors; the last number is [`LAST`].
    pub(crate) const FIRST_OF_MACHINE: u8 = 0x60;
    /// FFh is reserved.
    pub(crate) const LAST: u8 = 0xfe;
}

/// Readings that a value must go back until a crossed threshold counts as left.
const HYSTERESIS: u8 = 2;

/// A sensor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sensor {
    /// Number.
    pub(crate) number: u8,
    /// Where its reading comes from.
    pub(crate) source: Source,
    /// Its record.
    pub(crate) body: SdrBody,
}

/// Where the reading of a sensor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The machine measures it under this number.
    Machine(u16, SensorKind),
    /// Power state.
    PowerUnit,
    /// Power state as ACPI sees it.
    AcpiState,
    /// Always these states.
    Fixed(u16),
    /// The watchdog timer.
    Watchdog,
    /// The event log.
    EventLog,
    /// The BMC itself.
    Health,
    /// It cannot be read.
    EventsOnly,
}

impl Sensor {
    /// The record of a sensor with a value.
    pub(crate) const fn analog(&self) -> Option<&FullSensor> {
        match &self.body {
            SdrBody::Full(full) => Some(full),
            _ => None,
        }
    }

    /// What it belongs to.
    pub(crate) const fn entity(&self) -> Entity {
        match &self.body {
            SdrBody::Full(sensor) => sensor.entity,
            SdrBody::Compact(sensor) => sensor.entity,
            SdrBody::EventOnly(sensor) => sensor.entity,
            _ => Entity::new(EntityId::UNSPECIFIED, 0),
        }
    }

    /// What it watches, and how its offsets are read.
    pub(crate) const fn types(&self) -> (SensorType, EventType) {
        match &self.body {
            SdrBody::Full(sensor) => (sensor.sensor_type, sensor.event_type),
            SdrBody::Compact(sensor) => (sensor.sensor_type, sensor.event_type),
            SdrBody::EventOnly(sensor) => (sensor.sensor_type, sensor.event_type),
            _ => (SensorType::RESERVED, EventType::UNSPECIFIED),
        }
    }

    /// Assertion and deassertion events that it can generate.
    pub(crate) const fn events(&self) -> (u16, u16) {
        let masks = match &self.body {
            SdrBody::Full(sensor) => &sensor.masks,
            SdrBody::Compact(sensor) => &sensor.masks,
            _ => return (ALL_STATES, ALL_STATES),
        };
        // Bits 14:12 of a threshold sensor say something else.
        let of_events = match &self.body {
            SdrBody::Full(_) => 0x0fff,
            _ => ALL_STATES,
        };
        (masks.assertions & of_events, masks.deassertions & of_events)
    }

    /// Whether its events are on at first.
    pub(crate) const fn starts_with_events(&self) -> bool {
        match &self.body {
            SdrBody::Full(sensor) => sensor.initialization.events_at_power_up,
            SdrBody::Compact(sensor) => sensor.initialization.events_at_power_up,
            _ => true,
        }
    }
}

/// All states of a discrete sensor.
const ALL_STATES: u16 = 0x7fff;

/// The sensors of a machine, in the order of their numbers.
pub(crate) fn sensors(capabilities: &Capabilities, of_machine: &[SensorDescription]) -> Vec<Sensor> {
    let mut sensors = own_sensors(capabilities);
    let mut next = number::FIRST_OF_MACHINE;
    for description in of_machine {
        let fixed = match description.kind {
            SensorKind::ProcessorUtilization => Some(number::PROCESSOR_UTILIZATION),
            SensorKind::MemoryUtilization => Some(number::MEMORY_UTILIZATION),
            _ => None,
        };
        let fixed = fixed.filter(|fixed| sensors.iter().all(|sensor| sensor.number != *fixed));
        let number = fixed.unwrap_or(next);
        if number > number::LAST {
            tracing::warn!(
                sensor = description.name,
                "left out: a BMC has room for no more sensors"
            );
            break;
        }
        if fixed.is_none() {
            next += 1;
        }
        sensors.push(Sensor {
            number,
            source: Source::Machine(description.id, description.kind),
            body: SdrBody::Full(analog(number, description)),
        });
    }
    sensors.sort_by_key(|sensor| sensor.number);
    sensors
}

const SYSTEM: Entity = Entity::new(EntityId::SYSTEM_BOARD, 1);
const CONTROLLER: Entity = Entity::new(EntityId::MANAGEMENT_CONTROLLER, 1);
const IN_PROCESSOR: Entity = Entity::new(EntityId::PROCESSOR, 1);
const IN_MEMORY: Entity = Entity::new(EntityId::MEMORY_DEVICE, 1);
const SOFTWARE: Entity = Entity::new(EntityId::OPERATING_SYSTEM, 1);

/// The states with these offsets.
const fn states<const N: usize>(offsets: [u8; N]) -> u16 {
    let mut states = 0;
    let mut rest = offsets.as_slice();
    while let [offset, others @ ..] = rest {
        states |= 1 << *offset;
        rest = others;
    }
    states
}

const OFF: u16 = states([PowerUnitOffset::POWER_OFF.0]);
const POWER_STATES: u16 = OFF | states([PowerUnitOffset::SOFT_CONTROL_FAILURE.0]);
const POWER_EVENTS: u16 = POWER_STATES | states([PowerUnitOffset::POWER_CYCLE.0]);
const ACPI_STATES: u16 = states([
    AcpiPowerStateOffset::S0.0,
    AcpiPowerStateOffset::S3.0,
    AcpiPowerStateOffset::S5.0,
    AcpiPowerStateOffset::S4_S5.0,
    AcpiPowerStateOffset::S5_OVERRIDE.0,
]);
const PROCESSOR_PRESENT: u16 = states([ProcessorOffset::PRESENCE.0]);
const MEMORY_PRESENT: u16 = states([MemoryOffset::PRESENCE.0]);
const WATCHDOG_STATES: u16 = states([
    Watchdog2Offset::EXPIRED.0,
    Watchdog2Offset::HARD_RESET.0,
    Watchdog2Offset::POWER_DOWN.0,
    Watchdog2Offset::POWER_CYCLE.0,
    Watchdog2Offset::PRE_TIMEOUT.0,
]);
const LOG_EVENTS: u16 = states([EventLoggingOffset::FULL.0, EventLoggingOffset::ALMOST_FULL.0]);
const LOG_STATES: u16 = LOG_EVENTS | states([EventLoggingOffset::CLEARED.0]);
const UNREACHABLE: u16 = states([ManagementHealthOffset::CONTROLLER_UNAVAILABLE.0]);
const HEALTH_STATES: u16 = UNREACHABLE | states([ManagementHealthOffset::SENSOR_DEGRADED.0]);

/// Number, name, type, entity, source, assertion and deassertion events, states.
type Discrete = (u8, &'static str, SensorType, Entity, Source, u16, u16, u16);

/// The discrete sensors.
#[rustfmt::skip]
const DISCRETE: &[Discrete] = &[
    (number::POWER_UNIT, "Power Unit", SensorType::POWER_UNIT, SYSTEM, Source::PowerUnit, POWER_EVENTS, OFF, POWER_STATES),
    (number::ACPI_STATE, "ACPI State", SensorType::ACPI_POWER_STATE, SYSTEM, Source::AcpiState, ACPI_STATES, 0, ACPI_STATES),
    (number::PROCESSOR, "Processor 1", SensorType::PROCESSOR, IN_PROCESSOR, Source::Fixed(PROCESSOR_PRESENT), 0, 0, PROCESSOR_PRESENT),
    (number::MEMORY, "Memory 1", SensorType::MEMORY, IN_MEMORY, Source::Fixed(MEMORY_PRESENT), 0, 0, MEMORY_PRESENT),
    (number::WATCHDOG, "Watchdog", SensorType::WATCHDOG_2, CONTROLLER, Source::Watchdog, WATCHDOG_STATES, 0, WATCHDOG_STATES),
    (number::EVENT_LOG, "SEL", SensorType::EVENT_LOGGING_DISABLED, CONTROLLER, Source::EventLog, LOG_EVENTS, 0, LOG_STATES),
    (number::BMC_HEALTH, "BMC Health", SensorType::MANAGEMENT_HEALTH, CONTROLLER, Source::Health, UNREACHABLE, UNREACHABLE, HEALTH_STATES),
];

/// The sources of events that cannot be read: number, name, type, entity.
const EVENT_ONLY: &[(u8, &str, SensorType, Entity)] = &[
    (
        number::SYSTEM_RESTART,
        "System Restart",
        SensorType::SYSTEM_BOOT,
        SYSTEM,
    ),
    (
        number::SYSTEM_EVENT,
        "System Event",
        SensorType::SYSTEM_EVENT,
        SYSTEM,
    ),
    (
        number::SESSION_AUDIT,
        "Session Audit",
        SensorType::SESSION_AUDIT,
        CONTROLLER,
    ),
    (number::OS_STOP, "OS Stop", SensorType::OS_STOP, SOFTWARE),
    (number::INTERRUPT, "NMI", SensorType::CRITICAL_INTERRUPT, SYSTEM),
];

/// The sensors that are not the machine's measurements.
fn own_sensors(capabilities: &Capabilities) -> Vec<Sensor> {
    let has = |number| match number {
        number::OS_STOP => capabilities.power.contains(PowerActions::SOFT_OFF),
        number::INTERRUPT => capabilities.has_interrupt(),
        _ => true,
    };
    let discrete = DISCRETE.iter().map(
        |&(number, name, sensor_type, entity, source, assertions, deassertions, states)| {
            let masks = SensorMasks::of_states(assertions, deassertions, states);
            discrete(number, name, sensor_type, entity, source, masks)
        },
    );
    let event_only = EVENT_ONLY
        .iter()
        .filter(|(number, ..)| has(*number))
        .map(|&(number, name, sensor_type, entity)| event_only(number, name, sensor_type, entity));
    discrete.chain(event_only).collect()
}

fn discrete(
    number: u8,
    name: &str,
    sensor_type: SensorType,
    entity: Entity,
    source: Source,
    masks: SensorMasks,
) -> Sensor {
    let has_events = masks.assertions != 0 || masks.deassertions != 0;
    let body = SdrBody::Compact(CompactSensor {
        key: SensorKey::of_bmc(number),
        entity,
        initialization: initialization(false, has_events),
        capabilities: SensorCapabilities {
            ignore_if_absent: false,
            auto_rearm: true,
            hysteresis: SensorAccess::NONE,
            thresholds: SensorAccess::NONE,
            event_control: if has_events {
                EventControl::PER_STATE
            } else {
                EventControl::NONE
            },
        },
        sensor_type,
        event_type: EventType::SENSOR_SPECIFIC,
        masks,
        units: SensorUnits::DISCRETE,
        name: IdString::from_text(name),
        ..CompactSensor::default()
    });
    Sensor { number, source, body }
}

fn event_only(number: u8, name: &str, sensor_type: SensorType, entity: Entity) -> Sensor {
    let body = SdrBody::EventOnly(EventOnlySensor {
        key: SensorKey::of_bmc(number),
        entity,
        sensor_type,
        event_type: EventType::SENSOR_SPECIFIC,
        name: IdString::from_text(name),
        ..EventOnlySensor::default()
    });
    Sensor {
        number,
        source: Source::EventsOnly,
        body,
    }
}

/// What is set up when the BMC starts; it does so itself.
const fn initialization(thresholds: bool, events: bool) -> SensorInitialization {
    SensorInitialization {
        settable: false,
        scanning: true,
        events,
        thresholds,
        hysteresis: thresholds,
        types: true,
        events_at_power_up: events,
        scanning_at_power_up: true,
    }
}

/// The record of a measurement. A machine that names limits gets their events. A percentage without limits has
/// the two upper ones, beyond what it can reach, so that users can set them and turn their events on.
fn analog(number: u8, description: &SensorDescription) -> FullSensor {
    let (sensor_type, units) = meaning(description.kind);
    // A percentage has no fractions.
    let finest = if units == SensorUnits::PERCENT { 1.0 } else { 0.0 };
    let mut sensor = FullSensor {
        key: SensorKey::of_bmc(number),
        entity: entity(description),
        sensor_type,
        event_type: EventType::THRESHOLD,
        units,
        factors: scale::factors(description.range, finest),
        positive_hysteresis: HYSTERESIS,
        negative_hysteresis: HYSTERESIS,
        name: IdString::from_text(&description.name),
        ..FullSensor::default()
    };
    sensor.minimum = sensor.raw(description.range.0).unwrap_or(0x00);
    sensor.maximum = sensor.raw(description.range.1).unwrap_or(0xff);
    let (thresholds, mask) = thresholds(&sensor, &description.thresholds);
    let has_limits = mask != ThresholdMask::default();
    sensor.thresholds = thresholds;
    let mask = if !has_limits && units == SensorUnits::PERCENT {
        sensor.thresholds.upper_non_critical = BEYOND_PERCENT;
        UPPER
    } else {
        mask
    };
    let access = if mask == ThresholdMask::default() {
        SensorAccess::NONE
    } else {
        SensorAccess::SETTABLE
    };
    let events = threshold_events(mask);
    sensor.masks = SensorMasks::of_thresholds(events, events, mask, mask);
    sensor.initialization = initialization(true, has_limits);
    sensor.capabilities = SensorCapabilities {
        ignore_if_absent: false,
        auto_rearm: true,
        hysteresis: access,
        thresholds: access,
        event_control: EventControl::PER_STATE,
    };
    sensor
}

const UPPER: ThresholdMask = ThresholdMask {
    upper_non_recoverable: false,
    upper_critical: true,
    upper_non_critical: true,
    lower_non_recoverable: false,
    lower_critical: false,
    lower_non_critical: false,
};

/// Raw thresholds, and which of them there are. The others can never be crossed.
fn thresholds(sensor: &FullSensor, limits: &SensorThresholds) -> (Thresholds, ThresholdMask) {
    let mut thresholds = Thresholds {
        upper_non_critical: UNSET_UPPER,
        upper_critical: UNSET_UPPER,
        upper_non_recoverable: UNSET_UPPER,
        ..Thresholds::default()
    };
    let mut mask = 0;
    for (threshold, limit) in [
        (Threshold::LOWER_NON_CRITICAL, limits.lower_non_critical),
        (Threshold::LOWER_CRITICAL, limits.lower_critical),
        (Threshold::LOWER_NON_RECOVERABLE, limits.lower_non_recoverable),
        (Threshold::UPPER_NON_CRITICAL, limits.upper_non_critical),
        (Threshold::UPPER_CRITICAL, limits.upper_critical),
        (Threshold::UPPER_NON_RECOVERABLE, limits.upper_non_recoverable),
    ] {
        let raw = limit.and_then(|limit| sensor.raw(limit));
        if let (Some(raw), Some(place)) = (raw, thresholds.get_mut(threshold)) {
            *place = raw;
            mask |= 1 << threshold.0;
        }
    }
    (thresholds, ThresholdMask::from_word(mask))
}

/// More percent than there are, and less than [`UNSET_UPPER`].
const BEYOND_PERCENT: u8 = 200;
/// The value of an upper threshold that nobody has set.
pub(crate) const UNSET_UPPER: u8 = 0xff;
/// The value of a lower threshold that nobody has set.
pub(crate) const UNSET_LOWER: u8 = 0x00;

/// The offset of the event that says that a threshold was crossed to the bad side.
pub(crate) const fn offset_of(threshold: Threshold) -> ThresholdOffset {
    match threshold {
        Threshold::LOWER_NON_CRITICAL => ThresholdOffset::LOWER_NON_CRITICAL_LOW,
        Threshold::LOWER_CRITICAL => ThresholdOffset::LOWER_CRITICAL_LOW,
        Threshold::LOWER_NON_RECOVERABLE => ThresholdOffset::LOWER_NON_RECOVERABLE_LOW,
        Threshold::UPPER_NON_CRITICAL => ThresholdOffset::UPPER_NON_CRITICAL_HIGH,
        Threshold::UPPER_CRITICAL => ThresholdOffset::UPPER_CRITICAL_HIGH,
        _ => ThresholdOffset::UPPER_NON_RECOVERABLE_HIGH,
    }
}

fn threshold_events(mask: ThresholdMask) -> u16 {
    let thresholds = Threshold::ALL.iter();
    let there = thresholds.filter(|threshold| mask.contains(**threshold));
    there.fold(0, |events, threshold| events | 1 << offset_of(*threshold).0)
}

/// What a measurement watches and what it counts.
const fn meaning(kind: SensorKind) -> (SensorType, SensorUnits) {
    match kind {
        SensorKind::ProcessorUtilization => (SensorType::PROCESSOR, SensorUnits::PERCENT),
        SensorKind::MemoryUtilization => (SensorType::MEMORY, SensorUnits::PERCENT),
        SensorKind::Temperature => (SensorType::TEMPERATURE, SensorUnits::plain(Unit::DEGREES_C)),
        SensorKind::FanSpeed => (SensorType::FAN, SensorUnits::plain(Unit::ROTATIONS_PER_MINUTE)),
        SensorKind::Power => (SensorType::OTHER_UNITS, SensorUnits::plain(Unit::WATTS)),
        SensorKind::DataRate => (
            SensorType::OTHER_UNITS,
            SensorUnits::rate(Unit::MEGABYTES, RateUnit::PER_SECOND),
        ),
        SensorKind::Uptime => (SensorType::OTHER_UNITS, SensorUnits::plain(Unit::HOURS)),
    }
}

fn entity(description: &SensorDescription) -> Entity {
    let id = match (description.place, description.kind) {
        (SensorPlace::Processor, _) | (_, SensorKind::ProcessorUtilization) => EntityId::PROCESSOR,
        (SensorPlace::Memory, _) | (_, SensorKind::MemoryUtilization) => EntityId::MEMORY_DEVICE,
        (SensorPlace::AirInlet, _) => EntityId::AIR_INLET_DCMI,
        (SensorPlace::Machine, SensorKind::FanSpeed) => EntityId::FAN,
        (SensorPlace::Machine, _) => EntityId::SYSTEM_BOARD,
    };
    Entity::new(id, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities(power: PowerActions) -> Capabilities {
        Capabilities {
            power,
            ..Capabilities::default()
        }
    }

    fn numbers(sensors: &[Sensor]) -> Vec<u8> {
        sensors.iter().map(|sensor| sensor.number).collect()
    }

    #[test]
    fn only_what_the_machine_can_give() {
        let few = sensors(&capabilities(PowerActions::ON | PowerActions::OFF), &[]);
        assert_eq!(numbers(&few), [1, 2, 6, 7, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf]);
        let load = |id| SensorDescription::new(id, "CPU", SensorKind::ProcessorUtilization, (0.0, 100.0));
        let all = sensors(&capabilities(PowerActions::all()), &[load(7), load(9)]);
        assert_eq!(
            numbers(&all),
            [1, 2, 3, 6, 7, 9, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0x10, 0x60]
        );
        assert_eq!(
            all[2].source,
            Source::Machine(7, SensorKind::ProcessorUtilization)
        );
    }

    #[test]
    fn no_more_sensors_than_numbers() {
        let fan = |id| SensorDescription::new(id, "Fan", SensorKind::FanSpeed, (0.0, 9_000.0));
        let fans: Vec<_> = (0..300).map(fan).collect();
        let all = sensors(&capabilities(PowerActions::empty()), &fans);
        assert_eq!(all.last().map(|sensor| sensor.number), Some(number::LAST));
        assert!(all.windows(2).all(|pair| pair[0].number < pair[1].number));
    }

    #[test]
    fn limits_become_thresholds_with_events() {
        let limits = SensorThresholds {
            upper_non_critical: Some(80.0),
            upper_critical: Some(90.0),
            lower_critical: Some(5.0),
            ..SensorThresholds::default()
        };
        let description =
            SensorDescription::new(1, "Temp", SensorKind::Temperature, (0.0, 127.0)).with_thresholds(limits);
        let sensor = analog(0x60, &description);
        assert_eq!(sensor.masks.readable_thresholds().to_word(), 0b01_1010);
        assert_eq!(sensor.masks.assertions & 0x0fff, 1 << 2 | 1 << 7 | 1 << 9);
        assert_eq!(
            (sensor.thresholds.upper_critical, sensor.thresholds.lower_critical),
            (180, 10)
        );
        assert!(sensor.initialization.events_at_power_up);
        let load = SensorDescription::new(1, "Load", SensorKind::MemoryUtilization, (0.0, 100.0));
        let load = analog(4, &load);
        assert_eq!(load.masks.settable_thresholds(), UPPER);
        assert_eq!(load.thresholds.upper_critical, UNSET_UPPER);
        assert!(!load.initialization.events_at_power_up);
    }
}
