//! Readings and types of sensors.

use ipmi_proto::command::Empty;
use ipmi_proto::command::sensor_event::event_enable::SensorFlags;
use ipmi_proto::command::sensor_event::reading::{
    GetSensorReading, GetSensorReadingFactors, GetSensorReadingFactorsRequest, GetSensorReadingRequest,
    GetSensorType, GetSensorTypeRequest, SensorReading, SensorReadingFactors, SensorTypes, SetSensorReading,
    SetSensorReadingRequest, SetSensorType, SetSensorTypeRequest,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::wire::LowBits;

use crate::handlers::{Context, handlers};
use crate::state::readings::Reading;

handlers! {
    pure GetSensorReadingFactors => factors;
    pure GetSensorReading => read;
    pure SetSensorType => set_type;
    pure GetSensorType => |context, request| get_type(context, &request);
    pure SetSensorReading => set_reading;
}

/// Bits of the state bytes that are reserved and read as one.
const RESERVED_OF_THRESHOLDS: u8 = 0xc0;
const RESERVED_OF_STATES: u8 = 0x80;

fn read(
    context: &mut Context<'_>,
    request: GetSensorReadingRequest,
) -> Result<SensorReading, CompletionCode> {
    let number = request.sensor;
    context.state.sensors.get(number)?;
    let reading = context.state.read(context.now, context.bmc.backend(), number);
    let reading = reading.ok_or(CompletionCode::ILLEGAL_FOR_TYPE)?;
    let (sensor, state) = context.state.sensors.get(number)?;
    let (raw, [low, high]) = match reading {
        Reading::Unavailable if sensor.analog().is_some() => {
            (0, [RESERVED_OF_THRESHOLDS, RESERVED_OF_STATES])
        }
        Reading::Unavailable => (0, [0, RESERVED_OF_STATES]),
        Reading::Raw(raw, reached) => (
            raw,
            [RESERVED_OF_THRESHOLDS | reached.to_word(), RESERVED_OF_STATES],
        ),
        Reading::States(states) => {
            let [low, high] = states.to_le_bytes();
            (0, [low, RESERVED_OF_STATES | high])
        }
    };
    Ok(SensorReading {
        reading: raw,
        flags: SensorFlags {
            events: state.events,
            scanning: state.scanning,
            unavailable: reading == Reading::Unavailable,
        },
        states_low: Some(low),
        states_high: Some(high),
    })
}

/// The same for all readings: every sensor is linear.
fn factors(
    context: &mut Context<'_>,
    request: GetSensorReadingFactorsRequest,
) -> Result<SensorReadingFactors, CompletionCode> {
    let (sensor, _) = context.state.sensors.get(request.sensor)?;
    let analog = sensor.analog().ok_or(CompletionCode::ILLEGAL_FOR_TYPE)?;
    Ok(SensorReadingFactors {
        next_reading: u8::MAX,
        factors: analog.factors,
    })
}

fn get_type(context: &Context<'_>, request: &GetSensorTypeRequest) -> Result<SensorTypes, CompletionCode> {
    let (sensor, _) = context.state.sensors.get(request.sensor)?;
    let (sensor_type, event_type) = sensor.types();
    Ok(SensorTypes {
        sensor_type,
        event_type: LowBits(event_type),
    })
}

/// The types are what they are.
fn set_type(context: &mut Context<'_>, request: SetSensorTypeRequest) -> Result<Empty, CompletionCode> {
    let sensor = request.sensor;
    if get_type(context, &GetSensorTypeRequest { sensor })? != request.types {
        return Err(CompletionCode::ILLEGAL_FOR_TYPE);
    }
    Ok(Empty)
}

/// No sensor takes its reading from software.
fn set_reading(context: &mut Context<'_>, request: SetSensorReadingRequest) -> Result<Empty, CompletionCode> {
    context.state.sensors.get(request.sensor)?;
    Err(SetSensorReading::NOT_SETTABLE)
}
