//! The watchdog timer.

use ipmi_proto::command::Empty;
use ipmi_proto::command::app::watchdog::{
    GetWatchdogTimer, ResetWatchdogTimer, SetWatchdogTimer, SetWatchdogTimerRequest,
};
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::{Context, handlers};

handlers! {
    pure ResetWatchdogTimer => reset;
    pure SetWatchdogTimer => set;
    pure GetWatchdogTimer => |context, _| Ok(context.state.watchdog.get(context.now));
}

fn reset(context: &mut Context<'_>, _: Empty) -> Result<Empty, CompletionCode> {
    context.state.watchdog.reset(context.now)?;
    context.state.history.watchdog_restarted();
    context.wake_driver = true;
    Ok(Empty)
}

fn set(context: &mut Context<'_>, request: SetWatchdogTimerRequest) -> Result<Empty, CompletionCode> {
    let has_interrupt = context.state.capabilities.has_interrupt();
    context.state.watchdog.set(context.now, &request, has_interrupt)?;
    context.state.history.watchdog_restarted();
    context.wake_driver = true;
    Ok(Empty)
}
