//! Power, boot device, event log, sensors and users of one BMC. Everything goes through the BMC's own commands,
//! so that it means the same as over the LAN.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ipmi_proto::command::chassis::boot::{
    self as boot_command, BootFlags, BootOption, BootParameter, GetSystemBootOptions,
    GetSystemBootOptionsRequest, MarkedParameter, SetSystemBootOptions, SetSystemBootOptionsRequest,
};
use ipmi_proto::command::chassis::control::{ChassisControl, ChassisControlRequest, ControlAction};
use ipmi_proto::command::chassis::status::GetChassisStatus;
use ipmi_proto::command::{Command, Empty};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::wire::LowBits;
use ipmi_server::bmc::{Bmc, LocalError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Control;
use super::api::{Boot, BootDevice, Power, PowerAction, PowerOrder, PowerStatus, Problem};
use super::bmcs::read;
use super::problem::Refusal;

pub(super) fn routes() -> OpenApiRouter<Control> {
    OpenApiRouter::new()
        .routes(routes!(power, set_power))
        .routes(routes!(boot, set_boot))
}

/// Asks a BMC. A client that goes away changes nothing: what was begun is carried out.
pub(super) async fn ask<C>(bmc: &Arc<Bmc>, request: C::Request) -> Result<C::Response, Refusal>
where
    C: Command<Request: Send + Sync + 'static, Response: Send + 'static> + 'static,
{
    let answer = attempt::<C>(bmc, request).await?;
    answer.map_err(|error| refused(bmc.name(), C::SPEC.name, &error))
}

/// As [`ask`], for a command whose refusal is an answer, too.
pub(super) async fn attempt<C>(
    bmc: &Arc<Bmc>,
    request: C::Request,
) -> Result<Result<C::Response, LocalError>, Refusal>
where
    C: Command<Request: Send + Sync + 'static, Response: Send + 'static> + 'static,
{
    let bmc = Arc::clone(bmc);
    let done = tokio::spawn(async move {
        let deadline = tokio::time::sleep(bmc.deadline());
        bmc.request::<C>(&request, deadline).await
    });
    done.await.map_err(|_| {
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "vbmcd failed: its log says more",
        )
    })
}

/// A completion code in words, and what can be done.
pub(super) fn refused(bmc: &str, command: &str, error: &LocalError) -> Refusal {
    let LocalError::Refused(code) = error else {
        return Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("{bmc}: {command}: {error}"),
        );
    };
    let (status, hint) = match *code {
        CompletionCode::NO_RESPONSE => (
            StatusCode::BAD_GATEWAY,
            "its machine cannot be reached; the log says why",
        ),
        CompletionCode::TIMEOUT => (
            StatusCode::GATEWAY_TIMEOUT,
            "its machine takes too long; look again in a moment",
        ),
        CompletionCode::BUSY => (
            StatusCode::CONFLICT,
            "something else is under way; try again in a moment",
        ),
        CompletionCode::NOT_IN_PRESENT_STATE => {
            (StatusCode::CONFLICT, "not in the present state of its machine")
        }
        CompletionCode::INVALID_FIELD | CompletionCode::INVALID_COMMAND => {
            (StatusCode::BAD_REQUEST, "its machine cannot do that")
        }
        CompletionCode::UNSPECIFIED => (StatusCode::BAD_GATEWAY, "its machine failed; the log says why"),
        _ => (StatusCode::CONFLICT, "it refused"),
    };
    Refusal::new(status, format!("BMC {bmc}, {command}: {hint} ({code})"))
}

/// Whether the machine is on.
#[utoipa::path(
    get, path = "/v1/bmcs/{name}/power",
    responses((status = 200, body = PowerStatus), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 502, body = Problem), (status = 504, body = Problem))
)]
async fn power(
    State(control): State<Control>,
    Path(name): Path<String>,
) -> Result<Json<PowerStatus>, Refusal> {
    let bmc = control.registry.bmc(&name)?;
    let status = ask::<GetChassisStatus>(&bmc, Empty).await?;
    let power = if status.power.on { Power::On } else { Power::Off };
    Ok(Json(PowerStatus { power }))
}

