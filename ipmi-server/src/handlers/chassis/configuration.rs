//! Settings of the chassis.

use ipmi_proto::command::Empty;
use ipmi_proto::command::chassis::configuration::{
    RestorePolicies, SetChassisCapabilities, SetChassisCapabilitiesRequest, SetFrontPanelButtonEnables,
    SetFrontPanelButtonEnablesRequest, SetPowerCycleInterval, SetPowerCycleIntervalRequest,
    SetPowerRestorePolicy, SetPowerRestorePolicyRequest, SetPowerRestorePolicyResponse,
};
use ipmi_proto::command::chassis::status::PowerRestorePolicy;
use ipmi_proto::ipmb::{BMC_ADDRESS, CompletionCode};

use crate::handlers::{Context, handlers};

handlers! {
    pure SetChassisCapabilities => set_chassis_capabilities;
    pure SetPowerRestorePolicy => set_power_restore_policy;
    pure SetFrontPanelButtonEnables => set_front_panel_button_enables;
    pure SetPowerCycleInterval => set_power_cycle_interval;
}

/// Only what is true can be set: all devices are ours, and there is no intrusion sensor.
fn set_chassis_capabilities(
    context: &mut Context<'_>,
    request: SetChassisCapabilitiesRequest,
) -> Result<Empty, CompletionCode> {
    let devices = [
        request.fru_device,
        request.sdr_device,
        request.sel_device,
        request.management_device,
        request.bridge_device.unwrap_or(BMC_ADDRESS),
    ];
    if request.flags.intrusion_sensor || devices.iter().any(|device| *device != BMC_ADDRESS) {
        return Err(CompletionCode::INVALID_FIELD);
    }
    context.state.chassis.has_front_panel_lockout = request.flags.front_panel_lockout;
    Ok(Empty)
}

fn set_power_restore_policy(
    context: &mut Context<'_>,
    request: SetPowerRestorePolicyRequest,
) -> Result<SetPowerRestorePolicyResponse, CompletionCode> {
    match request.policy.0 {
        PowerRestorePolicy::UNKNOWN => {}
        policy if policy.label().is_some() => context.state.chassis.restore_policy = policy,
        _ => return Err(CompletionCode::INVALID_FIELD),
    }
    Ok(SetPowerRestorePolicyResponse {
        supported: RestorePolicies {
            always_on: true,
            previous: true,
            always_off: true,
        },
    })
}

fn set_front_panel_button_enables(
    context: &mut Context<'_>,
    request: SetFrontPanelButtonEnablesRequest,
) -> Result<Empty, CompletionCode> {
    context.state.chassis.disabled_buttons = request.disabled;
    Ok(Empty)
}

fn set_power_cycle_interval(
    context: &mut Context<'_>,
    request: SetPowerCycleIntervalRequest,
) -> Result<Empty, CompletionCode> {
    context.state.chassis.cycle_interval = request.seconds;
    Ok(Empty)
}
