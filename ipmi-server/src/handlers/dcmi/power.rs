//! Power. Only machines with a power meter have readings; none has a limit.

use ipmi_proto::command::dcmi::power::{
    GetPowerLimit, GetPowerLimitRequest, GetPowerLimitResponse, GetPowerReading, GetPowerReadingRequest,
    PowerLimit, PowerLimitException, PowerMode, PowerReading, PowerState as MeasuringState,
};
use ipmi_proto::ipmb::CompletionCode;

use crate::backend::{PowerState, SensorKind};
use crate::handlers::{Context, handlers};
use crate::state::catalogue::Source;
use crate::state::readings;

handlers! {
    pure GetPowerReading => get_reading;
    coded GetPowerLimit => get_limit;
}

/// The present power, statistics since the BMC started. Averages over other periods are not kept.
fn get_reading(
    context: &mut Context<'_>,
    request: GetPowerReadingRequest,
) -> Result<PowerReading, CompletionCode> {
    let backend = context.bmc.backend();
    let mut sensors = context.state.sensors.iter();
    let source = sensors.find_map(|(sensor, _)| match sensor.source {
        source @ Source::Machine(_, SensorKind::Power) => Some(source),
        _ => None,
    });
    let source = source.ok_or(CompletionCode::INVALID_COMMAND)?;
    if request.mode != PowerMode::SYSTEM {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let is_off = backend.known_power_state() == Some(PowerState::Off);
    let value = readings::value(backend, source).or_else(|| is_off.then_some(0.0));
    if let Some(value) = value {
        context.state.power_statistics.add(context.now, value);
    }
    let summary = context.state.power_statistics.summary(context.now);
    let of_summary = |field: fn(&_) -> f64| summary.as_ref().map_or(0, |summary| watts(field(summary)));
    Ok(PowerReading {
        current: value.map_or(0, watts),
        minimum: of_summary(|summary| summary.minimum),
        maximum: of_summary(|summary| summary.maximum),
        average: of_summary(|summary| summary.average),
        timestamp: context.state.clock.seconds(context.now),
        period: summary.map_or(0, |summary| {
            u32::try_from(summary.period.as_millis()).unwrap_or(u32::MAX)
        }),
        state: MeasuringState {
            measuring: value.is_some(),
        },
    })
}

/// Whole watts; a field of 16 bits saturates.
fn watts(value: f64) -> u16 {
    value.round() as u16
}

fn get_limit(
    context: &mut Context<'_>,
    _: GetPowerLimitRequest,
) -> Result<(CompletionCode, GetPowerLimitResponse), CompletionCode> {
    if !context.state.has_power_sensor() {
        return Err(CompletionCode::INVALID_COMMAND);
    }
    let limit = PowerLimit {
        exception: PowerLimitException::NONE,
        watts: 0,
        correction_time: 0,
        reserved: [0; 2],
        sampling_period: 0,
    };
    let response = GetPowerLimitResponse {
        reserved: [0; 2],
        limit,
    };
    Ok((GetPowerLimit::NO_LIMIT, response))
}
