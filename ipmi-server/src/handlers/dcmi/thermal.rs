//! Temperatures, by the three places that DCMI knows.

use ipmi_proto::command::dcmi::thermal::{
    DcmiSensorInfo, GetDcmiSensorInfo, GetDcmiSensorInfoRequest, GetTemperatureReadings,
    GetTemperatureReadingsRequest, InstanceTemperature, SENSORS_PER_PAGE, SensorQuery, Temperature,
    TemperatureReadings,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::{EntityId, SensorType};
use ipmi_proto::wire::{Counted, List};

use crate::backend::SensorKind;
use crate::handlers::{Context, handlers};
use crate::state::State;
use crate::state::catalogue::Source;
use crate::state::readings;
use crate::state::sdr::record_of;

handlers! {
    pure GetDcmiSensorInfo => info;
    pure GetTemperatureReadings => temperature_readings;
}

/// A temperature as DCMI sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlacedTemperature {
    /// Where: inlet, processor or board.
    pub(super) entity: EntityId,
    /// Number of its sensor.
    number: u8,
    source: Source,
}

/// The temperatures of the machine.
pub(super) fn temperatures(state: &State) -> impl Iterator<Item = PlacedTemperature> {
    state.sensors.iter().filter_map(|(sensor, _)| {
        if !matches!(sensor.source, Source::Machine(_, SensorKind::Temperature)) {
            return None;
        }
        Some(PlacedTemperature {
            entity: place(sensor.analog()?.entity.id)?,
            number: sensor.number,
            source: sensor.source,
        })
    })
}

/// The DCMI name of a place; clients also use the older ones.
const fn place(entity: EntityId) -> Option<EntityId> {
    match entity {
        EntityId::AIR_INLET | EntityId::AIR_INLET_DCMI => Some(EntityId::AIR_INLET_DCMI),
        EntityId::PROCESSOR | EntityId::PROCESSOR_DCMI => Some(EntityId::PROCESSOR_DCMI),
        EntityId::SYSTEM_BOARD | EntityId::BASEBOARD_DCMI => Some(EntityId::BASEBOARD_DCMI),
        _ => None,
    }
}

/// The temperatures of the place that is asked for, with their instances, and how many there are.
fn find(state: &State, query: &SensorQuery) -> Result<(u8, Vec<(u8, PlacedTemperature)>), CompletionCode> {
    if SensorType(query.sensor_type) != SensorType::TEMPERATURE {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let entity = place(EntityId(query.entity)).ok_or(CompletionCode::INVALID_FIELD)?;
    let here = temperatures(state).filter(|temperature| temperature.entity == entity);
    let all: Vec<_> = (1..=u8::MAX).zip(here).collect();
    let total = u8::try_from(all.len()).unwrap_or(u8::MAX);
    let wanted = all.into_iter().filter(|(instance, _)| match query.instance {
        0 => *instance >= query.start,
        wanted => *instance == wanted,
    });
    Ok((total, wanted.take(SENSORS_PER_PAGE).collect()))
}

fn info(
    context: &mut Context<'_>,
    request: GetDcmiSensorInfoRequest,
) -> Result<DcmiSensorInfo, CompletionCode> {
    let (total, found) = find(context.state, &request.query)?;
    let records: Vec<_> = found.iter().map(|(_, found)| record_of(found.number).0).collect();
    let records = List::from_slice(&records).map_err(|_| CompletionCode::UNSPECIFIED)?;
    Ok(DcmiSensorInfo {
        total,
        records: Counted(records),
    })
}

/// Temperatures that cannot be read at present are left out.
fn temperature_readings(
    context: &mut Context<'_>,
    request: GetTemperatureReadingsRequest,
) -> Result<TemperatureReadings, CompletionCode> {
    let (total, found) = find(context.state, &request.query)?;
    let backend = context.bmc.backend();
    let readings = found.into_iter().filter_map(|(instance, found)| {
        let temperature = temperature(readings::value(backend, found.source)?);
        Some(InstanceTemperature {
            temperature,
            instance,
        })
    });
    let readings: Vec<_> = readings.collect();
    let readings = List::from_slice(&readings).map_err(|_| CompletionCode::UNSPECIFIED)?;
    Ok(TemperatureReadings {
        total,
        readings: Counted(readings),
    })
}

/// Whole degrees; the field saturates.
fn temperature(degrees: f64) -> Temperature {
    let rounded = degrees.round();
    Temperature {
        negative: rounded < 0.0,
        degrees: (rounded.abs() as u8).min(127),
    }
}
