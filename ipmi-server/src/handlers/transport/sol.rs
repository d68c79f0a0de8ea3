//! Configuration of Serial over LAN.

use ipmi_proto::command::transport::sol::{
    GetSolConfigurationParameters, GetSolConfigurationParametersRequest, SetSolConfigurationParameters,
    SetSolConfigurationParametersRequest, SolConfigurationParameters, SolValue,
};
use ipmi_proto::command::{Empty, PARAMETER_REVISION, ParameterData};
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::{After, Context, check_writable, handlers};
use crate::sol::SolEnd;

handlers! {
    pure SetSolConfigurationParameters => set;
    pure GetSolConfigurationParameters => get;
}

fn get(
    context: &mut Context<'_>,
    request: GetSolConfigurationParametersRequest,
) -> Result<SolConfigurationParameters, CompletionCode> {
    context.lan_channel(request.channel.channel)?;
    let port = context.peer.local.port();
    let value = context.state.sol.get(request.parameter, context.now, port)?;
    let data = if request.channel.revision_only {
        ParameterData::new()
    } else {
        value.to_data()?
    };
    Ok(SolConfigurationParameters {
        revision: PARAMETER_REVISION,
        data,
    })
}

fn set(
    context: &mut Context<'_>,
    request: SetSolConfigurationParametersRequest,
) -> Result<Empty, CompletionCode> {
    context.lan_channel(request.channel.0)?;
    check_writable(request.parameter.spec())?;
    let value = SolValue::from_data(request.parameter, &request.data)?;
    let session = context.session.map(|session| session.id);
    context.state.sol.set(&value, session, context.now)?;
    if !context.state.sol.is_enabled {
        context.after = After::EndSol(SolEnd::Disabled);
    }
    Ok(Empty)
}
