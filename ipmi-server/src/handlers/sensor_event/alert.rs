//! Alerts that a client sends, and acknowledgements of traps.

use ipmi_proto::command::Empty;
use ipmi_proto::command::sensor_event::alert::{
    AlertEvent, AlertImmediate, AlertImmediateRequest, AlertImmediateResponse, AlertOperation,
    PetAcknowledge, PetAcknowledgement,
};
use ipmi_proto::command::sensor_event::pef_parameter::EventSeverity;
use ipmi_proto::ipmb::{ChannelNumber, CompletionCode};
use ipmi_proto::record::Generator;

use crate::alert::Cause;
use crate::handlers::{Context, handlers};
use crate::state::pef::PefSettings;

handlers! {
    pure AlertImmediate => alert_immediate;
    pure PetAcknowledge => acknowledge;
}

fn alert_immediate(
    context: &mut Context<'_>,
    request: AlertImmediateRequest,
) -> Result<AlertImmediateResponse, CompletionCode> {
    context.lan_channel(request.channel.0)?;
    let destination = request.target.destination;
    let alerts = &mut context.state.alerts;
    let present = alerts.status(destination)?;
    let status = match request.target.operation {
        AlertOperation::SEND => {
            send(context, &request)?;
            None
        }
        AlertOperation::GET_STATUS => Some(present),
        AlertOperation::CLEAR_STATUS => {
            alerts.clear_status(destination)?;
            None
        }
        _ => return Err(CompletionCode::INVALID_FIELD),
    };
    Ok(AlertImmediateResponse { status })
}

fn send(context: &mut Context<'_>, request: &AlertImmediateRequest) -> Result<(), CompletionCode> {
    let state = &mut *context.state;
    let target = state.alert_target(request.target.destination);
    let target = target.ok_or(CompletionCode::DESTINATION_UNAVAILABLE)?;
    let string = request.string.send.then_some(request.string.string);
    if string.is_some_and(|string| !PefSettings::has_string(string)) {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let generator = request.event.as_ref().map_or(Generator::BMC, generator);
    let event = request.event.as_ref().map(|event| event.event);
    let seconds = state.clock.seconds(context.now);
    let cause = Cause::new(seconds, EventSeverity::UNSPECIFIED, generator, event);
    state.alerts.send_immediately(cause, target, string)?;
    context.wake_driver = true;
    Ok(())
}

fn generator(event: &AlertEvent) -> Generator {
    Generator {
        channel: ChannelNumber(0),
        lun: 0,
        address: event.generator >> 1,
        software: event.generator & 1 == 1,
    }
}

/// Always answered alike: it needs no session, and nobody shall find out which traps there were.
fn acknowledge(context: &mut Context<'_>, request: PetAcknowledgement) -> Result<Empty, CompletionCode> {
    context.state.acknowledge_alert(&request);
    Ok(Empty)
}
