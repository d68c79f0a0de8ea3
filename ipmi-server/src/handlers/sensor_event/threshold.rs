//! Thresholds and hysteresis. Only sensors with a value have them.

use ipmi_proto::command::Empty;
use ipmi_proto::command::sensor_event::threshold::{
    GetSensorHysteresis, GetSensorHysteresisRequest, GetSensorThresholds, GetSensorThresholdsRequest,
    SensorHysteresis, SensorThresholds, SetSensorHysteresis, SetSensorHysteresisRequest, SetSensorThresholds,
    SetSensorThresholdsRequest,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::sdr::SensorAccess;
use ipmi_proto::record::{Threshold, ThresholdMask, Thresholds};

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
    let (sensor, state) = context.state.sensors.get_mut(request.sensor)?;
    let analog = sensor.analog().ok_or(CompletionCode::ILLEGAL_FOR_TYPE)?;
    if analog.capabilities.hysteresis != SensorAccess::SETTABLE {
        return Err(CompletionCode::ILLEGAL_FOR_TYPE);
    }
    (state.positive_hysteresis, state.negative_hysteresis) = (request.positive, request.negative);
    context
        .state
        .read(context.now, context.bmc.backend(), request.sensor);
    Ok(Empty)
}

fn get_hysteresis(
    context: &mut Context<'_>,
    request: GetSensorHysteresisRequest,
) -> Result<SensorHysteresis, CompletionCode> {
    let (sensor, state) = context.state.sensors.get(request.sensor)?;
    sensor.analog().ok_or(CompletionCode::ILLEGAL_FOR_TYPE)?;
    Ok(SensorHysteresis {
        positive: state.positive_hysteresis,
        negative: state.negative_hysteresis,
    })
}

fn set_thresholds(
    context: &mut Context<'_>,
    request: SetSensorThresholdsRequest,
) -> Result<Empty, CompletionCode> {
    let (sensor, state) = context.state.sensors.get_mut(request.sensor)?;
    let analog = sensor.analog().ok_or(CompletionCode::ILLEGAL_FOR_TYPE)?;
    if analog.capabilities.thresholds != SensorAccess::SETTABLE {
        return Err(CompletionCode::ILLEGAL_FOR_TYPE);
    }
    state.set_thresholds(analog, &request)?;
    // The new thresholds hold at once.
    context
        .state
        .read(context.now, context.bmc.backend(), request.sensor);
    Ok(Empty)
}

fn get_thresholds(
    context: &mut Context<'_>,
    request: GetSensorThresholdsRequest,
) -> Result<SensorThresholds, CompletionCode> {
    let (sensor, state) = context.state.sensors.get(request.sensor)?;
    let analog = sensor.analog().ok_or(CompletionCode::ILLEGAL_FOR_TYPE)?;
    let readable = analog.masks.readable_thresholds();
    Ok(SensorThresholds {
        readable,
        thresholds: only(readable, &state.thresholds),
    })
}

/// The thresholds of a set; the others are zero.
fn only(mask: ThresholdMask, thresholds: &Thresholds) -> Thresholds {
    let mut only = Thresholds::default();
    for threshold in Threshold::ALL
        .iter()
        .filter(|threshold| mask.contains(**threshold))
    {
        if let (Some(place), Some(value)) = (only.get_mut(*threshold), thresholds.get(*threshold)) {
            *place = value;
        }
    }
    only
}
