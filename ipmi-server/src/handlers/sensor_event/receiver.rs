//! Where events go, and events that come in.

use ipmi_proto::command::Empty;
use ipmi_proto::command::sensor_event::receiver::{
    EVENTS_OFF, EventReceiver, GetEventReceiver, PlatformEvent, PlatformEventRequest, SetEventReceiver,
};
use ipmi_proto::ipmb::{BMC_ADDRESS, CompletionCode};
use ipmi_proto::record::Generator;
use ipmi_proto::record::sel::SelBody;
use ipmi_proto::wire::LowBits;

use crate::handlers::{Context, handlers};

handlers! {
    pure SetEventReceiver => set;
    pure GetEventReceiver => get;
    pure PlatformEvent => platform_event;
}

/// The BMC itself, or nobody.
fn set(context: &mut Context<'_>, request: EventReceiver) -> Result<Empty, CompletionCode> {
    context.state.device.sends_events = match (request.address, request.lun.0) {
        (BMC_ADDRESS, 0) => true,
        (EVENTS_OFF, _) => false,
        _ => return Err(CompletionCode::INVALID_FIELD),
    };
    Ok(Empty)
}

fn get(context: &mut Context<'_>, _: Empty) -> Result<EventReceiver, CompletionCode> {
    let address = if context.state.device.sends_events {
        BMC_ADDRESS
    } else {
        EVENTS_OFF
    };
    Ok(EventReceiver {
        address,
        lun: LowBits(0),
    })
}

/// The generator is the requester, unless the system interface names another.
fn platform_event(context: &mut Context<'_>, request: PlatformEventRequest) -> Result<Empty, CompletionCode> {
    let header = &context.header;
    let address = request.generator.unwrap_or(header.requester);
    let generator = Generator {
        channel: context.channel,
        lun: header.requester_lun.get(),
        address: address >> 1,
        software: address & 1 == 1,
    };
    let state = &mut *context.state;
    let timestamp = state.clock.now();
    let body = SelBody::System {
        timestamp,
        generator,
        event: request.event,
    };
    state.sel.add(body, timestamp)?;
    Ok(Empty)
}
