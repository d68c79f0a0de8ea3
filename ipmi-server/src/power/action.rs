//! Carrying out a power action: ask the machine, answer when it accepted, follow until it is done.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;

use ipmi_proto::command::chassis::control::ControlAction;
use ipmi_proto::command::chassis::status::RestartCause;
use ipmi_proto::ipmb::{ChannelNumber, CompletionCode};

use super::slot::{Holder, Outcome};
use super::table::{Decision, decide};
use super::{failed, log_failure, state_of};
use crate::backend::{BackendError, BackendErrorKind, PowerAction, PowerState};
use crate::bmc::{Bmc, Sleep, Work};

/// A machine that takes longer than this to stop or to start has failed to.
const STATE_LIMIT: Duration = Duration::from_secs(90);
/// The answer to a power cycle waits so long for the machine to be off; clients try again after a second.
const ANSWER_AFTER_OFF: Duration = Duration::from_millis(700);
/// How often the state is asked for at first, and at last. Machines that tell of their changes are quicker.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(1);
/// A power cycle is off for at least this long, so that those who poll see it.
const SHORTEST_CYCLE: Duration = Duration::from_secs(1);
/// How often a locked machine is asked again to start after a power cycle switched it off.
const BUSY_RETRIES: u32 = 10;

/// Somebody wants a power action.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// The action.
    pub(crate) action: ControlAction,
    /// What the restart will be ascribed to.
    pub(crate) cause: RestartCause,
    /// The channel of the command.
    pub(crate) channel: ChannelNumber,
}

/// What to answer to somebody who joined an action.
pub(crate) async fn joined(bmc: Arc<Bmc>, id: u64) -> CompletionCode {
    Outcome::of(bmc, id).await
}

/// Carries out an action. Ends when the machine accepted it; what remains to be done is in the answer.
pub(crate) async fn carry_out(
    bmc: Arc<Bmc>,
    holder: Holder,
    order: Order,
) -> Result<Option<Work>, CompletionCode> {
    let result = accept(&bmc, order).await;
    holder.answered(result.err().unwrap_or(CompletionCode::OK));
    let decision = result?;
    if matches!(decision, Decision::Cycle) {
        // Who asks for the state after the answer shall not see the one from before: that would look as if
        // the cycle were over.
        within(&bmc, &holder, false, ANSWER_AFTER_OFF).await;
    }
    let goal = match decision {
        Decision::Act(PowerAction::On) => Goal::On,
        Decision::Act(PowerAction::Off) => Goal::Off,
        Decision::Cycle => Goal::OffAndOn,
        _ => return Ok(None),
    };
    Ok(Some(Box::pin(follow(bmc, holder, order, goal))))
}

/// Where an accepted action leads.
#[derive(Clone, Copy, Debug)]
enum Goal {
    On,
    Off,
    OffAndOn,
}

async fn accept(bmc: &Arc<Bmc>, order: Order) -> Result<Decision, CompletionCode> {
    // Asked, not remembered: a state that is good enough to be shown may not tell a paused machine from a running one.
    let state = bmc
        .backend()
        .power_state()
        .await
        .map_err(|error| failed(bmc.name(), &error))?;
    let decision = decide(order.action, state, bmc.settings().cycle_when_off);
    let action = match decision {
        Decision::Nothing => return Ok(decision),
        Decision::Refuse(code) => return Err(code),
        Decision::Act(action) => action,
        Decision::Cycle => PowerAction::Off,
    };
    perform(bmc, action, state, order)
        .await
        .map_err(|error| failed(bmc.name(), &error))?;
    if matches!(decision, Decision::Cycle) {
        // The cause is that of the command, also before the machine is on again.
        bmc.with(|inner| {
            let now = inner.now;
            let chassis = &mut inner.state.chassis;
            (chassis.restart_cause, chassis.restart_channel) = (order.cause, order.channel);
            inner.state.power_cycle_begins(now);
        });
    }
    Ok(decision)
}

