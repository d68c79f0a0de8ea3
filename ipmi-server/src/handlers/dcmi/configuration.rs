//! Configuration of DCMI. Recorded only: the host's network stack does DHCP.

use ipmi_proto::command::dcmi::capability::DcmiVersion;
use ipmi_proto::command::dcmi::configuration::{
    DcmiConfigurationParameters, DcmiParameter, DcmiValue, GetDcmiConfigurationParameters,
    GetDcmiConfigurationParametersRequest, SetDcmiConfigurationParameters,
    SetDcmiConfigurationParametersRequest,
};
use ipmi_proto::command::{Empty, PARAMETER_NOT_SUPPORTED, PARAMETER_WRITE_ONLY};
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::{Context, check_writable, handlers};

handlers! {
    pure SetDcmiConfigurationParameters => set;
    pure GetDcmiConfigurationParameters => get;
}

fn get(
    context: &mut Context<'_>,
    request: GetDcmiConfigurationParametersRequest,
) -> Result<DcmiConfigurationParameters, CompletionCode> {
    let dcmi = &context.state.dcmi;
    let value = match request.parameter {
        DcmiParameter::ACTIVATE_DHCP => return Err(PARAMETER_WRITE_ONLY),
        DcmiParameter::DISCOVERY => DcmiValue::Discovery(dcmi.discovery),
        DcmiParameter::DHCP_TIMING_1 => DcmiValue::InitialTimeout(dcmi.initial_timeout),
        DcmiParameter::DHCP_TIMING_2 => DcmiValue::ContactTimeout(dcmi.contact_timeout),
        DcmiParameter::DHCP_TIMING_3 => DcmiValue::RetryInterval(dcmi.retry_interval),
        _ => return Err(PARAMETER_NOT_SUPPORTED),
    };
    Ok(DcmiConfigurationParameters {
        version: DcmiVersion::V1_5,
        data: value.to_data()?,
    })
}

fn set(
    context: &mut Context<'_>,
    request: SetDcmiConfigurationParametersRequest,
) -> Result<Empty, CompletionCode> {
    check_writable(request.parameter.spec())?;
    let dcmi = &mut context.state.dcmi;
    match DcmiValue::from_data(request.parameter, &request.data)? {
        DcmiValue::Discovery(discovery) => dcmi.discovery = discovery,
        DcmiValue::InitialTimeout(seconds) => dcmi.initial_timeout = seconds,
        DcmiValue::ContactTimeout(seconds) => dcmi.contact_timeout = seconds,
        DcmiValue::RetryInterval(seconds) => dcmi.retry_interval = seconds,
        // There is no DHCP client to start.
        _ => return Err(CompletionCode::INVALID_FIELD),
    }
    Ok(Empty)
}
