//! Switching and finding the machine.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;

use ipmi_proto::command::Empty;
use ipmi_proto::command::chassis::control::{
    ChassisControl, ChassisControlRequest, ChassisIdentify, ChassisIdentifyRequest, DEFAULT_IDENTIFY_INTERVAL,
};
use ipmi_proto::command::chassis::status::RestartCause;
use ipmi_proto::ipmb::CompletionCode;

use crate::bmc::Identify;
use crate::handlers::{Context, Step, handlers};
use crate::power::{self, Claim, Holder, Order};

handlers! {
    backend ChassisControl => chassis_control;
    pure ChassisIdentify => chassis_identify;
}

fn chassis_control(
    context: &mut Context<'_>,
    request: ChassisControlRequest,
) -> Result<Step<Empty>, CompletionCode> {
    let order = Order {
        action: request.action.0,
        cause: RestartCause::CHASSIS_CONTROL,
        channel: context.channel,
    };
    if !power::is_possible(order.action, context.state.capabilities.power) {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let known = context.bmc.backend().known_power_state();
    let bmc = Arc::clone(context.bmc);
    match context.power.claim(order.action, known) {
        Claim::Busy => Err(CompletionCode::BUSY),
        Claim::Accepted => Ok(Step::Done(Empty)),
        Claim::Joined(id) => Ok(Step::Wait(Box::pin(async move {
            match power::joined(bmc, id).await {
                CompletionCode::OK => Ok((Empty, None)),
                code => Err(code),
            }
        }))),
        Claim::Granted(id) => {
            // Made here, so that the slot is free again also if the future is never polled.
            let holder = Holder::new(Arc::clone(&bmc), id);
            Ok(Step::Wait(Box::pin(async move {
                let then = power::carry_out(bmc, holder, order).await?;
                Ok((Empty, then))
            })))
        }
    }
}

fn chassis_identify(
    context: &mut Context<'_>,
    request: ChassisIdentifyRequest,
) -> Result<Empty, CompletionCode> {
    let seconds = |seconds: u8| Duration::from_secs(u64::from(seconds));
    let interval = request.interval.map_or(DEFAULT_IDENTIFY_INTERVAL, seconds);
    let identify = if request.force.is_some_and(|force| force.indefinite) {
        Identify::On
    } else if interval.is_zero() {
        Identify::Off
    } else {
        Identify::For(interval)
    };
    if context.state.chassis.unkept().identify(context.now, identify) {
        context.bmc.settings().tell_identify(identify);
        context.wake_driver = true;
    }
    Ok(Empty)
}