/// Asks the machine for one action and notes what came of it.
async fn perform(
    bmc: &Arc<Bmc>,
    action: PowerAction,
    state: PowerState,
    order: Order,
) -> Result<(), BackendError> {
    let powers_on = state == PowerState::Off;
    let boots = match action {
        PowerAction::On => powers_on,
        PowerAction::Reset => true,
        _ => false,
    };
    // Before the call: the machine may boot, or fail, before it returns.
    bmc.with(|inner| {
        let now = inner.now;
        inner.state.history.asked(now, action);
        let chassis = &mut inner.state.chassis;
        chassis.control_fault = false;
        if boots {
            chassis.expect_boot(now, order.cause, order.channel, powers_on);
        }
    });
    let result = bmc.backend().power(action).await;
    tracing::info!(
        bmc = bmc.name(),
        ?action,
        accepted = result.is_ok(),
        "power action"
    );
    bmc.with(|inner| {
        let now = inner.now;
        let state = &mut inner.state;
        match &result {
            Ok(()) => {
                state.chassis.boot_accepted();
                state.boot.restart_timer(now);
                if action == PowerAction::DiagnosticInterrupt {
                    state.interrupted(now);
                }
                if boots && !state.capabilities.has_events {
                    state.booted(now);
                }
                inner.wake_driver();
            }
            Err(error) => {
                state.history.refused();
                if is_fault(error.kind()) {
                    state.power_action_failed(now);
                }
                if boots {
                    state.chassis.expect_no_boot();
                }
            }
        }
    });
    result
}

/// Whether an error means that something is broken, not that the request came at the wrong time.
const fn is_fault(kind: BackendErrorKind) -> bool {
    !matches!(
        kind,
        BackendErrorKind::InvalidState | BackendErrorKind::Busy | BackendErrorKind::Unsupported
    )
}

/// Follows an accepted action to its end. Holds the slot as long.
async fn follow(bmc: Arc<Bmc>, holder: Holder, order: Order, goal: Goal) {
    let done = match goal {
        Goal::On => reached(&bmc, &holder, true).await,
        Goal::Off => reached(&bmc, &holder, false).await,
        Goal::OffAndOn => reached(&bmc, &holder, false).await && on_again(&bmc, &holder, order).await,
    };
    if !done {
        tracing::warn!(bmc = bmc.name(), action = %order.action, "an accepted power action did not come to its end");
        bmc.with(|inner| {
            let now = inner.now;
            inner.state.power_action_failed(now);
        });
    }
    drop(holder);
}

/// The second half of a power cycle.
async fn on_again(bmc: &Arc<Bmc>, holder: &Holder, order: Order) -> bool {
    let seconds = bmc.with(|inner| inner.state.chassis.cycle_interval);
    let interval = Duration::from_secs(u64::from(seconds)).max(SHORTEST_CYCLE);
    Sleep::new(Arc::clone(bmc), interval).await;
    for _ in 0..BUSY_RETRIES {
        match perform(bmc, PowerAction::On, PowerState::Off, order).await {
            Ok(()) => return reached(bmc, holder, true).await,
            Err(error) if error.kind() == BackendErrorKind::Busy => {
                Sleep::new(Arc::clone(bmc), LAST_PAUSE).await;
            }
            Err(error) => {
                log_failure(bmc.name(), &error);
                return false;
            }
        }
    }
    false
}

/// Waits until the machine is on, or off; `false` if it does not get there.
async fn reached(bmc: &Arc<Bmc>, holder: &Holder, on: bool) -> bool {
    within(bmc, holder, on, STATE_LIMIT).await
}

/// As [`reached`], for at most this long.
async fn within(bmc: &Arc<Bmc>, holder: &Holder, on: bool, limit: Duration) -> bool {
    let (mut waited, mut pause) = (Duration::ZERO, FIRST_PAUSE);
    loop {
        // A state that cannot be known now may be known later.
        if state_of(bmc.backend())
            .await
            .is_ok_and(|state| state.is_on() == on)
        {
            return true;
        }
        if waited >= limit || holder.has_failed() {
            return false;
        }
        Sleep::or_power_change(Arc::clone(bmc), pause).await;
        waited += pause;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}
