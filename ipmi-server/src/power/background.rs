//! What the BMC does to the machine by itself: actions of the watchdog and of event filters, boot flags that ran
//! out, power that returns.

use alloc::sync::Arc;
use core::time::Duration;

use ipmi_proto::command::app::watchdog::TimeoutAction;
use ipmi_proto::command::chassis::boot::ValidBitKept;
use ipmi_proto::command::chassis::control::ControlAction;
use ipmi_proto::command::chassis::status::RestartCause;
use ipmi_proto::ipmb::{ChannelNumber, CompletionCode};

use super::action::{Order, carry_out};
use super::log_failure;
use super::slot::{Claim, Holder};
use crate::backend::{BootOverride, PowerAction};
use crate::bmc::{Bmc, Sleep, Unfinished};
use crate::handlers;

/// How long the BMC goes on trying, and how long it pauses at first.
const RETRY_LIMIT: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Takes a boot override back that counts no more.
pub(crate) async fn take_override_back(bmc: Arc<Bmc>) {
    if let Some(boot) = bmc.backend().boot()
        && let Err(error) = boot.set_override(None).await
    {
        log_failure(bmc.name(), &error);
    }
}

/// What a BMC that has just been made owes to its machine: an override that was waiting when the BMC ended goes on
/// waiting, unless the machine knows that it was used; and power returns as the policy says.
pub(crate) fn resume(bmc: &Arc<Bmc>) {
    bmc.with(|inner| {
        let state = &mut inner.state;
        let wanted = state
            .boot
            .has_override()
            .then(|| handlers::boot_wish(state.boot.flags(), &state.capabilities));
        let wanted = wanted.and_then(Result::ok).flatten();
        let mut restored = None;
        if state.capabilities.restores_power {
            restored = state.chassis.power_returned();
            if let Some(power) = bmc.backend().known_power_state().filter(|power| power.is_on()) {
                state.chassis.power_told(power);
            }
        }
        if wanted.is_some() || restored.is_some() {
            inner.start(Unfinished::new(bmc, take_up(Arc::clone(bmc), wanted, restored)));
        }
    });
}

/// The override comes first: the machine is to boot with it.
async fn take_up(bmc: Arc<Bmc>, wanted: Option<BootOverride>, restored: Option<RestartCause>) {
    if let Some(wanted) = wanted {
        give_override_again(Arc::clone(&bmc), wanted).await;
    }
    if let Some(cause) = restored {
        tracing::info!(bmc = bmc.name(), %cause, "powering the machine on");
        persist(&bmc, ControlAction::POWER_UP, cause).await;
    }
}

async fn give_override_again(bmc: Arc<Bmc>, wanted: BootOverride) {
    let Some(boot) = bmc.backend().boot() else {
        return;
    };
    match boot.resume_override(wanted).await {
        Ok(true) => {}
        Ok(false) => bmc.with(|inner| {
            // Unless a client has chosen anew in the meantime.
            if !inner.state.boot.is_changing() && inner.state.boot.is_one_time() {
                inner.state.boot.invalidate();
            }
        }),
        Err(error) => log_failure(bmc.name(), &error),
    }
}

/// A diagnostic interrupt: of the watchdog before it ends, or of an event filter.
pub(crate) async fn interrupt(bmc: Arc<Bmc>) {
    let action = PowerAction::DiagnosticInterrupt;
    bmc.with(|inner| {
        let now = inner.now;
        inner.state.history.asked(now, action);
    });
    match bmc.backend().power(action).await {
        Ok(()) => bmc.with(|inner| {
            let now = inner.now;
            inner.state.interrupted(now);
        }),
        Err(error) => log_failure(bmc.name(), &error),
    }
}

/// The action of the watchdog.
pub(crate) async fn watchdog_action(bmc: Arc<Bmc>, action: TimeoutAction) {
    let action = match action {
        TimeoutAction::HARD_RESET => ControlAction::HARD_RESET,
        TimeoutAction::POWER_DOWN => ControlAction::POWER_DOWN,
        TimeoutAction::POWER_CYCLE => ControlAction::POWER_CYCLE,
        _ => return,
    };
    drop_one_time_override(&bmc, |kept| kept.on_watchdog).await;
    persist(&bmc, action, RestartCause::WATCHDOG).await;
}

/// The power action of an event filter.
pub(crate) async fn filter_action(bmc: Arc<Bmc>, action: ControlAction) {
    let acting = FilterAction(bmc);
    let bmc = &acting.0;
    let cause = match action {
        ControlAction::DIAGNOSTIC_INTERRUPT => return interrupt(Arc::clone(bmc)).await,
        ControlAction::POWER_CYCLE => RestartCause::PEF_CYCLE,
        _ => RestartCause::PEF_RESET,
    };
    if action != ControlAction::POWER_DOWN {
        drop_one_time_override(bmc, |kept| kept.on_pef).await;
    }
    persist(bmc, action, cause).await;
}

/// A power action of an event filter that is under way. Whatever becomes of it, another one may follow.
struct FilterAction(Arc<Bmc>);

impl Drop for FilterAction {
    fn drop(&mut self) {
        self.0.with(|inner| {
            inner.state.filtering.acted();
            inner.wake_driver();
        });
    }
}

/// Does an action. Tries again for a while if the machine cannot be reached or is busy.
async fn persist(bmc: &Arc<Bmc>, action: ControlAction, cause: RestartCause) {
    let order = Order {
        action,
        cause,
        channel: ChannelNumber::IPMB,
    };
    let (mut waited, mut pause) = (Duration::ZERO, FIRST_PAUSE);
    loop {
        match attempt(bmc, order).await {
            Ok(()) => return,
            // The machine is off already, or cannot do it: trying again changes nothing.
            Err(CompletionCode::NOT_IN_PRESENT_STATE | CompletionCode::INVALID_FIELD) => return,
            Err(_) if waited < RETRY_LIMIT => {}
            Err(code) => {
                tracing::error!(bmc = bmc.name(), %action, %cause, %code, "the BMC could not act on the machine");
                bmc.with(|inner| {
                    let now = inner.now;
                    inner.state.power_action_failed(now);
                });
                return;
            }
        }
        Sleep::new(Arc::clone(bmc), pause).await;
        waited += pause;
        pause *= 2;
    }
}

async fn attempt(bmc: &Arc<Bmc>, order: Order) -> Result<(), CompletionCode> {
    let known = bmc.backend().known_power_state();
    match bmc.with(|inner| inner.power.claim(order.action, known)) {
        Claim::Granted(id) => {
            if let Some(then) = carry_out(Arc::clone(bmc), Holder::new(Arc::clone(bmc), id), order).await? {
                then.await;
            }
            Ok(())
        }
        Claim::Accepted | Claim::Joined(_) => Ok(()),
        Claim::Busy => Err(CompletionCode::BUSY),
    }
}

/// A reset by the BMC clears the valid bit of the boot flags, unless parameter 3 keeps it.
async fn drop_one_time_override(bmc: &Arc<Bmc>, keeps: impl FnOnce(ValidBitKept) -> bool) {
    let drop_it = bmc.with(|inner| {
        let boot = &mut inner.state.boot;
        let drop_it = boot.is_one_time() && !keeps(boot.kept);
        if drop_it {
            boot.invalidate();
        }
        drop_it
    });
    if drop_it {
        take_override_back(Arc::clone(bmc)).await;
    }
}
