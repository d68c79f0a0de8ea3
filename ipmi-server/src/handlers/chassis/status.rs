//! What the chassis can do and how it is.

use alloc::boxed::Box;
use alloc::sync::Arc;

use ipmi_proto::command::Empty;
use ipmi_proto::command::chassis::configuration::DisabledButtons;
use ipmi_proto::command::chassis::status::{
    CapabilityFlags, ChassisCapabilities, ChassisStatus, FrontPanelStatus, GetChassisCapabilities,
    GetChassisStatus, GetPohCounter, GetSystemRestartCause, LastPowerEvent, MiscellaneousStatus, PohCounter,
    PowerStatus, SystemRestartCause,
};
use ipmi_proto::ipmb::{BMC_ADDRESS, CompletionCode};
use ipmi_proto::time::Instant;
use ipmi_proto::wire::LowBits;

use crate::backend::PowerState;
use crate::handlers::{Context, Step, handlers};
use crate::power;
use crate::state::State;
use crate::state::chassis::MINUTES_PER_COUNT;

handlers! {
    pure GetChassisCapabilities => get_chassis_capabilities;
    backend GetChassisStatus => get_chassis_status;
    pure GetSystemRestartCause => get_system_restart_cause;
    pure GetPohCounter => get_poh_counter;
}

fn get_chassis_capabilities(
    context: &mut Context<'_>,
    _: Empty,
) -> Result<ChassisCapabilities, CompletionCode> {
    Ok(ChassisCapabilities {
        flags: CapabilityFlags {
            power_interlock: false,
            diagnostic_interrupt: context.state.capabilities.has_interrupt(),
            front_panel_lockout: context.state.chassis.has_front_panel_lockout,
            intrusion_sensor: false,
        },
        fru_device: BMC_ADDRESS,
        sdr_device: BMC_ADDRESS,
        sel_device: BMC_ADDRESS,
        management_device: BMC_ADDRESS,
        bridge_device: Some(BMC_ADDRESS),
    })
}

fn get_chassis_status(context: &mut Context<'_>, _: Empty) -> Result<Step<ChassisStatus>, CompletionCode> {
    if let Some(power) = context.bmc.backend().known_power_state() {
        if !context.state.capabilities.has_events {
            // It is not told of changes: whoever asks makes the hours be counted.
            context.state.chassis.observe_power(context.now, Some(power));
        }
        return Ok(Step::Done(status(context.state, context.now, power)));
    }
    let bmc = Arc::clone(context.bmc);
    Ok(Step::Wait(Box::pin(async move {
        let power = bmc.backend().power_state().await;
        let power = power.map_err(|error| power::failed(bmc.name(), &error))?;
        let status = bmc.with(|inner| status(&inner.state, inner.now, power));
        Ok((status, None))
    })))
}

fn status(state: &State, now: Instant, power: PowerState) -> ChassisStatus {
    let chassis = &state.chassis;
    let DisabledButtons {
        standby,
        diagnostic,
        reset,
        power_off,
    } = chassis.disabled_buttons;
    ChassisStatus {
        power: PowerStatus {
            restore_policy: chassis.restore_policy,
            control_fault: chassis.control_fault,
            on: power.is_on(),
            ..PowerStatus::default()
        },
        last_event: LastPowerEvent {
            on_by_command: chassis.on_by_command,
            ..LastPowerEvent::default()
        },
        miscellaneous: MiscellaneousStatus {
            identify_supported: true,
            identify: chassis.identify_state(now),
            ..MiscellaneousStatus::default()
        },
        front_panel: Some(FrontPanelStatus {
            standby_disable_allowed: true,
            diagnostic_disable_allowed: true,
            reset_disable_allowed: true,
            power_off_disable_allowed: true,
            standby_disabled: standby,
            diagnostic_disabled: diagnostic,
            reset_disabled: reset,
            power_off_disabled: power_off,
        }),
    }
}

fn get_system_restart_cause(
    context: &mut Context<'_>,
    _: Empty,
) -> Result<SystemRestartCause, CompletionCode> {
    let chassis = &context.state.chassis;
    Ok(SystemRestartCause {
        cause: LowBits(chassis.restart_cause),
        channel: LowBits(chassis.restart_channel),
    })
}

fn get_poh_counter(context: &mut Context<'_>, _: Empty) -> Result<PohCounter, CompletionCode> {
    Ok(PohCounter {
        minutes_per_count: MINUTES_PER_COUNT,
        count: context.state.chassis.power_on_count(context.now),
    })
}
