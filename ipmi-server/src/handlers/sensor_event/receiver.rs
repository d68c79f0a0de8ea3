//! Where events go, and events that come in.

use ipmi_proto::command::Empty;
use ipmi_proto::command::sensor_event::receiver::{
    EVENTS_OFF, EventReceiver, GetEventReceiver, PlatformEvent, PlatformEventRequest, SetEventReceiver,
};
use ipmi_proto::ipmb::{BMC_ADDRESS, CompletionCode};
use ipmi_proto::record::{EventMessage, Generator};

use crate::handlers::{Context, handlers};

handlers! {
    pure SetEventReceiver => set;
    pure GetEventReceiver => |context, _| Ok(context.state.events.receiver);
    pure PlatformEvent => platform_event;
}

/// The BMC is its own event receiver, or has none.
fn set(context: &mut Context<'_>, request: EventReceiver) -> Result<Empty, CompletionCode> {
    if !matches!(request.address, BMC_ADDRESS | EVENTS_OFF) || request.lun.0 != 0 {
        return Err(CompletionCode::INVALID_FIELD);
    }
    context.state.events.receiver = request;
    Ok(Empty)
}

fn platform_event(context: &mut Context<'_>, request: PlatformEventRequest) -> Result<Empty, CompletionCode> {
    let revision = request.event.revision;
    if !matches!(revision, EventMessage::REVISION | EventMessage::REVISION_1_0) {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let address = request.generator.unwrap_or(context.header.requester);
    let generator = Generator {
        channel: context.channel,
        lun: context.header.requester_lun.get(),
        address: address >> 1,
        software: address & 1 == 1,
    };
    context.state.receive(context.now, generator, request.event)?;
    Ok(Empty)
}
