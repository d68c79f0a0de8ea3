//! System boot options.

use alloc::boxed::Box;
use alloc::sync::Arc;

use ipmi_proto::command::Empty;
use ipmi_proto::command::PARAMETER_NOT_SUPPORTED;
use ipmi_proto::command::chassis::boot::{
    BOOT_OPTIONS_VERSION, BootDevice, BootFlags, BootOption, BootParameter, GetSystemBootOptions,
    GetSystemBootOptionsRequest, MarkedParameter, SetSystemBootOptions, SetSystemBootOptionsRequest,
    SystemBootOptions,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::wire::LowBits;

use crate::backend::{self, BootMode, BootOverride, BootPersistence};
use crate::bmc::Bmc;
use crate::handlers::{Context, Step, handlers};
use crate::power;
use crate::state::Capabilities;

handlers! {
    backend SetSystemBootOptions => set_system_boot_options;
    pure GetSystemBootOptions => get_system_boot_options;
}

fn get_system_boot_options(
    context: &mut Context<'_>,
    request: GetSystemBootOptionsRequest,
) -> Result<SystemBootOptions, CompletionCode> {
    let boot = &context.state.boot;
    let parameter = request.parameter.0;
    let option = match parameter {
        BootParameter::SET_IN_PROGRESS => BootOption::SetInProgress(LowBits(boot.guard.value(context.now))),
        BootParameter::SERVICE_PARTITION_SELECTOR => BootOption::ServicePartition(boot.service_partition),
        BootParameter::SERVICE_PARTITION_SCAN => {
            BootOption::ServicePartitionScan(boot.service_partition_scan)
        }
        BootParameter::VALID_BIT_CLEARING => BootOption::ValidBitClearing(boot.kept),
        BootParameter::BOOT_INFO_ACKNOWLEDGE => BootOption::Acknowledge(boot.acknowledge()),
        BootParameter::BOOT_FLAGS => BootOption::Flags(*boot.flags()),
        BootParameter::BOOT_INITIATOR_INFO => BootOption::Initiator(boot.initiator),
        BootParameter::BOOT_INITIATOR_MAILBOX => BootOption::Mailbox(boot.mailbox(request.set)?),
        _ => return Err(PARAMETER_NOT_SUPPORTED),
    };
    Ok(SystemBootOptions {
        version: BOOT_OPTIONS_VERSION,
        parameter: MarkedParameter {
            invalid: boot.is_marked(parameter.0),
            parameter,
        },
        data: option.to_data()?,
    })
}

fn set_system_boot_options(
    context: &mut Context<'_>,
    request: SetSystemBootOptionsRequest,
) -> Result<Step<Empty>, CompletionCode> {
    let MarkedParameter { invalid, parameter } = request.parameter;
    if parameter.spec().is_none() {
        return Err(PARAMETER_NOT_SUPPORTED);
    }
    if request.data.is_empty() {
        if parameter == BootParameter::BOOT_FLAGS {
            let flags = *context.state.boot.flags();
            return set_flags(context, flags, invalid);
        }
        context.state.boot.mark(parameter.0, invalid);
        return Ok(Step::Done(Empty));
    }
    let option = BootOption::from_data(parameter, &request.data)?;
    let (session, now) = (context.session.map(|session| session.id), context.now);
    let boot = &mut context.state.boot;
    match option {
        BootOption::SetInProgress(LowBits(value)) => boot.guard.set(value, session, now)?,
        BootOption::ServicePartition(selector) => boot.service_partition = selector,
        BootOption::ServicePartitionScan(scan) => boot.service_partition_scan = scan,
        BootOption::ValidBitClearing(kept) => {
            boot.kept = kept;
            boot.restart_timer(now);
            context.wake_driver = true;
        }
        BootOption::Acknowledge(written) => boot.set_acknowledge(written),
        BootOption::Flags(flags) => return set_flags(context, flags, invalid),
        BootOption::Initiator(initiator) => boot.initiator = initiator,
        BootOption::Mailbox(block) => boot.set_mailbox(&block)?,
        _ => return Err(PARAMETER_NOT_SUPPORTED),
    }
    context.state.boot.mark(parameter.0, invalid);
    Ok(Step::Done(Empty))
}

/// The flags are kept when the machine has taken them, not before. While they are marked invalid, the machine has
/// its own order.
fn set_flags(
    context: &mut Context<'_>,
    flags: BootFlags,
    invalid: bool,
) -> Result<Step<Empty>, CompletionCode> {
    let wanted = wish(&flags, &context.state.capabilities)?;
    if context.state.boot.is_changing() {
        return Err(CompletionCode::BUSY);
    }
    let wanted = wanted.filter(|_| !invalid);
    if !context.state.capabilities.has_boot_control {
        // Nothing but "no override" gets here.
        context.state.boot.set_flags(context.now, flags);
        context.state.boot.mark(BootParameter::BOOT_FLAGS.0, invalid);
        return Ok(Step::Done(Empty));
    }
    let boot = &context.state.boot;
    let before = wish(boot.flags(), &context.state.capabilities).unwrap_or_default();
    let before = before.filter(|_| boot.has_override());
    context.state.boot.unkept().set_changing(true);
    let change = Change(Arc::clone(context.bmc));
    Ok(Step::Wait(Box::pin(async move {
        let bmc = Arc::clone(&change.0);
        if let Some(boot) = bmc.backend().boot() {
            let result = boot.set_override(wanted).await;
            result.map_err(|error| power::failed(bmc.name(), &error))?;
        }
        let kept = bmc.change(|inner| {
            let now = inner.now;
            inner.state.boot.set_flags(now, flags);
            inner.state.boot.mark(BootParameter::BOOT_FLAGS.0, invalid);
            inner.wake_driver();
        });
        if let Err(code) = kept.await {
            // The machine goes back to what the BMC says.
            if let Some(boot) = bmc.backend().boot()
                && let Err(error) = boot.set_override(before).await
            {
                power::log_failure(bmc.name(), &error);
            }
            return Err(code);
        }
        drop(change);
        Ok((Empty, None))
    })))
}

/// A change of the boot flags under way; ended when dropped, whatever happened.
struct Change(Arc<Bmc>);

impl Drop for Change {
    fn drop(&mut self) {
        self.0.with(|inner| inner.state.boot.unkept().set_changing(false));
    }
}

/// What the flags ask of the machine, `None` for its own order.
///
/// # Errors
/// CCh for what the machine cannot do: nothing is accepted that will not happen. Locks, verbosity and console
/// redirection are wishes to a firmware that never sees them; clients send zeros there.
pub(crate) fn wish(
    flags: &BootFlags,
    capabilities: &Capabilities,
) -> Result<Option<BootOverride>, CompletionCode> {
    if !flags.validity.valid {
        return Ok(None);
    }
    let device = match flags.device.device {
        BootDevice::NONE => None,
        BootDevice::PXE => Some(backend::BootDevice::Pxe),
        BootDevice::DISK => Some(backend::BootDevice::Disk),
        BootDevice::CD_DVD | BootDevice::REMOTE_CD_DVD => Some(backend::BootDevice::Cdrom),
        BootDevice::FIRMWARE_SETUP => Some(backend::BootDevice::FirmwareSetup),
        BootDevice::FLOPPY => Some(backend::BootDevice::Removable),
        _ => return Err(CompletionCode::INVALID_FIELD),
    };
    if flags.device.clear_cmos || device.is_some_and(|device| !capabilities.boot.contains(device.into())) {
        return Err(CompletionCode::INVALID_FIELD);
    }
    Ok(device.map(|device| BootOverride {
        device,
        mode: if flags.validity.efi {
            BootMode::Efi
        } else {
            BootMode::Legacy
        },
        persistence: if flags.validity.persistent {
            BootPersistence::EveryBoot
        } else {
            BootPersistence::NextBoot
        },
    }))
}
