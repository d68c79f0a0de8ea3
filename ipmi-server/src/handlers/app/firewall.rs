//! Which commands there are. None can be switched off.

use ipmi_proto::command::Empty;
use ipmi_proto::command::app::firewall::{
    CommandEnables, CommandHalf, CommandRange, CommandSupport, ConfigurableCommands, GetCommandEnables,
    GetCommandEnablesRequest, GetCommandSupport, GetCommandSupportRequest, GetConfigurableCommands,
    GetConfigurableCommandsRequest, GetNetFnSupport, GetNetFnSupportRequest, GetOemNetFnIanaSupport,
    GetOemNetFnIanaSupportRequest, ListEnd, NetFnSupport, OemNetFnIanaSupport, SetCommandEnables,
    SetCommandEnablesRequest, UnitSupport,
};
use ipmi_proto::command::{Body, Level};
use ipmi_proto::ipmb::{ChannelNumber, CompletionCode, NetFn};
use ipmi_proto::wire::Bytes;

use crate::handlers::table::answered;
use crate::handlers::{Context, handlers};

handlers! {
    pure GetNetFnSupport => get_netfn_support;
    pure GetCommandSupport => get_command_support;
    pure GetConfigurableCommands => get_configurable_commands;
    pure GetCommandEnables => get_command_enables;
    pure SetCommandEnables => set_command_enables;
    pure GetOemNetFnIanaSupport => get_oem_netfn_iana_support;
}

/// Unit 0 has commands that cannot be restricted, the others have none.
const UNITS: UnitSupport = UnitSupport {
    unit_3: 0,
    unit_2: 0,
    unit_1: 0,
    unit_0: 1,
};

/// The channel whose commands are asked for, if there is one.
fn channel(context: &Context<'_>, channel: ChannelNumber) -> Result<ChannelNumber, CompletionCode> {
    match context.resolve(channel) {
        channel @ (ChannelNumber::LAN | ChannelNumber::SYSTEM_INTERFACE) => Ok(channel),
        _ => Err(CompletionCode::INVALID_FIELD),
    }
}

fn get_netfn_support(
    context: &mut Context<'_>,
    request: GetNetFnSupportRequest,
) -> Result<NetFnSupport, CompletionCode> {
    channel(context, request.channel.0)?;
    let pairs = answered().fold(0_u32, |pairs, spec| pairs | 1 << (spec.netfn.0 / 2 % 32));
    Ok(NetFnSupport {
        units: UNITS,
        pairs: [pairs.to_le_bytes(), [0; 4], [0; 4], [0; 4]],
    })
}

/// Bit n is set for command n of the range, if there is such a command on the channel.
fn available(context: &Context<'_>, range: &CommandRange, owner: &[u8]) -> Result<[u8; 16], CompletionCode> {
    let channel = channel(context, range.channel.0)?;
    let netfn = range.group.netfn.request();
    if owner.len() != netfn.body_length() {
        return Err(CompletionCode::LENGTH_INVALID);
    }
    let high = match range.group.half {
        CommandHalf::LOW => 0,
        CommandHalf::HIGH => 0x80,
        _ => return Err(CompletionCode::INVALID_FIELD),
    };
    let mut mask = [0_u8; 16];
    if range.unit.0 != 0 {
        return Ok(mask);
    }
    for spec in answered() {
        let ours = spec.netfn == netfn && spec.body.code() == owner.first().copied();
        let here = channel == ChannelNumber::SYSTEM_INTERFACE || spec.level != Level::SystemInterface;
        let bit = usize::from(spec.number & 0x7f);
        if ours
            && here
            && spec.number & 0x80 == high
            && let Some(byte) = mask.get_mut(bit / 8)
        {
            *byte |= 1 << (bit % 8);
        }
    }
    Ok(mask)
}

fn get_command_support(
    context: &mut Context<'_>,
    request: GetCommandSupportRequest,
) -> Result<CommandSupport, CompletionCode> {
    let available = available(context, &request.commands, &request.owner)?;
    Ok(CommandSupport {
        unavailable: available.map(|byte| !byte),
    })
}

fn get_command_enables(
    context: &mut Context<'_>,
    request: GetCommandEnablesRequest,
) -> Result<CommandEnables, CompletionCode> {
    let enabled = available(context, &request.commands, &request.owner)?;
    Ok(CommandEnables { enabled })
}

fn get_configurable_commands(
    context: &mut Context<'_>,
    request: GetConfigurableCommandsRequest,
) -> Result<ConfigurableCommands, CompletionCode> {
    available(context, &request.commands, &request.owner)?;
    Ok(ConfigurableCommands {
        configurable: [0; 16],
    })
}

/// Accepted as long as it changes nothing.
fn set_command_enables(
    context: &mut Context<'_>,
    request: SetCommandEnablesRequest,
) -> Result<Empty, CompletionCode> {
    if available(context, &request.commands, &request.owner)? == request.enabled {
        return Ok(Empty);
    }
    Err(SetCommandEnables::NOT_CONFIGURABLE)
}

fn get_oem_netfn_iana_support(
    context: &mut Context<'_>,
    request: GetOemNetFnIanaSupportRequest,
) -> Result<OemNetFnIanaSupport, CompletionCode> {
    channel(context, request.channel.0)?;
    let dcmi = Body::Dcmi.code();
    let (units, owner) = match (request.netfn.0.request(), request.index.0) {
        (NetFn::GROUP_EXTENSION, 0) => (UNITS, Bytes::from_slice(dcmi.as_slice())),
        // No enterprise has commands here: the list is one entry without units.
        (NetFn::OEM_GROUP, 0) => (UnitSupport::default(), Bytes::from_slice(&[0; 3])),
        (NetFn::GROUP_EXTENSION | NetFn::OEM_GROUP, _) => return Err(CompletionCode::OUT_OF_RANGE),
        _ => return Err(CompletionCode::INVALID_FIELD),
    };
    Ok(OemNetFnIanaSupport {
        list: ListEnd { last: true },
        units,
        owner: owner.map_err(|_| CompletionCode::UNSPECIFIED)?,
    })
}
