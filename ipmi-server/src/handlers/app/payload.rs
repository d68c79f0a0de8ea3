//! Payloads of an IPMI 2.0 session: who may use them, which there are. Serial over LAN itself is not active:
//! what needs it says so.

use ipmi_proto::command::Empty;
use ipmi_proto::command::app::payload::{
    ActivatePayload, ActivatePayloadRequest, ActivatedPayload, ChannelPayloadSupport, ChannelPayloadVersion,
    DeactivatePayload, DeactivatePayloadRequest, GetChannelOemPayloadInfo, GetChannelPayloadSupport,
    GetChannelPayloadSupportRequest, GetChannelPayloadVersion, GetChannelPayloadVersionRequest,
    GetPayloadActivationStatus, GetPayloadActivationStatusRequest, GetPayloadInstanceInfo,
    GetPayloadInstanceInfoRequest, GetUserPayloadAccess, GetUserPayloadAccessRequest,
    GetUserPayloadAccessResponse, PayloadAccessOperation, PayloadActivationStatus, PayloadInstanceInfo,
    PayloadVersion, SetUserPayloadAccess, SetUserPayloadAccessRequest, StandardPayloads,
    SuspendResumePayloadEncryption, UserPayloads,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::packet::v2_0::PayloadType;
use ipmi_proto::session::UserId;
use ipmi_proto::wire::LowBits;

use crate::handlers::{Context, handlers};

handlers! {
    pure ActivatePayload => activate;
    pure DeactivatePayload => deactivate;
    pure GetPayloadActivationStatus => activation_status;
    pure GetPayloadInstanceInfo => instance_info;
    pure SetUserPayloadAccess => set_user_payload_access;
    pure GetUserPayloadAccess => get_user_payload_access;
    pure GetChannelPayloadSupport => channel_payload_support;
    pure GetChannelPayloadVersion => channel_payload_version;
    pure GetChannelOemPayloadInfo => |_, _| Err(GetChannelOemPayloadInfo::NOT_AVAILABLE);
    pure SuspendResumePayloadEncryption => |_, _| Err(SuspendResumePayloadEncryption::INSTANCE_INACTIVE);
}

/// IPMI messages and Serial over LAN.
const STANDARD: u16 = 0b11;
/// Open Session to RAKP 4.
const SESSION_SETUP: u16 = 0x3f;
/// All payloads are of version 1.0.
const VERSION: PayloadVersion = PayloadVersion { major: 1, minor: 0 };

fn activate(_: &mut Context<'_>, _: ActivatePayloadRequest) -> Result<ActivatedPayload, CompletionCode> {
    Err(ActivatePayload::DISABLED)
}

fn deactivate(_: &mut Context<'_>, request: DeactivatePayloadRequest) -> Result<Empty, CompletionCode> {
    match request.payload.0 {
        PayloadType::SOL => Err(DeactivatePayload::ALREADY_INACTIVE),
        _ => Err(DeactivatePayload::DISABLED),
    }
}

fn activation_status(
    _: &mut Context<'_>,
    request: GetPayloadActivationStatusRequest,
) -> Result<PayloadActivationStatus, CompletionCode> {
    match request.payload {
        PayloadType::SOL => Ok(PayloadActivationStatus {
            capacity: LowBits(1),
            active: 0,
        }),
        _ => Err(CompletionCode::INVALID_FIELD),
    }
}

fn instance_info(
    _: &mut Context<'_>,
    request: GetPayloadInstanceInfoRequest,
) -> Result<PayloadInstanceInfo, CompletionCode> {
    match (request.payload, request.instance) {
        (PayloadType::SOL, 1) => Ok(PayloadInstanceInfo {
            session: 0,
            port: 0,
            reserved: [0; 7],
        }),
        _ => Err(CompletionCode::INVALID_FIELD),
    }
}

fn set_user_payload_access(
    context: &mut Context<'_>,
    request: SetUserPayloadAccessRequest,
) -> Result<Empty, CompletionCode> {
    context.lan_channel(request.channel.0)?;
    let enable = match request.user.operation {
        PayloadAccessOperation::ENABLE => true,
        PayloadAccessOperation::DISABLE => false,
        _ => return Err(CompletionCode::INVALID_FIELD),
    };
    let user = context.state.users.get_mut(UserId(request.user.user));
    let user = user.ok_or(CompletionCode::INVALID_FIELD)?;
    if request.payloads.standard.sol {
        user.may_use_sol = enable;
    }
    Ok(Empty)
}

fn get_user_payload_access(
    context: &mut Context<'_>,
    request: GetUserPayloadAccessRequest,
) -> Result<GetUserPayloadAccessResponse, CompletionCode> {
    context.lan_channel(request.channel.0)?;
    let user = context.state.users.get(UserId(request.user.0));
    let user = user.ok_or(CompletionCode::INVALID_FIELD)?;
    Ok(GetUserPayloadAccessResponse {
        payloads: UserPayloads {
            standard: StandardPayloads {
                sol: user.may_use_sol,
                ..StandardPayloads::default()
            },
            ..UserPayloads::default()
        },
    })
}

fn channel_payload_support(
    context: &mut Context<'_>,
    request: GetChannelPayloadSupportRequest,
) -> Result<ChannelPayloadSupport, CompletionCode> {
    context.lan_channel(request.channel.0)?;
    Ok(ChannelPayloadSupport {
        standard: STANDARD,
        session_setup: SESSION_SETUP,
        oem: 0,
        reserved: 0,
    })
}

fn channel_payload_version(
    context: &mut Context<'_>,
    request: GetChannelPayloadVersionRequest,
) -> Result<ChannelPayloadVersion, CompletionCode> {
    context.lan_channel(request.channel.0)?;
    match request.payload {
        PayloadType::IPMI | PayloadType::SOL => Ok(ChannelPayloadVersion { version: VERSION }),
        payload if payload.is_handshake() => Ok(ChannelPayloadVersion { version: VERSION }),
        _ => Err(GetChannelPayloadVersion::NOT_AVAILABLE),
    }
}
