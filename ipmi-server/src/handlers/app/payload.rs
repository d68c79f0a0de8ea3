//! Payloads of an IPMI 2.0 session: who may use them, which are active, starting and ending Serial over LAN.

use ipmi_proto::command::Empty;
use ipmi_proto::command::app::payload::{
    ActivatePayload, ActivatePayloadRequest, ActivatedPayload, ActivationStatus, ChannelPayloadSupport,
    ChannelPayloadVersion, DeactivatePayload, DeactivatePayloadRequest, EncryptionOperation,
    GetChannelOemPayloadInfo, GetChannelPayloadSupport, GetChannelPayloadSupportRequest,
    GetChannelPayloadVersion, GetChannelPayloadVersionRequest, GetPayloadActivationStatus,
    GetPayloadActivationStatusRequest, GetPayloadInstanceInfo, GetPayloadInstanceInfoRequest,
    GetUserPayloadAccess, GetUserPayloadAccessRequest, GetUserPayloadAccessResponse, NO_VLAN,
    PayloadAccessOperation, PayloadActivationStatus, PayloadInstanceInfo, PayloadVersion,
    SetUserPayloadAccess, SetUserPayloadAccessRequest, StandardPayloads, SuspendResumePayloadEncryption,
    SuspendResumePayloadEncryptionRequest, UserPayloads,
};
use ipmi_proto::command::transport::sol::SolAuthentication;
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::packet::v2_0::PayloadType;
use ipmi_proto::session::UserId;
use ipmi_proto::session::managed::SessionInfo;
use ipmi_proto::sol::{MAX_PACKET_LENGTH, SolSettings};
use ipmi_proto::wire::LowBits;

use crate::handlers::{After, Context, RequestSession, handlers};
use crate::sol::{Owner, Place, SolEnd};

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
    pure SuspendResumePayloadEncryption => suspend_resume_encryption;
}

/// IPMI messages and Serial over LAN.
const STANDARD: u16 = 0b11;
/// Open Session to RAKP 4.
const SESSION_SETUP: u16 = 0x3f;
/// The only instance of Serial over LAN.
const INSTANCE: u8 = 1;
/// The serial port of the machine, counted from 1.
const SERIAL_PORT: u8 = 1;
/// All payloads are of version 1.0.
const VERSION: PayloadVersion = PayloadVersion { major: 1, minor: 0 };

