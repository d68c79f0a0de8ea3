//! The event log and the sensors of one BMC.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ipmi_proto::command::sensor_event::reading::{GetSensorReading, GetSensorReadingRequest, SensorReading};
use ipmi_proto::command::storage::sdr::{GetSdr, GetSdrRequest, WHOLE_RECORD};
use ipmi_proto::command::storage::sdr_update::{CLEAR_CONFIRMATION, ClearAction, ClearRequest};
use ipmi_proto::command::storage::sel::{ClearSel, GetSelEntry, GetSelEntryRequest, ReserveSel};
use ipmi_proto::command::{Command, Empty};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::sdr::{FullSensor, SdrBody, SdrRecord};
use ipmi_proto::record::sel::{RECORD_LENGTH, SelBody, SelRecord, UNSPECIFIED_TIME};
use ipmi_proto::record::{EventType, RecordId, SensorType, Threshold};
use ipmi_proto::wire::Reader;
use ipmi_server::bmc::{Bmc, LocalError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Control;
use super::api::{LogEntry, Problem, Sensor};
use super::machine::{ask, attempt, hexadecimal, refused, unreadable};
use super::problem::Refusal;

/// The numbers of records are 16 bits long: no walk is longer.
const MOST_RECORDS: usize = 1 << 16;
/// States that a sensor can have.
const STATES: u8 = 15;

pub(super) fn routes() -> OpenApiRouter<Control> {
    OpenApiRouter::new()
        .routes(routes!(sel, clear_sel))
        .routes(routes!(sensors))
}

/// The event log, oldest record first.
#[utoipa::path(
    get, path = "/v1/bmcs/{name}/sel",
    responses((status = 200, body = Vec<LogEntry>), (status = 404, body = Problem), (status = 409, body = Problem))
)]
async fn sel(
    State(control): State<Control>,
    Path(name): Path<String>,
) -> Result<Json<Vec<LogEntry>>, Refusal> {
    let bmc = control.registry.bmc(&name)?;
    let repository = repository(&bmc).await?;
    let names = repository.iter().filter_map(|record| {
        let number = record.body.sensor()?.number;
        Some((number, record.body.name()?.to_string()))
    });
    let names = names.collect();
    let mut entries = Vec::new();
    let mut record = RecordId::FIRST;
    for _ in 0..MOST_RECORDS {
        let request = GetSelEntryRequest {
            reservation: 0,
            record,
            offset: 0,
            count: WHOLE_RECORD,
        };
        let Some(entry) = present::<GetSelEntry>(&bmc, request).await? else {
            break;
        };
        let bytes: &[u8; RECORD_LENGTH] = (&*entry.data).try_into().map_err(|_| unreadable())?;
        entries.push(log_entry(&SelRecord::from_bytes(bytes), &names));
        record = entry.next;
        if record == RecordId::LAST {
            break;
        }
    }
    Ok(Json(entries))
}

/// Erases the event log.
#[utoipa::path(
    delete, path = "/v1/bmcs/{name}/sel",
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem))
)]
async fn clear_sel(State(control): State<Control>, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    let bmc = control.registry.bmc(&name)?;
    let reservation = ask::<ReserveSel>(&bmc, Empty).await?.reservation;
    let request = ClearRequest {
        reservation,
        confirmation: CLEAR_CONFIRMATION,
        action: ClearAction::BEGIN,
    };
    ask::<ClearSel>(&bmc, request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All sensors with their readings.
#[utoipa::path(
    get, path = "/v1/bmcs/{name}/sensors",
    responses((status = 200, body = Vec<Sensor>), (status = 404, body = Problem), (status = 409, body = Problem))
)]
async fn sensors(
    State(control): State<Control>,
    Path(name): Path<String>,
) -> Result<Json<Vec<Sensor>>, Refusal> {
    let bmc = control.registry.bmc(&name)?;
    let mut sensors = Vec::new();
    for record in repository(&bmc).await? {
        let (kind, event_type, full) = match &record.body {
            SdrBody::Full(sensor) => (sensor.sensor_type, sensor.event_type, Some(sensor)),
            SdrBody::Compact(sensor) => (sensor.sensor_type, sensor.event_type, None),
            // Others cannot be read.
            _ => continue,
        };
        let (Some(key), Some(name)) = (record.body.sensor(), record.body.name()) else {
            continue;
        };
        let request = GetSensorReadingRequest { sensor: key.number };
        if let Some(reading) = present::<GetSensorReading>(&bmc, request).await? {
            let available = reading.flags.scanning && !reading.flags.unavailable;
            let full = full.filter(|_| available);
            sensors.push(Sensor {
                number: key.number,
                name: name.to_string(),
                kind: label(kind.label(), kind.0),
                value: full.and_then(|sensor| sensor.value(reading.reading)),
                unit: full.map(unit),
                states: if available {
                    states(kind, event_type, &reading)
                } else {
                    Vec::new()
                },
                available,
            });
        }
    }
    Ok(Json(sensors))
}

