//! Channels: what they are, who may use them, their keys.

use ipmi_proto::command::Empty;
use ipmi_proto::command::app::channel::{
    AccessChange, ChannelAccess, ChannelInfo, ChannelMode, ChannelSessions, GetChannelAccess,
    GetChannelAccessRequest, GetChannelInfo, GetChannelInfoRequest, IPMI_ENTERPRISE, KeyId, KeyLock,
    KeyOperation, SessionSupport, SetChannelAccess, SetChannelAccessRequest, SetChannelSecurityKeys,
    SetChannelSecurityKeysRequest, SetChannelSecurityKeysResponse,
};
use ipmi_proto::crypto::BmcKey;
use ipmi_proto::ipmb::{ChannelMedium, ChannelNumber, ChannelProtocol, CompletionCode, Privilege};
use ipmi_proto::wire::{LowBits, Secret};

use crate::handlers::{Context, handlers};
use crate::state::channel::ChannelAccess as Settings;

handlers! {
    pure SetChannelAccess => set_channel_access;
    pure GetChannelAccess => get_channel_access;
    pure GetChannelInfo => get_channel_info;
    pure SetChannelSecurityKeys => set_channel_security_keys;
}

/// Interrupt types of the system interface: none.
const NO_INTERRUPT: u8 = 0xff;

fn get_channel_info(
    context: &mut Context<'_>,
    request: GetChannelInfoRequest,
) -> Result<ChannelInfo, CompletionCode> {
    let channel = context.resolve(request.channel.0);
    let (medium, protocol, sessions, auxiliary) = match channel {
        ChannelNumber::LAN => {
            let active = context.sessions.open_sessions().count();
            let sessions = ChannelSessions {
                support: SessionSupport::MULTI,
                active: u8::try_from(active).unwrap_or(u8::MAX).min(63),
            };
            (ChannelMedium::LAN_802_3, ChannelProtocol::IPMB, sessions, [0; 2])
        }
        ChannelNumber::SYSTEM_INTERFACE => (
            ChannelMedium::SYSTEM_INTERFACE,
            ChannelProtocol::KCS,
            ChannelSessions::default(),
            [NO_INTERRUPT; 2],
        ),
        _ => return Err(CompletionCode::INVALID_FIELD),
    };
    Ok(ChannelInfo {
        channel: LowBits(channel),
        medium: LowBits(medium),
        protocol: LowBits(protocol),
        sessions,
        vendor: IPMI_ENTERPRISE,
        auxiliary,
    })
}

/// The LAN channel; 82h for one that is there but has no sessions, CCh for one that is not there.
fn session_channel(context: &Context<'_>, channel: ChannelNumber) -> Result<(), CompletionCode> {
    match context.resolve(channel) {
        ChannelNumber::LAN => Ok(()),
        ChannelNumber::SYSTEM_INTERFACE => Err(GetChannelAccess::NOT_SUPPORTED_ON_CHANNEL),
        _ => Err(CompletionCode::INVALID_FIELD),
    }
}

fn get_channel_access(
    context: &mut Context<'_>,
    request: GetChannelAccessRequest,
) -> Result<ChannelAccess, CompletionCode> {
    session_channel(context, request.channel.0)?;
    let channel = &context.state.channel;
    let Settings { mode, limit } = match request.settings.settings {
        AccessChange::NON_VOLATILE => channel.kept,
        AccessChange::VOLATILE => channel.present,
        _ => return Err(CompletionCode::INVALID_FIELD),
    };
    Ok(ChannelAccess {
        access: mode,
        limit: LowBits(limit),
    })
}

fn set_channel_access(
    context: &mut Context<'_>,
    request: SetChannelAccessRequest,
) -> Result<Empty, CompletionCode> {
    session_channel(context, request.channel.0)?;
    let (access, limit) = (request.access, request.limit);
    let changes = [AccessChange::NON_VOLATILE, AccessChange::VOLATILE];
    let allowed = [
        AccessChange::KEEP,
        AccessChange::NON_VOLATILE,
        AccessChange::VOLATILE,
    ];
    if !allowed.contains(&access.change) || !allowed.contains(&limit.change) {
        return Err(CompletionCode::INVALID_FIELD);
    }
    // Any other mode on the only channel would lock everybody out.
    if changes.contains(&access.change) && access.mode != ChannelMode::ALWAYS {
        return Err(SetChannelAccess::MODE_NOT_SUPPORTED);
    }
    // Less than Administrator would leave nobody who can take it back.
    if changes.contains(&limit.change) && !matches!(limit.limit, Privilege::ADMINISTRATOR | Privilege::OEM) {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let channel = &mut context.state.channel;
    if let Some(settings) = settings(channel, access.change) {
        settings.mode.alerting_disabled = access.alerting_disabled;
        settings.mode.per_message_disabled = access.per_message_disabled;
        settings.mode.user_level_disabled = access.user_level_disabled;
        settings.mode.mode = access.mode;
    }
    if let Some(settings) = settings(channel, limit.change) {
        settings.limit = limit.limit;
    }
    Ok(Empty)
}

fn settings(channel: &mut crate::state::Channel, change: AccessChange) -> Option<&mut Settings> {
    match change {
        AccessChange::NON_VOLATILE => Some(&mut channel.kept),
        AccessChange::VOLATILE => Some(&mut channel.present),
        _ => None,
    }
}

fn set_channel_security_keys(
    context: &mut Context<'_>,
    request: SetChannelSecurityKeysRequest,
) -> Result<SetChannelSecurityKeysResponse, CompletionCode> {
    context.lan_channel(request.channel.0)?;
    match request.key_id {
        KeyId::GENERATING => {}
        KeyId::RANDOM => return Err(SetChannelSecurityKeys::NOT_USED),
        _ => return Err(CompletionCode::INVALID_FIELD),
    }
    let channel = &mut context.state.channel;
    match request.operation.0 {
        KeyOperation::READ if !request.key.is_empty() => return Err(CompletionCode::LENGTH_INVALID),
        // The key itself is never given away.
        KeyOperation::READ => {}
        KeyOperation::SET if channel.bmc_key_locked => return Err(SetChannelSecurityKeys::LOCKED),
        KeyOperation::SET if request.key.len() < BmcKey::LENGTH => {
            return Err(SetChannelSecurityKeys::TOO_SHORT);
        }
        KeyOperation::SET => {
            channel.bmc_key =
                BmcKey::new(request.key.expose()).map_err(|_| SetChannelSecurityKeys::TOO_LONG)?;
        }
        KeyOperation::LOCK => channel.bmc_key_locked = true,
        _ => return Err(CompletionCode::INVALID_FIELD),
    }
    let lock = if channel.bmc_key_locked {
        KeyLock::LOCKED
    } else {
        KeyLock::UNLOCKED
    };
    Ok(SetChannelSecurityKeysResponse {
        lock: LowBits(lock),
        key: Secret::default(),
    })
}
