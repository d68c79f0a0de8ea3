//! Messages between software on the machine and the BMC. Most of these commands are for the system interface
//! alone, and are refused over the LAN before they get here.

use ipmi_proto::command::Empty;
use ipmi_proto::command::app::messaging::{
    ClearMessageFlags, ClearMessageFlagsRequest, EnableMessageChannelReceive,
    EnableMessageChannelReceiveRequest, EnableMessageChannelReceiveResponse, GetBmcGlobalEnables,
    GetBmcGlobalEnablesResponse, GetMessage, GetMessageFlags, GetMessageFlagsResponse,
    GetSystemInterfaceCapabilities, MessageFlags, ReadEventMessageBuffer, SetBmcGlobalEnables,
    SetBmcGlobalEnablesRequest,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::wire::LowBits;

use crate::handlers::{Context, handlers};

handlers! {
    pure SetBmcGlobalEnables => set_global_enables;
    pure GetBmcGlobalEnables => get_global_enables;
    pure ClearMessageFlags => clear_message_flags;
    pure GetMessageFlags => get_message_flags;
    pure EnableMessageChannelReceive => enable_message_channel_receive;
    pure GetMessage => |_, _| Err(GetMessage::QUEUE_EMPTY);
    pure ReadEventMessageBuffer => |_, _| Err(ReadEventMessageBuffer::BUFFER_EMPTY);
    // There is no system interface, of whatever kind.
    pure GetSystemInterfaceCapabilities => |_, _| Err(CompletionCode::INVALID_FIELD);
}

fn set_global_enables(
    context: &mut Context<'_>,
    request: SetBmcGlobalEnablesRequest,
) -> Result<Empty, CompletionCode> {
    context.state.device.enables = request.enables;
    Ok(Empty)
}

fn get_global_enables(
    context: &mut Context<'_>,
    _: Empty,
) -> Result<GetBmcGlobalEnablesResponse, CompletionCode> {
    let enables = context.state.device.enables;
    Ok(GetBmcGlobalEnablesResponse { enables })
}

fn clear_message_flags(
    context: &mut Context<'_>,
    request: ClearMessageFlagsRequest,
) -> Result<Empty, CompletionCode> {
    if request.flags.watchdog_pre_timeout {
        context.state.device.pre_timeout_pending = false;
    }
    Ok(Empty)
}

fn get_message_flags(context: &mut Context<'_>, _: Empty) -> Result<GetMessageFlagsResponse, CompletionCode> {
    let flags = MessageFlags {
        watchdog_pre_timeout: context.state.device.pre_timeout_pending,
        ..MessageFlags::default()
    };
    Ok(GetMessageFlagsResponse { flags })
}

/// No other channel can send messages to the system interface.
fn enable_message_channel_receive(
    context: &mut Context<'_>,
    request: EnableMessageChannelReceiveRequest,
) -> Result<EnableMessageChannelReceiveResponse, CompletionCode> {
    let channel = context.lan_channel(request.channel.0)?;
    Ok(EnableMessageChannelReceiveResponse {
        channel: LowBits(channel),
        enabled: LowBits(false),
    })
}
