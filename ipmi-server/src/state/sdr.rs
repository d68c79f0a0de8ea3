//! The SDR repository: generated from the sensors, never empty, the same as long as they are (IPMI 2.0 §33).

use ipmi_proto::ipmb::{BMC_ADDRESS, CompletionCode};
use ipmi_proto::record::sdr::{
    CompactSensor, ControllerInitialization, ControllerLocator, EventControl, EventOnlySensor, FruLocator,
    FullSensor, IdString, MAX_RECORD_LENGTH, SdrBody, SdrRecord, SensorAccess, SensorCapabilities,
    SensorInitialization, SensorKey, SensorMasks, SensorUnits, UnitKind,
};
use ipmi_proto::record::{Entity, EntityId, EventType, RecordId, SensorType, Unit};
use ipmi_proto::wire::Writer;

use super::Reservation;
use super::sensors::{Builtin, FIRST_OTHER, Found, Measured, Sensors};
use crate::backend::SensorKind;
use crate::handlers::DEVICE_SUPPORT;

/// Record of the BMC itself.
const CONTROLLER: RecordId = RecordId(0x0001);
/// Record of its FRU inventory.
const FRU: RecordId = RecordId(0x0002);
/// Records of sensors of the catalogue are this and their number; those of other sensors, which come first,
/// are their number alone.
const CATALOGUE: u16 = 0x0100;
/// The stamps lie after this time, in seconds since 1970.
const FIRST_STAMP: u32 = 0x5000_0000;

/// The record of a sensor.
pub(crate) fn record_of_sensor(number: u8) -> RecordId {
    let number = u16::from(number);
    if number < u16::from(FIRST_OTHER) {
        RecordId(CATALOGUE | number)
    } else {
        RecordId(number)
    }
}

/// The repository.
#[derive(Debug, Default)]
pub(crate) struct Repository {
    /// Who reads in pieces.
    pub(crate) reservation: Reservation,
    /// The records, in order.
    ids: Box<[RecordId]>,
    /// Changes when the records do, also over restarts.
    stamp: u32,
}

impl Repository {
    /// The records of these sensors.
    pub(crate) fn of(sensors: &Sensors, has_interrupt: bool) -> Self {
        let builtin = Builtin::ALL
            .into_iter()
            .filter(|builtin| has_interrupt || *builtin != Builtin::Interrupt)
            .map(Builtin::number);
        let mut numbers: Vec<u8> = builtin.collect();
        numbers.extend(sensors.measured.iter().map(|sensor| sensor.number));
        let of_sensors = numbers.into_iter().map(record_of_sensor);
        let mut ids: Vec<RecordId> = [CONTROLLER, FRU].into_iter().chain(of_sensors).collect();
        ids.sort_unstable();
        let mut repository = Self {
            ids: ids.into(),
            ..Self::default()
        };
        repository.stamp = repository.content_stamp(sensors);
        repository
    }

    /// Number of records.
    pub(crate) fn len(&self) -> u16 {
        u16::try_from(self.ids.len()).unwrap_or(u16::MAX)
    }

    /// Number of sensors.
    pub(crate) fn sensor_count(&self) -> u8 {
        let sensors = self.ids.iter().filter(|id| **id > FRU).count();
        u8::try_from(sensors).unwrap_or(u8::MAX)
    }

    /// When the records changed last: clients keep copies and compare. It follows from the content, because
    /// nobody knows when the machine got its sensors.
    pub(crate) const fn stamp(&self) -> u32 {
        self.stamp
    }

    fn content_stamp(&self, sensors: &Sensors) -> u32 {
        let mut hash = 0x811c_9dc5_u32;
        for id in &self.ids {
            let mut buffer = [0; MAX_RECORD_LENGTH];
            let record = self.get(*id, sensors, &mut buffer);
            let bytes = record
                .ok()
                .and_then(|(length, _)| buffer.get(..length))
                .unwrap_or_default();
            for byte in bytes {
                hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
            }
        }
        FIRST_STAMP | (hash & 0x0fff_ffff)
    }

    /// Writes a record into `buffer`; gives its length and the ID of the next one.
    ///
    /// # Errors
    /// CBh if there is no such record.
    pub(crate) fn get(
        &self,
        id: RecordId,
        sensors: &Sensors,
        buffer: &mut [u8],
    ) -> Result<(usize, RecordId), CompletionCode> {
        let position = match id {
            RecordId::FIRST => Some(0),
            RecordId::LAST => self.ids.len().checked_sub(1),
            id => self.ids.iter().position(|other| *other == id),
        };
        let position = position.ok_or(CompletionCode::NOT_PRESENT)?;
        let id = *self.ids.get(position).ok_or(CompletionCode::NOT_PRESENT)?;
        let mut writer = Writer::new(buffer);
        let body = body(id, sensors)?;
        writer.value(&SdrRecord { id, body })?;
        let next = self.ids.get(position + 1).copied().unwrap_or(RecordId::LAST);
        Ok((writer.len(), next))
    }
}