/// The answer of a command that asks for something which may not be there.
async fn present<C>(bmc: &Arc<Bmc>, request: C::Request) -> Result<Option<C::Response>, Refusal>
where
    C: Command<Request: Send + Sync + 'static, Response: Send + 'static> + 'static,
{
    match attempt::<C>(bmc, request).await? {
        Ok(response) => Ok(Some(response)),
        Err(LocalError::Refused(CompletionCode::NOT_PRESENT)) => Ok(None),
        Err(error) => Err(refused(bmc.name(), C::SPEC.name, &error)),
    }
}

/// All records of the SDR repository.
async fn repository(bmc: &Arc<Bmc>) -> Result<Vec<SdrRecord>, Refusal> {
    let mut records = Vec::new();
    let mut record = RecordId::FIRST;
    for _ in 0..MOST_RECORDS {
        let request = GetSdrRequest {
            reservation: 0,
            record,
            offset: 0,
            count: WHOLE_RECORD,
        };
        let Some(answer) = present::<GetSdr>(bmc, request).await? else {
            break;
        };
        records.push(Reader::new(&answer.data).value().map_err(|_| unreadable())?);
        record = answer.next;
        if record == RecordId::LAST {
            break;
        }
    }
    Ok(records)
}

fn log_entry(record: &SelRecord, names: &BTreeMap<u8, String>) -> LogEntry {
    let (sensor, event, asserted) = match &record.body {
        SelBody::System { event, .. } => {
            let kind = label(event.sensor_type.label(), event.sensor_type.0);
            let name = names.get(&event.sensor_number);
            let sensor = match name {
                Some(name) => format!("{kind} {name}"),
                None => format!("{kind} #{}", event.sensor_number),
            };
            (
                sensor,
                label(event.label(), event.data.offset),
                !event.kind.deasserted,
            )
        }
        other => (
            "OEM".to_owned(),
            format!("record of type {:02x}h", other.record_type()),
            true,
        ),
    };
    LogEntry {
        id: record.id.0,
        time: record.body.timestamp().filter(|time| *time != UNSPECIFIED_TIME),
        sensor,
        event,
        asserted,
        raw: hexadecimal(&record.to_bytes()),
    }
}

/// A name, or the number of what has none.
fn label(name: Option<&str>, number: u8) -> String {
    name.map_or_else(|| format!("{number:02x}h"), str::to_owned)
}

fn unit(sensor: &FullSensor) -> String {
    if sensor.units.kind.percentage {
        return "percent".to_owned();
    }
    let base = sensor.units.base;
    label(base.label(), base.0)
}

/// What holds at present: crossed thresholds, or states.
fn states(kind: SensorType, event_type: EventType, reading: &SensorReading) -> Vec<String> {
    if event_type == EventType::THRESHOLD {
        let crossed = reading.crossed();
        let thresholds = Threshold::ALL
            .iter()
            .filter(|threshold| crossed.contains(**threshold));
        return thresholds
            .map(|threshold| label(threshold.label(), threshold.0))
            .collect();
    }
    let states = reading.states();
    let holds = (0..STATES).filter(|offset| states >> offset & 1 == 1);
    holds
        .map(|offset| {
            label(
                ipmi_proto::record::offset::label(event_type, kind, offset),
                offset,
            )
        })
        .collect()
}
