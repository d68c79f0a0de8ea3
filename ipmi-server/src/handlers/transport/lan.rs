//! Configuration of the LAN channel.

use ipmi_proto::command::app::session::AuthenticationTypes;
use ipmi_proto::command::transport::lan::{
    GetLanConfigurationParameters, GetLanConfigurationParametersRequest, LanConfigurationParameters,
    LanParameter, LanValue, SetLanConfigurationParameters, SetLanConfigurationParametersRequest,
};
use ipmi_proto::command::transport::lan_value::{
    AuthenticationEnables, CipherSuiteEntries, CipherSuitePrivileges,
};
use ipmi_proto::command::{Empty, PARAMETER_REVISION, ParameterData};
use ipmi_proto::crypto::CipherSuiteId;
use ipmi_proto::ipmb::{CompletionCode, Privilege};
use ipmi_proto::session::AuthTypes;
use ipmi_proto::wire::{List, LowBits};

use crate::handlers::{Context, check_writable, handlers};
use crate::state::channel::SUITE_ENTRIES;

handlers! {
    pure SetLanConfigurationParameters => set;
    pure GetLanConfigurationParameters => get;
}

fn get(
    context: &mut Context<'_>,
    request: GetLanConfigurationParametersRequest,
) -> Result<LanConfigurationParameters, CompletionCode> {
    context.lan_channel(request.channel.channel)?;
    let value = value(context, request.parameter, request.set)?;
    let data = if request.channel.revision_only {
        ParameterData::new()
    } else {
        value.to_data()?
    };
    Ok(LanConfigurationParameters {
        revision: PARAMETER_REVISION,
        data,
    })
}

fn value(context: &Context<'_>, parameter: LanParameter, set: u8) -> Result<LanValue, CompletionCode> {
    let state = &context.state;
    let suites = &state.channel.suites;
    Ok(match parameter {
        LanParameter::SET_IN_PROGRESS => LanValue::SetInProgress(LowBits(state.lan.guard.value(context.now))),
        LanParameter::AUTHENTICATION_SUPPORT => {
            LanValue::AuthenticationSupport(to_wire(state.channel.auth_types))
        }
        LanParameter::AUTHENTICATION_ENABLES => {
            let [callback, user, operator, administrator, oem] = state.channel.auth_enables.map(to_wire);
            LanValue::AuthenticationEnables(AuthenticationEnables {
                callback,
                user,
                operator,
                administrator,
                oem,
            })
        }
        LanParameter::CIPHER_SUITE_COUNT => {
            LanValue::CipherSuiteCount(LowBits(u8::try_from(suites.len()).unwrap_or(u8::MAX)))
        }
        LanParameter::CIPHER_SUITES => {
            let mut entries = [CipherSuiteId::default(); SUITE_ENTRIES];
            for (entry, (id, _)) in entries.iter_mut().zip(suites) {
                *entry = *id;
            }
            let suites = List::from_slice(&entries).map_err(|_| CompletionCode::UNSPECIFIED)?;
            LanValue::CipherSuites(CipherSuiteEntries { reserved: 0, suites })
        }
        LanParameter::CIPHER_SUITE_PRIVILEGES => {
            let mut levels = CipherSuitePrivileges::default();
            for (level, (_, limit)) in levels.0.iter_mut().zip(suites) {
                *level = *limit;
            }
            LanValue::CipherSuitePrivileges(levels)
        }
        parameter => return state.lan.get(parameter, set, context.peer, state.identity.mac),
    })
}

fn set(
    context: &mut Context<'_>,
    request: SetLanConfigurationParametersRequest,
) -> Result<Empty, CompletionCode> {
    context.lan_channel(request.channel.0)?;
    check_writable(request.parameter.spec())?;
    let value = LanValue::from_data(request.parameter, &request.data)?;
    let session = context.session.map(|session| session.id);
    let state = &mut *context.state;
    match &value {
        LanValue::SetInProgress(LowBits(value)) => state.lan.guard.set(*value, session, context.now)?,
        LanValue::AuthenticationEnables(enables) => {
            let enables = [
                enables.callback,
                enables.user,
                enables.operator,
                enables.administrator,
                enables.oem,
            ];
            let enables = enables.map(from_wire);
            let allowed = state.channel.auth_types;
            if enables
                .iter()
                .any(|types| types.is_none_or(|types| !allowed.contains(types)))
            {
                return Err(CompletionCode::INVALID_FIELD);
            }
            state.channel.auth_enables = enables.map(Option::unwrap_or_default);
        }
        LanValue::CipherSuitePrivileges(CipherSuitePrivileges(levels)) => {
            if levels
                .iter()
                .any(|level| !level.is_level() && *level != Privilege::UNSPECIFIED)
            {
                return Err(CompletionCode::INVALID_FIELD);
            }
            for (position, level) in levels.iter().enumerate() {
                state.channel.set_suite_privilege(position, *level);
            }
        }
        value => state.lan.set(value, context.peer, state.identity.mac)?,
    }
    Ok(Empty)
}

fn to_wire(types: AuthTypes) -> AuthenticationTypes {
    AuthenticationTypes {
        oem: false,
        password: types.contains(AuthTypes::PASSWORD),
        md5: types.contains(AuthTypes::MD5),
        md2: types.contains(AuthTypes::MD2),
        none: types.contains(AuthTypes::NONE),
    }
}

/// `None` for types that are not ours.
fn from_wire(types: AuthenticationTypes) -> Option<AuthTypes> {
    let mut all = AuthTypes::empty();
    all.set(AuthTypes::PASSWORD, types.password);
    all.set(AuthTypes::MD5, types.md5);
    all.set(AuthTypes::MD2, types.md2);
    all.set(AuthTypes::NONE, types.none);
    (!types.oem).then_some(all)
}