fn body(id: RecordId, sensors: &Sensors) -> Result<SdrBody, CompletionCode> {
    let [number, _] = id.0.to_le_bytes();
    Ok(match id {
        CONTROLLER => SdrBody::ControllerLocator(ControllerLocator {
            address: BMC_ADDRESS,
            initialization: ControllerInitialization {
                is_static: true,
                ..ControllerInitialization::default()
            },
            support: DEVICE_SUPPORT,
            entity: Entity::new(EntityId::MANAGEMENT_CONTROLLER, 1),
            name: IdString::from_text("Virtual BMC"),
            ..ControllerLocator::default()
        }),
        FRU => SdrBody::FruLocator(FruLocator::of_bmc(
            0,
            Entity::new(EntityId::SYSTEM_BOARD, 1),
            IdString::from_text("Machine"),
        )),
        _ => match sensors.find(number)? {
            Found::Measured(sensor) => SdrBody::Full(full(sensor)),
            Found::Builtin(builtin) if builtin.is_readable() => SdrBody::Compact(compact(builtin)),
            Found::Builtin(builtin) => SdrBody::EventOnly(event_only(builtin)),
        },
    })
}

/// What a sensor measures: its type, the thing it belongs to, its unit.
fn meaning(sensor: &Measured) -> (SensorType, Entity, SensorUnits) {
    let board = Entity::new(EntityId::SYSTEM_BOARD, 1);
    let instance = (sensor.number & 0x0f) + 1;
    match sensor.kind {
        SensorKind::ProcessorUtilization => (
            SensorType::PROCESSOR,
            Entity::new(EntityId::PROCESSOR, 1),
            SensorUnits::PERCENT,
        ),
        SensorKind::MemoryUtilization => (
            SensorType::MEMORY,
            Entity::new(EntityId::MEMORY_DEVICE, 1),
            SensorUnits::PERCENT,
        ),
        SensorKind::Temperature => {
            let entity = Entity::new(temperature_entity(&sensor.name), instance);
            (
                SensorType::TEMPERATURE,
                entity,
                SensorUnits::plain(Unit::DEGREES_C),
            )
        }
        SensorKind::FanSpeed => {
            let entity = Entity::new(EntityId::FAN, instance);
            (
                SensorType::FAN,
                entity,
                SensorUnits::plain(Unit::ROTATIONS_PER_MINUTE),
            )
        }
        SensorKind::Power => (SensorType::OTHER_UNITS, board, SensorUnits::plain(Unit::WATTS)),
    }
}

/// DCMI asks for temperatures by the thing that they are of. Machines say it with the name.
pub(crate) fn temperature_entity(name: &str) -> EntityId {
    if name.contains("CPU") || name.contains("Processor") {
        EntityId::PROCESSOR_DCMI
    } else if name.contains("Inlet") || name.contains("Ambient") {
        EntityId::AIR_INLET_DCMI
    } else {
        EntityId::BASEBOARD_DCMI
    }
}

fn full(sensor: &Measured) -> FullSensor {
    let (sensor_type, entity, units) = meaning(sensor);
    FullSensor {
        key: SensorKey::of_bmc(sensor.number),
        entity,
        initialization: SensorInitialization {
            scanning: true,
            thresholds: true,
            hysteresis: true,
            types: true,
            scanning_at_power_up: true,
            ..SensorInitialization::default()
        },
        capabilities: SensorCapabilities {
            hysteresis: SensorAccess::SETTABLE,
            thresholds: SensorAccess::SETTABLE,
            event_control: EventControl::NONE,
            auto_rearm: true,
            ..SensorCapabilities::default()
        },
        sensor_type,
        event_type: EventType::THRESHOLD,
        masks: SensorMasks::of_thresholds(0, 0, sensor.readable, sensor.readable),
        units: SensorUnits {
            kind: UnitKind {
                format: sensor.format,
                ..units.kind
            },
            ..units
        },
        factors: sensor.factors,
        maximum: sensor.range.1,
        minimum: sensor.range.0,
        thresholds: sensor.thresholds,
        positive_hysteresis: sensor.hysteresis.0,
        negative_hysteresis: sensor.hysteresis.1,
        name: IdString::from_text(&sensor.name),
        ..FullSensor::default()
    }
}