fn activate(
    context: &mut Context<'_>,
    request: ActivatePayloadRequest,
) -> Result<ActivatedPayload, CompletionCode> {
    if request.payload.0 != PayloadType::SOL {
        return Err(ActivatePayload::DISABLED);
    }
    if request.instance.0 != INSTANCE {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let session = context
        .session
        .and_then(|session| context.sessions.session(session.id));
    let session = session
        .filter(|session| session.is_rmcp_plus)
        .ok_or(CompletionCode::NOT_IN_PRESENT_STATE)?;
    let settings = &mut context.state.sol;
    if session.privilege < settings.authentication.privilege {
        return Err(CompletionCode::INSUFFICIENT_PRIVILEGE);
    }
    let may_use = context
        .state
        .users
        .get(session.user)
        .is_some_and(|user| user.may_use_sol);
    if !settings.is_enabled || !may_use || context.bmc.backend().console().is_none() {
        return Err(ActivatePayload::DISABLED);
    }
    check_protection(&request, &session, settings.authentication)?;
    if context.sol.session().is_some() {
        return Err(ActivatePayload::ALREADY_ACTIVE);
    }
    let place = quota_place(context, session.user)?;
    let owner = Owner {
        session: session.id,
        actor: context.state.actor(session.user, Some(session.handle)),
        source: session.peer.remote,
    };
    let settings = &mut context.state.sol;
    settings.present_rate = settings.kept_rate;
    let (accumulate, retry) = (settings.accumulate, settings.retry);
    let settings = SolSettings::default().with_parameters(
        accumulate.interval,
        accumulate.threshold,
        retry.count.0,
        retry.interval,
    );
    // The hold of CTS that ipmitool asks for is ignored: it would keep the screen empty until a key is typed.
    context.sol.activate(context.now, owner, place, settings);
    context.after = After::StartSol;
    let size = u16::try_from(MAX_PACKET_LENGTH).unwrap_or(u16::MAX);
    Ok(ActivatedPayload {
        status: ActivationStatus::default(),
        reserved: [0; 3],
        inbound_size: size,
        outbound_size: size,
        // Clients refuse another port than the one that they use.
        port: context.peer.local.port(),
        vlan: NO_VLAN,
    })
}

/// The user's place among the consoles of all BMCs, where there is a quota.
fn quota_place(context: &Context<'_>, user: UserId) -> Result<Option<Place>, CompletionCode> {
    let Some(quota) = &context.bmc.settings().console_quota else {
        return Ok(None);
    };
    let user = context.state.users.get(user).ok_or(ActivatePayload::DISABLED)?;
    let place = quota.take(user.name.text());
    place.map(Some).ok_or(ActivatePayload::LIMIT_REACHED)
}

/// Whether the payload may be protected as the client wants: all packets are as the session is, and where the
/// configuration forces protection the client has to want it and the session to have it.
fn check_protection(
    request: &ActivatePayloadRequest,
    session: &SessionInfo,
    forced: SolAuthentication,
) -> Result<(), CompletionCode> {
    let lacks_encryption = !(session.is_encrypted && request.settings.encrypt);
    let lacks_authentication = !(session.is_authenticated && request.settings.authenticate);
    if forced.force_encryption && lacks_encryption || forced.force_authentication && lacks_authentication {
        return Err(ActivatePayload::MUST_ENCRYPT);
    }
    Ok(())
}

fn deactivate(context: &mut Context<'_>, request: DeactivatePayloadRequest) -> Result<Empty, CompletionCode> {
    if request.payload.0 != PayloadType::SOL {
        return Err(DeactivatePayload::DISABLED);
    }
    if request.instance.0 != INSTANCE {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let session = context.session.ok_or(CompletionCode::INSUFFICIENT_PRIVILEGE)?;
    let user_of = context.sol.session().ok_or(DeactivatePayload::ALREADY_INACTIVE)?;
    if user_of == session.id {
        context.after = After::EndSol(SolEnd::Deactivated);
        return Ok(Empty);
    }
    may_take(context, session)?;
    context.after = After::EndSol(SolEnd::Taken);
    Ok(Empty)
}

/// Who may not activate the payload may not take it from others either.
fn may_take(context: &Context<'_>, session: RequestSession) -> Result<(), CompletionCode> {
    let user = context.state.users.get(session.user);
    let may_use = user.is_some_and(|user| user.may_use_sol);
    if !may_use || session.privilege < context.state.sol.authentication.privilege {
        return Err(CompletionCode::INSUFFICIENT_PRIVILEGE);
    }
    Ok(())
}

fn activation_status(
    context: &mut Context<'_>,
    request: GetPayloadActivationStatusRequest,
) -> Result<PayloadActivationStatus, CompletionCode> {
    match request.payload {
        PayloadType::SOL => Ok(PayloadActivationStatus {
            capacity: LowBits(INSTANCE),
            active: context.sol.session().is_some().into(),
        }),
        _ => Err(CompletionCode::INVALID_FIELD),
    }
}

fn instance_info(
    context: &mut Context<'_>,
    request: GetPayloadInstanceInfoRequest,
) -> Result<PayloadInstanceInfo, CompletionCode> {
    match (request.payload, request.instance) {
        (PayloadType::SOL, INSTANCE) => {
            let session = context.sol.session();
            Ok(PayloadInstanceInfo {
                session: session.map_or(0, |session| session.0),
                port: if session.is_some() { SERIAL_PORT } else { 0 },
                reserved: [0; 7],
            })
        }
        _ => Err(CompletionCode::INVALID_FIELD),
    }
}

/// Packets are always encrypted in a session that is: resuming changes nothing, suspending is not allowed.
fn suspend_resume_encryption(
    context: &mut Context<'_>,
    request: SuspendResumePayloadEncryptionRequest,
) -> Result<Empty, CompletionCode> {
    if request.payload.0 != PayloadType::SOL {
        return Err(SuspendResumePayloadEncryption::NOT_SUPPORTED);
    }
    let session = context.session.map(|session| session.id);
    let used_by = context.sol.session();
    if request.instance.0 != INSTANCE || used_by.is_none() || used_by != session {
        return Err(SuspendResumePayloadEncryption::INSTANCE_INACTIVE);
    }
    let session = session.and_then(|session| context.sessions.session(session));
    if !session.is_some_and(|session| session.is_encrypted) {
        return Err(SuspendResumePayloadEncryption::NOT_ENCRYPTED);
    }
    match request.operation.0 {
        EncryptionOperation::SUSPEND => Err(SuspendResumePayloadEncryption::NOT_ALLOWED),
        EncryptionOperation::RESUME | EncryptionOperation::REGENERATE => Ok(Empty),
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
