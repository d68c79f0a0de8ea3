//! Which events a sensor generates. Sensors of the machine generate none; those of the BMC cannot be switched
//! one by one.

use ipmi_proto::command::Empty;
use ipmi_proto::command::sensor_event::event_enable::{
    EventEnableFlags, EventEnableOperation, GetSensorEventEnable, GetSensorEventEnableRequest,
    GetSensorEventStatus, GetSensorEventStatusRequest, RearmSensorEvents, RearmSensorEventsRequest,
    SensorEventEnable, SensorEventStatus, SensorFlags, SetSensorEventEnable, SetSensorEventEnableRequest,
};
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::{Context, handlers};
use crate::state::sensors::Found;

handlers! {
    pure SetSensorEventEnable => set;
    pure GetSensorEventEnable => get;
    pure RearmSensorEvents => rearm;
    pure GetSensorEventStatus => status;
}

/// Whether the sensor sends events and is scanned.
fn flags(context: &Context<'_>, sensor: u8) -> Result<EventEnableFlags, CompletionCode> {
    Ok(match context.state.sensors.find(sensor)? {
        Found::Measured(sensor) => EventEnableFlags {
            events: false,
            scanning: sensor.is_scanning,
        },
        Found::Builtin(_) => EventEnableFlags {
            events: true,
            scanning: true,
        },
    })
}

fn set(context: &mut Context<'_>, request: SetSensorEventEnableRequest) -> Result<Empty, CompletionCode> {
    context.state.sensors.find(request.sensor)?;
    let sensor = context.state.sensors.threshold_mut(request.sensor)?;
    let selected = request.assertions.unwrap_or(0) | request.deassertions.unwrap_or(0);
    let enables =
        request.control.events || request.control.operation == EventEnableOperation::ENABLE && selected != 0;
    if enables {
        return Err(CompletionCode::ILLEGAL_FOR_TYPE);
    }
    sensor.is_scanning = request.control.scanning;
    Ok(Empty)
}

fn get(
    context: &mut Context<'_>,
    request: GetSensorEventEnableRequest,
) -> Result<SensorEventEnable, CompletionCode> {
    Ok(SensorEventEnable {
        flags: flags(context, request.sensor)?,
        assertions: Some(0),
        deassertions: Some(0),
    })
}

fn rearm(context: &mut Context<'_>, request: RearmSensorEventsRequest) -> Result<Empty, CompletionCode> {
    context.state.sensors.find(request.sensor)?;
    Ok(Empty)
}

fn status(
    context: &mut Context<'_>,
    request: GetSensorEventStatusRequest,
) -> Result<SensorEventStatus, CompletionCode> {
    let EventEnableFlags { events, scanning } = flags(context, request.sensor)?;
    Ok(SensorEventStatus {
        flags: SensorFlags {
            events,
            scanning,
            unavailable: false,
        },
        assertions: Some(0),
        deassertions: Some(0),
    })
}