/// Type, entity and name of a builtin sensor.
pub(crate) const fn builtin_meaning(builtin: Builtin) -> (SensorType, EntityId, &'static str) {
    let board = EntityId::SYSTEM_BOARD;
    let controller = EntityId::MANAGEMENT_CONTROLLER;
    match builtin {
        Builtin::PowerUnit => (SensorType::POWER_UNIT, board, "Power Unit"),
        Builtin::AcpiState => (SensorType::ACPI_POWER_STATE, board, "ACPI State"),
        Builtin::OsStop => (SensorType::OS_STOP, EntityId::OPERATING_SYSTEM, "OS Stop"),
        Builtin::SystemRestart => (SensorType::SYSTEM_BOOT, board, "System Restart"),
        Builtin::SystemEvent => (SensorType::SYSTEM_EVENT, board, "System Event"),
        Builtin::Watchdog => (SensorType::WATCHDOG_2, controller, "Watchdog"),
        Builtin::EventLog => (SensorType::EVENT_LOGGING_DISABLED, controller, "SEL"),
        Builtin::SessionAudit => (SensorType::SESSION_AUDIT, controller, "Session Audit"),
        Builtin::Interrupt => (SensorType::CRITICAL_INTERRUPT, board, "NMI"),
    }
}

/// The states that a builtin sensor can show.
const fn states(builtin: Builtin) -> u16 {
    match builtin {
        Builtin::PowerUnit => 0b10_0011,
        Builtin::AcpiState => 0b0100_1001,
        Builtin::Watchdog => 0b1_0000_1111,
        Builtin::EventLog => 0b11_0100,
        _ => 0,
    }
}

fn compact(builtin: Builtin) -> CompactSensor {
    let (sensor_type, entity, name) = builtin_meaning(builtin);
    CompactSensor {
        key: SensorKey::of_bmc(builtin.number()),
        entity: Entity::new(entity, 1),
        initialization: SensorInitialization {
            scanning: true,
            types: true,
            events_at_power_up: true,
            scanning_at_power_up: true,
            ..SensorInitialization::default()
        },
        capabilities: SensorCapabilities {
            auto_rearm: true,
            event_control: EventControl::GLOBAL,
            ..SensorCapabilities::default()
        },
        sensor_type,
        event_type: EventType::SENSOR_SPECIFIC,
        masks: SensorMasks::of_states(states(builtin), 0, states(builtin)),
        units: SensorUnits::DISCRETE,
        name: IdString::from_text(name),
        ..CompactSensor::default()
    }
}

fn event_only(builtin: Builtin) -> EventOnlySensor {
    let (sensor_type, entity, name) = builtin_meaning(builtin);
    EventOnlySensor {
        key: SensorKey::of_bmc(builtin.number()),
        entity: Entity::new(entity, 1),
        sensor_type,
        event_type: EventType::SENSOR_SPECIFIC,
        name: IdString::from_text(name),
        ..EventOnlySensor::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::memory::MemoryMachine;
    use ipmi_proto::wire::Reader;

    #[test]
    fn all_records_can_be_read_and_are_chained() {
        let machine = MemoryMachine::builder("node1").build();
        let sensors = Sensors::of(&*machine);
        let repository = Repository::of(&sensors, true);
        let mut id = RecordId::FIRST;
        let mut count = 0;
        while id != RecordId::LAST {
            let mut buffer = [0; MAX_RECORD_LENGTH];
            let (length, next) = repository.get(id, &sensors, &mut buffer).unwrap();
            let record: SdrRecord = Reader::new(&buffer[..length]).value().unwrap();
            assert!(!matches!(record.body, SdrBody::Other { .. }));
            assert!(next > record.id);
            (id, count) = (next, count + 1);
        }
        assert_eq!(count, repository.len());
        assert_eq!(repository.len(), 2 + u16::from(repository.sensor_count()));
        let mut buffer = [0; MAX_RECORD_LENGTH];
        assert!(repository.get(RecordId(0x0003), &sensors, &mut buffer).is_err());
    }

    #[test]
    fn stamp_follows_from_the_content_and_there_is_always_a_record() {
        let with = Sensors::of(&*MemoryMachine::builder("node1").build());
        let without = Sensors::of(&*MemoryMachine::builder("node1").without_sensors().build());
        assert_eq!(
            Repository::of(&with, true).stamp(),
            Repository::of(&with, true).stamp()
        );
        assert_ne!(
            Repository::of(&with, true).stamp(),
            Repository::of(&without, true).stamp()
        );
        assert!(Repository::of(&without, false).len() > 2);
    }
}
