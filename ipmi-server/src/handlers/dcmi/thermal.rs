//! Temperatures, of machines that have a thermometer.

use ipmi_proto::command::dcmi::thermal::{
    DcmiSensorInfo, GetDcmiSensorInfo, GetDcmiSensorInfoRequest, GetTemperatureReadings,
    GetTemperatureReadingsRequest, InstanceTemperature, SENSORS_PER_PAGE, SensorQuery, Temperature,
    TemperatureReadings,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::{EntityId, SensorType};
use ipmi_proto::wire::{Counted, List};

use crate::backend::{SensorKind, SensorValue};
use crate::handlers::{Context, handlers};
use crate::state::sdr::{record_of_sensor, temperature_entity};
use crate::state::sensors::Measured;

handlers! {
    pure GetDcmiSensorInfo => sensor_info;
    pure GetTemperatureReadings => readings;
}

/// The thermometers of an entity.
pub(super) fn temperatures<'c>(
    context: &'c Context<'_>,
    entity: EntityId,
) -> impl Iterator<Item = &'c Measured> {
    let sensors = context.state.sensors.measured.iter();
    sensors.filter(move |sensor| {
        sensor.kind == SensorKind::Temperature && temperature_entity(&sensor.name) == entity
    })
}

/// The entity that a query means: clients of DCMI 1.0 use the codes of IPMI.
fn entity(query: &SensorQuery) -> Result<EntityId, CompletionCode> {
    if query.sensor_type != SensorType::TEMPERATURE.0 {
        return Err(CompletionCode::INVALID_FIELD);
    }
    match EntityId(query.entity) {
        EntityId::AIR_INLET_DCMI | EntityId(0x37) => Ok(EntityId::AIR_INLET_DCMI),
        EntityId::PROCESSOR_DCMI | EntityId::PROCESSOR => Ok(EntityId::PROCESSOR_DCMI),
        EntityId::BASEBOARD_DCMI | EntityId::SYSTEM_BOARD => Ok(EntityId::BASEBOARD_DCMI),
        _ => Err(CompletionCode::INVALID_FIELD),
    }
}

/// The instances that a query asks for: one, or a page from a start. Instances count from 1.
fn asked<'c>(
    context: &'c Context<'_>,
    query: &SensorQuery,
) -> Result<impl Iterator<Item = (u8, &'c Measured)>, CompletionCode> {
    let all = (1..).zip(temperatures(context, entity(query)?));
    let (instance, start) = (query.instance, query.start);
    let asked = all.filter(move |(number, _)| match instance {
        0 => *number >= start,
        instance => *number == instance,
    });
    Ok(asked.take(SENSORS_PER_PAGE))
}

fn total(context: &Context<'_>, query: &SensorQuery) -> Result<u8, CompletionCode> {
    let count = temperatures(context, entity(query)?).count();
    Ok(u8::try_from(count).unwrap_or(u8::MAX))
}

fn sensor_info(
    context: &mut Context<'_>,
    request: GetDcmiSensorInfoRequest,
) -> Result<DcmiSensorInfo, CompletionCode> {
    let mut records = List::default();
    for (_, sensor) in asked(context, &request.query)? {
        records
            .push(record_of_sensor(sensor.number).0)
            .map_err(|_| CompletionCode::UNSPECIFIED)?;
    }
    Ok(DcmiSensorInfo {
        total: total(context, &request.query)?,
        records: Counted(records),
    })
}

fn readings(
    context: &mut Context<'_>,
    request: GetTemperatureReadingsRequest,
) -> Result<TemperatureReadings, CompletionCode> {
    let mut readings = List::default();
    let source = context.bmc.backend().sensors();
    for (instance, sensor) in asked(context, &request.query)? {
        let Some(reading) = source.and_then(|source| source.read(sensor.id)) else {
            continue;
        };
        let SensorValue::Number(degrees) = reading.value;
        let temperature = Temperature {
            negative: degrees < 0.0,
            degrees: degrees.abs().round().min(127.0) as u8,
        };
        let reading = InstanceTemperature {
            temperature,
            instance,
        };
        readings.push(reading).map_err(|_| CompletionCode::UNSPECIFIED)?;
    }
    Ok(TemperatureReadings {
        total: total(context, &request.query)?,
        readings: Counted(readings),
    })
}