/// Takes a power action; answers when the hypervisor has accepted it.
#[utoipa::path(
    post, path = "/v1/bmcs/{name}/power", request_body = PowerOrder,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 502, body = Problem), (status = 504, body = Problem))
)]
async fn set_power(
    State(control): State<Control>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let bmc = control.registry.bmc(&name)?;
    let order: PowerOrder = read(&body)?;
    let action = LowBits(match order.action {
        PowerAction::On => ControlAction::POWER_UP,
        PowerAction::Off => ControlAction::POWER_DOWN,
        PowerAction::Cycle => ControlAction::POWER_CYCLE,
        PowerAction::Reset => ControlAction::HARD_RESET,
        PowerAction::Soft => ControlAction::SOFT_SHUTDOWN,
        PowerAction::Nmi => ControlAction::DIAGNOSTIC_INTERRUPT,
    });
    ask::<ChassisControl>(&bmc, ChassisControlRequest { action }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the machine boots from.
#[utoipa::path(
    get, path = "/v1/bmcs/{name}/boot",
    responses((status = 200, body = Boot), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 502, body = Problem), (status = 504, body = Problem))
)]
async fn boot(State(control): State<Control>, Path(name): Path<String>) -> Result<Json<Boot>, Refusal> {
    let bmc = control.registry.bmc(&name)?;
    Ok(Json(shown(&flags(&bmc).await?)))
}

/// Sets what the machine boots from, for the next boot or for all.
#[utoipa::path(
    put, path = "/v1/bmcs/{name}/boot", request_body = Boot,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 502, body = Problem), (status = 504, body = Problem))
)]
async fn set_boot(
    State(control): State<Control>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let bmc = control.registry.bmc(&name)?;
    let boot: Boot = read(&body)?;
    let mut flags = BootFlags::default();
    flags.validity.valid = boot.device != BootDevice::None;
    flags.validity.persistent = boot.persistent && flags.validity.valid;
    flags.validity.efi = boot.efi && flags.validity.valid;
    flags.device.device = match boot.device {
        BootDevice::None => boot_command::BootDevice::NONE,
        BootDevice::Pxe => boot_command::BootDevice::PXE,
        BootDevice::Disk => boot_command::BootDevice::DISK,
        BootDevice::Cdrom => boot_command::BootDevice::CD_DVD,
        BootDevice::Bios => boot_command::BootDevice::FIRMWARE_SETUP,
        BootDevice::Floppy => boot_command::BootDevice::FLOPPY,
    };
    let data = BootOption::Flags(flags).to_data().map_err(|_| unreadable())?;
    let parameter = MarkedParameter {
        invalid: false,
        parameter: BootParameter::BOOT_FLAGS,
    };
    ask::<SetSystemBootOptions>(&bmc, SetSystemBootOptionsRequest { parameter, data }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn flags(bmc: &Arc<Bmc>) -> Result<BootFlags, Refusal> {
    let request = GetSystemBootOptionsRequest {
        parameter: LowBits(BootParameter::BOOT_FLAGS),
        set: 0,
        block: 0,
    };
    let options = ask::<GetSystemBootOptions>(bmc, request).await?;
    match BootOption::from_data(BootParameter::BOOT_FLAGS, &options.data) {
        Ok(BootOption::Flags(flags)) => Ok(flags),
        _ => Err(unreadable()),
    }
}

fn shown(flags: &BootFlags) -> Boot {
    use boot_command::BootDevice as Device;
    if !flags.validity.valid {
        return Boot {
            device: BootDevice::None,
            persistent: false,
            efi: false,
        };
    }
    Boot {
        device: match flags.device.device {
            Device::PXE => BootDevice::Pxe,
            Device::DISK => BootDevice::Disk,
            Device::CD_DVD | Device::REMOTE_CD_DVD => BootDevice::Cdrom,
            Device::FIRMWARE_SETUP => BootDevice::Bios,
            Device::FLOPPY => BootDevice::Floppy,
            _ => BootDevice::None,
        },
        persistent: flags.validity.persistent,
        efi: flags.validity.efi,
    }
}

pub(super) fn unreadable() -> Refusal {
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the BMC answered something that cannot be read",
    )
}

/// Bytes in hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
