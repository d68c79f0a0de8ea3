//! Readings and types of sensors. A value that is old or missing is "unavailable", never zero.

use ipmi_proto::command::Empty;
use ipmi_proto::command::sensor_event::event_enable::SensorFlags;
use ipmi_proto::command::sensor_event::reading::{
    GetSensorReading, GetSensorReadingFactors, GetSensorReadingFactorsRequest, GetSensorReadingRequest,
    GetSensorType, GetSensorTypeRequest, SensorReading, SensorReadingFactors, SensorTypes, SetSensorReading,
    SetSensorReadingRequest, SetSensorType, SetSensorTypeRequest,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::{EventType, SensorType};
use ipmi_proto::wire::LowBits;

use crate::backend::SensorKind;
use crate::handlers::{Context, handlers};
use crate::state::sdr::builtin_meaning;
use crate::state::sensors::{Found, states};

handlers! {
    pure GetSensorReadingFactors => factors;
    pure GetSensorReading => read;
    pure SetSensorType => set_type;
    pure GetSensorType => |context, request: GetSensorTypeRequest| types(context, request.sensor);
    pure SetSensorReading => set_reading;
}

/// Set Sensor Reading And Event Status: the sensor cannot be set.
const READING_NOT_SETTABLE: CompletionCode = CompletionCode(0x80);
/// Bit 7 of the second state byte is reserved and reads as 1.
const STATES_RESERVED: u8 = 0x80;

fn factors(
    context: &mut Context<'_>,
    request: GetSensorReadingFactorsRequest,
) -> Result<SensorReadingFactors, CompletionCode> {
    let sensor = context.state.sensors.threshold(request.sensor)?;
    Ok(SensorReadingFactors {
        next_reading: request.reading,
        factors: sensor.factors,
    })
}

fn read(
    context: &mut Context<'_>,
    request: GetSensorReadingRequest,
) -> Result<SensorReading, CompletionCode> {
    let backend = context.bmc.backend();
    let state = &context.state;
    Ok(match state.sensors.find(request.sensor)? {
        Found::Measured(sensor) => {
            let raw = sensor.read(backend);
            SensorReading {
                reading: raw.unwrap_or(0),
                flags: SensorFlags {
                    events: false,
                    scanning: sensor.is_scanning,
                    unavailable: raw.is_none(),
                },
                states_low: Some(raw.map_or(0, |raw| sensor.crossed(raw).to_word())),
                states_high: Some(STATES_RESERVED),
            }
        }
        Found::Builtin(builtin) if builtin.is_readable() => {
            let power = backend.known_power_state();
            let states = states(builtin, power, state.chassis.control_fault);
            let [low, high] = states.unwrap_or(0).to_le_bytes();
            SensorReading {
                reading: 0,
                flags: SensorFlags {
                    events: true,
                    scanning: true,
                    unavailable: states.is_none(),
                },
                states_low: Some(low),
                states_high: Some(high | STATES_RESERVED),
            }
        }
        // Sources of events cannot be read.
        Found::Builtin(_) => return Err(CompletionCode::NOT_PRESENT),
    })
}

fn types(context: &Context<'_>, sensor: u8) -> Result<SensorTypes, CompletionCode> {
    let (sensor_type, event_type) = match context.state.sensors.find(sensor)? {
        Found::Measured(sensor) => {
            let sensor_type = match sensor.kind {
                SensorKind::ProcessorUtilization => SensorType::PROCESSOR,
                SensorKind::MemoryUtilization => SensorType::MEMORY,
                SensorKind::Temperature => SensorType::TEMPERATURE,
                SensorKind::FanSpeed => SensorType::FAN,
                SensorKind::Power => SensorType::OTHER_UNITS,
            };
            (sensor_type, EventType::THRESHOLD)
        }
        Found::Builtin(builtin) => (builtin_meaning(builtin).0, EventType::SENSOR_SPECIFIC),
    };
    Ok(SensorTypes {
        sensor_type,
        event_type: LowBits(event_type),
    })
}

/// Types are fixed: setting what is there already does nothing.
fn set_type(context: &mut Context<'_>, request: SetSensorTypeRequest) -> Result<Empty, CompletionCode> {
    if types(context, request.sensor)? == request.types {
        Ok(Empty)
    } else {
        Err(CompletionCode::ILLEGAL_FOR_TYPE)
    }
}

fn set_reading(context: &mut Context<'_>, request: SetSensorReadingRequest) -> Result<Empty, CompletionCode> {
    context.state.sensors.find(request.sensor)?;
    Err(READING_NOT_SETTABLE)
}
