//! Power readings, of machines that measure it. There are no limits.

use ipmi_proto::command::dcmi::power::{
    GetPowerLimit, GetPowerLimitRequest, GetPowerLimitResponse, GetPowerReading, GetPowerReadingRequest,
    PowerLimit, PowerLimitException, PowerMode, PowerReading, PowerState,
};
use ipmi_proto::ipmb::CompletionCode;

use crate::backend::{SensorKind, SensorValue};
use crate::handlers::{Context, handlers};
use crate::state::sensors::Measured;

handlers! {
    pure GetPowerReading => get_power_reading;
    coded GetPowerLimit => get_power_limit;
}

/// The statistics are of the latest sample alone.
const PERIOD_IN_MILLISECONDS: u32 = 1_000;

/// The sensor of the machine's power, if there is one.
pub(super) fn power_sensor<'c>(context: &'c Context<'_>) -> Option<&'c Measured> {
    let mut sensors = context.state.sensors.measured.iter();
    sensors.find(|sensor| sensor.kind == SensorKind::Power)
}

fn get_power_reading(
    context: &mut Context<'_>,
    request: GetPowerReadingRequest,
) -> Result<PowerReading, CompletionCode> {
    let sensor = power_sensor(context).ok_or(CompletionCode::INVALID_COMMAND)?;
    if request.mode != PowerMode::SYSTEM {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let backend = context.bmc.backend();
    let is_off = backend.known_power_state().is_some_and(|state| !state.is_on());
    let reading = backend.sensors().and_then(|sensors| sensors.read(sensor.id));
    let watts = match reading.map(|reading| reading.value) {
        Some(SensorValue::Number(watts)) => watts.round().clamp(0.0, f64::from(u16::MAX)) as u16,
        None if is_off => 0,
        None => return Err(CompletionCode::NO_RESPONSE),
    };
    Ok(PowerReading {
        current: watts,
        minimum: watts,
        maximum: watts,
        average: watts,
        timestamp: context.state.clock.now(),
        period: PERIOD_IN_MILLISECONDS,
        state: PowerState { measuring: true },
    })
}

/// No limit is set, which has a code of its own; the data follows all the same.
fn get_power_limit(
    context: &mut Context<'_>,
    _: GetPowerLimitRequest,
) -> Result<(CompletionCode, GetPowerLimitResponse), CompletionCode> {
    power_sensor(context).ok_or(CompletionCode::INVALID_COMMAND)?;
    let response = GetPowerLimitResponse {
        reserved: [0; 2],
        limit: PowerLimit {
            exception: PowerLimitException::NONE,
            watts: 0,
            correction_time: 0,
            reserved: [0; 2],
            sampling_period: 0,
        },
    };
    Ok((GetPowerLimit::NO_LIMIT, response))
}
