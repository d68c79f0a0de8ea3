//! Configuration of DCMI.

use ipmi_proto::command::Empty;
use ipmi_proto::command::dcmi::capability::DcmiVersion;
use ipmi_proto::command::dcmi::configuration::{
    DcmiConfigurationParameters, DcmiValue, GetDcmiConfigurationParameters,
    GetDcmiConfigurationParametersRequest, SetDcmiConfigurationParameters,
    SetDcmiConfigurationParametersRequest,
};
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::{Context, check_writable, handlers};

handlers! {
    pure SetDcmiConfigurationParameters => set;
    pure GetDcmiConfigurationParameters => get;
}

fn set(
    context: &mut Context<'_>,
    request: SetDcmiConfigurationParametersRequest,
) -> Result<Empty, CompletionCode> {
    check_writable(request.parameter.spec())?;
    let value = DcmiValue::from_data(request.parameter, &request.data)?;
    context.state.dcmi.set_parameter(&value)?;
    Ok(Empty)
}

fn get(
    context: &mut Context<'_>,
    request: GetDcmiConfigurationParametersRequest,
) -> Result<DcmiConfigurationParameters, CompletionCode> {
    let value = context.state.dcmi.parameter(request.parameter)?;
    Ok(DcmiConfigurationParameters {
        version: DcmiVersion::V1_5,
        data: value.to_data()?,
    })
}
