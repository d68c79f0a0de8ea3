//! The BMC as a device: identity, resets, self test, power states.

use alloc::boxed::Box;
use alloc::sync::Arc;

use ipmi_proto::command::app::device::{
    AcpiPowerState, ColdReset, DeviceId, DevicePowerState, DeviceRevision, DeviceSupport, FirmwareMajor,
    GetAcpiPowerState, GetDeviceGuid, GetDeviceId, GetSelfTestResults, SelfTestResult, SelfTestResults,
    SetAcpiPowerState, SetAcpiPowerStateRequest, SystemPowerState, WarmReset,
};
use ipmi_proto::command::{Empty, Guid};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::wire::{LowBits, U24};

use crate::backend::PowerState;
use crate::handlers::{After, Context, Step, handlers};
use crate::power;
use crate::state::Restart;

handlers! {
    pure GetDeviceId => get_device_id;
    pure ColdReset => |context, _| Ok(reset(context, Restart::Cold));
    pure WarmReset => |context, _| Ok(reset(context, Restart::Warm));
    pure GetSelfTestResults => get_self_test_results;
    pure SetAcpiPowerState => set_acpi_power_state;
    backend GetAcpiPowerState => get_acpi_power_state;
    pure GetDeviceGuid => |context, _| Ok::<Guid, _>(context.state.identity.device_guid);
}

/// What Get Device ID says of every BMC of this library.
const DEVICE_ID: u8 = 0x20;
const DEVICE_REVISION: u8 = 1;
const IPMI_VERSION_2_0: u8 = 0x02;
/// No enterprise number of our own: 0 reads as "unspecified".
pub(crate) const MANUFACTURER: U24 = U24(0);
/// Number of the product, by the manufacturer.
pub(crate) const PRODUCT: u16 = 0;

/// The devices that the BMC offers.
pub(crate) const SUPPORT: DeviceSupport = DeviceSupport {
    chassis: true,
    bridge: false,
    event_generator: false,
    event_receiver: true,
    fru_inventory: true,
    sel: true,
    sdr_repository: true,
    sensor: true,
};

fn get_device_id(_: &mut Context<'_>, _: Empty) -> Result<DeviceId, CompletionCode> {
    let (major, minor) = firmware_version();
    Ok(DeviceId {
        device_id: DEVICE_ID,
        revision: DeviceRevision {
            provides_sdrs: true,
            revision: DEVICE_REVISION,
        },
        firmware_major: FirmwareMajor {
            updating: false,
            major,
        },
        firmware_minor: (minor / 10) << 4 | (minor % 10),
        ipmi_version: IPMI_VERSION_2_0,
        support: SUPPORT,
        manufacturer: MANUFACTURER,
        product: PRODUCT,
        auxiliary: Some([0; 4]),
    })
}

/// Major and minor version of this library.
fn firmware_version() -> (u8, u8) {
    let number = |text: &str| text.parse::<u8>().unwrap_or(0).min(99);
    (
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
    )
}

fn reset(context: &mut Context<'_>, restart: Restart) -> Empty {
    tracing::info!(bmc = context.bmc.name(), ?restart, "the BMC restarts");
    context.after = After::Reset(restart);
    Empty
}

fn get_self_test_results(_: &mut Context<'_>, _: Empty) -> Result<SelfTestResults, CompletionCode> {
    Ok(SelfTestResults {
        result: SelfTestResult::NO_ERROR,
        detail: 0,
    })
}

fn set_acpi_power_state(
    context: &mut Context<'_>,
    request: SetAcpiPowerStateRequest,
) -> Result<Empty, CompletionCode> {
    let (system, device) = (request.system, request.device);
    if system.change && system.state.label().is_none() || device.change && device.state.label().is_none() {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let state = &mut context.state.device;
    if system.change && system.state != SystemPowerState::NO_CHANGE {
        state.system_power = Some(system.state);
    }
    if device.change && device.state != DevicePowerState::NO_CHANGE {
        state.device_power = device.state;
    }
    Ok(Empty)
}

fn get_acpi_power_state(context: &mut Context<'_>, _: Empty) -> Result<Step<AcpiPowerState>, CompletionCode> {
    let device = context.state.device.device_power;
    let said = context.state.device.system_power;
    let answer = move |state| AcpiPowerState {
        system: LowBits(system_state(state, said)),
        device: LowBits(device),
    };
    if let Some(state) = context.bmc.backend().known_power_state() {
        return Ok(Step::Done(answer(state)));
    }
    let bmc = Arc::clone(context.bmc);
    Ok(Step::Wait(Box::pin(async move {
        let state = bmc.backend().power_state().await;
        let state = state.map_err(|error| power::failed(bmc.name(), &error))?;
        Ok((answer(state), None))
    })))
}

/// The machine's truth; what software said refines it only where both agree on whether it is on.
fn system_state(state: PowerState, said: Option<SystemPowerState>) -> SystemPowerState {
    let off = [
        SystemPowerState::S4,
        SystemPowerState::S5_G2,
        SystemPowerState::S4_S5,
        SystemPowerState::G3,
        SystemPowerState::OVERRIDE,
        SystemPowerState::LEGACY_OFF,
    ];
    match state {
        PowerState::Suspended => SystemPowerState::S3,
        PowerState::Off => said
            .filter(|said| off.contains(said))
            .unwrap_or(SystemPowerState::S5_G2),
        PowerState::On | PowerState::Paused => said
            .filter(|said| !off.contains(said) && *said != SystemPowerState::S3)
            .unwrap_or(SystemPowerState::S0_G0),
    }
}
