//! Thresholds and hysteresis of a sensor.

use ipmi_proto::command::Empty;
use ipmi_proto::command::sensor_event::threshold::{
    GetSensorHysteresis, GetSensorHysteresisRequest, GetSensorThresholds, GetSensorThresholdsRequest,
    SensorHysteresis, SensorThresholds, SetSensorHysteresis, SetSensorHysteresisRequest, SetSensorThresholds,
    SetSensorThresholdsRequest,
};
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::{Context, handlers};

handlers! {
    pure SetSensorHysteresis => set_hysteresis;
    pure GetSensorHysteresis => get_hysteresis;
    pure SetSensorThresholds => set_thresholds;
    pure GetSensorThresholds => get_thresholds;
}

fn set_hysteresis(
    context: &mut Context<'_>,
    request: SetSensorHysteresisRequest,
) -> Result<Empty, CompletionCode> {
    let sensor = context.state.sensors.threshold_mut(request.sensor)?;
    sensor.hysteresis = (request.positive, request.negative);
    Ok(Empty)
}

fn get_hysteresis(
    context: &mut Context<'_>,
    request: GetSensorHysteresisRequest,
) -> Result<SensorHysteresis, CompletionCode> {
    let (positive, negative) = context.state.sensors.threshold(request.sensor)?.hysteresis;
    Ok(SensorHysteresis { positive, negative })
}

fn set_thresholds(
    context: &mut Context<'_>,
    request: SetSensorThresholdsRequest,
) -> Result<Empty, CompletionCode> {
    let sensor = context.state.sensors.threshold_mut(request.sensor)?;
    sensor.set_thresholds(request.mask, &request.thresholds)?;
    Ok(Empty)
}

fn get_thresholds(
    context: &mut Context<'_>,
    request: GetSensorThresholdsRequest,
) -> Result<SensorThresholds, CompletionCode> {
    let sensor = context.state.sensors.threshold(request.sensor)?;
    Ok(SensorThresholds {
        readable: sensor.readable,
        thresholds: sensor.thresholds,
    })
}
