//! Which events of a sensor are on, and which have happened.

use ipmi_proto::command::Empty;
use ipmi_proto::command::sensor_event::event_enable::{
    EventEnableFlags, GetSensorEventEnable, GetSensorEventEnableRequest, GetSensorEventStatus,
    GetSensorEventStatusRequest, RearmSensorEvents, RearmSensorEventsRequest, SensorEventEnable,
    SensorEventStatus, SensorFlags, SetSensorEventEnable, SetSensorEventEnableRequest,
};
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::{Context, handlers};
use crate::state::readings::Reading;

handlers! {
    pure SetSensorEventEnable => set;
    pure GetSensorEventEnable => get;
    pure RearmSensorEvents => rearm;
    pure GetSensorEventStatus => status;
}

fn set(context: &mut Context<'_>, request: SetSensorEventEnableRequest) -> Result<Empty, CompletionCode> {
    let (sensor, state) = context.state.sensors.get_mut(request.sensor)?;
    state.enable_events(sensor.events(), &request)?;
    context.state.plan_scan();
    // From now on, also for what holds already.
    context
        .state
        .read(context.now, context.bmc.backend(), request.sensor);
    context.wake_driver = true;
    Ok(Empty)
}

fn get(
    context: &mut Context<'_>,
    request: GetSensorEventEnableRequest,
) -> Result<SensorEventEnable, CompletionCode> {
    let (_, state) = context.state.sensors.get(request.sensor)?;
    Ok(SensorEventEnable {
        flags: EventEnableFlags {
            events: state.events,
            scanning: state.scanning,
        },
        assertions: Some(state.enabled.assertions),
        deassertions: Some(state.enabled.deassertions),
    })
}

fn rearm(context: &mut Context<'_>, request: RearmSensorEventsRequest) -> Result<Empty, CompletionCode> {
    let (_, state) = context.state.sensors.get_mut(request.sensor)?;
    state.rearm(&request);
    context
        .state
        .read(context.now, context.bmc.backend(), request.sensor);
    Ok(Empty)
}

fn status(
    context: &mut Context<'_>,
    request: GetSensorEventStatusRequest,
) -> Result<SensorEventStatus, CompletionCode> {
    let reading = context
        .state
        .read(context.now, context.bmc.backend(), request.sensor);
    let (_, state) = context.state.sensors.get(request.sensor)?;
    Ok(SensorEventStatus {
        flags: SensorFlags {
            events: state.events,
            scanning: state.scanning,
            unavailable: reading == Some(Reading::Unavailable),
        },
        assertions: Some(state.happened.assertions),
        deassertions: Some(state.happened.deassertions),
    })
}
