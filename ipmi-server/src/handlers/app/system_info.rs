//! System information.

use ipmi_proto::command::PARAMETER_NOT_SUPPORTED;
use ipmi_proto::command::app::system_info::{
    GetSystemInfoParameters, GetSystemInfoParametersRequest, SetSystemInfoParameters,
    SetSystemInfoParametersRequest, SystemInfoParameter, SystemInfoParameters, SystemInfoValue,
};
use ipmi_proto::command::{Empty, PARAMETER_REVISION, ParameterData};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::wire::{LowBits, Writer};

use crate::handlers::{Context, check_writable, handlers};

handlers! {
    pure SetSystemInfoParameters => set;
    pure GetSystemInfoParameters => get;
}

fn get(
    context: &mut Context<'_>,
    request: GetSystemInfoParametersRequest,
) -> Result<SystemInfoParameters, CompletionCode> {
    let state = &context.state;
    let parameter = request.parameter;
    parameter.spec().ok_or(PARAMETER_NOT_SUPPORTED)?;
    let mut buffer = [0; 32];
    let mut writer = Writer::new(&mut buffer);
    if parameter == SystemInfoParameter::SET_IN_PROGRESS {
        writer.value(&SystemInfoValue::SetInProgress(LowBits(
            state.system_info.guard.value(context.now),
        )))?;
    } else {
        let default = if parameter == SystemInfoParameter::SYSTEM_NAME {
            state.identity.machine.name.as_str()
        } else {
            ""
        };
        writer.value(&state.system_info.piece(parameter, request.set, default)?)?;
    }
    let written = if request.options.revision_only {
        &[][..]
    } else {
        writer.written()
    };
    Ok(SystemInfoParameters {
        revision: PARAMETER_REVISION,
        data: ParameterData::from_slice(written).map_err(|_| CompletionCode::UNSPECIFIED)?,
    })
}

fn set(context: &mut Context<'_>, request: SetSystemInfoParametersRequest) -> Result<Empty, CompletionCode> {
    check_writable(request.parameter.spec())?;
    let session = context.session.map(|session| session.id);
    let info = &mut context.state.system_info;
    match SystemInfoValue::from_data(request.parameter, &request.data)? {
        SystemInfoValue::SetInProgress(LowBits(value)) => info.guard.set(value, session, context.now)?,
        SystemInfoValue::FirmwareVersion(piece)
        | SystemInfoValue::SystemName(piece)
        | SystemInfoValue::PrimaryOperatingSystem(piece)
        | SystemInfoValue::OperatingSystem(piece)
        | SystemInfoValue::OperatingSystemVersion(piece)
        | SystemInfoValue::BmcUrl(piece)
        | SystemInfoValue::HypervisorUrl(piece) => info.set_piece(request.parameter, &piece)?,
        _ => return Err(PARAMETER_NOT_SUPPORTED),
    }
    Ok(Empty)
}
