//! One power action at a time.
//!
//! The slot is held from the command until the machine is in the state that was asked for, not only until
//! the hypervisor accepted it: a "power on" that met a machine still on its way down would otherwise change
//! nothing and be lost.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use ipmi_proto::command::chassis::control::ControlAction;
use ipmi_proto::ipmb::CompletionCode;

use crate::backend::PowerState;
use crate::bmc::Bmc;

/// The action under way, if any.
#[derive(Debug, Default)]
pub(crate) struct PowerSlot {
    running: Option<Running>,
    last: Option<(u64, CompletionCode)>,
    next_id: u64,
    waiting: Vec<Waker>,
}

#[derive(Debug)]
struct Running {
    id: u64,
    action: ControlAction,
    is_accepted: bool,
    has_failed: bool,
}

/// What becomes of a request for an action.
#[derive(Debug)]
pub(crate) enum Claim {
    /// It is under way under this number, until the [`Holder`] that has to be made of it is dropped.
    Granted(u64),
    /// The same action is under way and was accepted.
    Accepted,
    /// The same action is under way under this number: its outcome is the answer.
    Joined(u64),
    /// Another action is under way.
    Busy,
}

impl PowerSlot {
    /// Asks for the slot. `known`: the power state, if it is known now.
    pub(crate) fn claim(&mut self, action: ControlAction, known: Option<PowerState>) -> Claim {
        if self
            .running
            .as_ref()
            .is_some_and(|running| running.is_done(known))
        {
            self.running = None;
        }
        match &self.running {
            Some(running) if running.action != action => Claim::Busy,
            Some(running) if running.is_accepted => Claim::Accepted,
            Some(running) => Claim::Joined(running.id),
            None => {
                let id = self.next_id;
                self.next_id += 1;
                self.running = Some(Running {
                    id,
                    action,
                    is_accepted: false,
                    has_failed: false,
                });
                Claim::Granted(id)
            }
        }
    }

    /// The machine told that what it had accepted failed.
    pub(crate) const fn failed(&mut self) {
        if let Some(running) = &mut self.running {
            running.has_failed = true;
        }
    }

    /// Whether nothing is under way.
    #[cfg(test)]
    pub(crate) const fn is_free(&self) -> bool {
        self.running.is_none()
    }

    fn running(&mut self, id: u64) -> Option<&mut Running> {
        self.running.as_mut().filter(|running| running.id == id)
    }

    fn answer(&mut self, id: u64, completion: CompletionCode) {
        if self.last.is_none_or(|(last, _)| last != id) {
            self.last = Some((id, completion));
        }
        for waker in core::mem::take(&mut self.waiting) {
            waker.wake();
        }
    }
}

impl Running {
    /// Whether the machine is where the action leads, although nobody has released the slot yet.
    fn is_done(&self, known: Option<PowerState>) -> bool {
        let goal = match self.action {
            ControlAction::POWER_DOWN => false,
            ControlAction::POWER_UP => true,
            _ => return false,
        };
        self.is_accepted && known.is_some_and(|state| state.is_on() == goal)
    }
}

/// Holds the slot; releases it when dropped, whatever happened.
#[derive(Debug)]
pub(crate) struct Holder {
    bmc: Arc<Bmc>,
    id: u64,
}

impl Holder {
    /// Takes over a granted claim.
    pub(crate) const fn new(bmc: Arc<Bmc>, id: u64) -> Self {
        Self { bmc, id }
    }

    /// Whether the machine told that the action failed after it had been accepted.
    pub(crate) fn has_failed(&self) -> bool {
        self.bmc.with(|inner| {
            let running = inner.power.running(self.id);
            running.is_some_and(|running| running.has_failed)
        })
    }

    /// The machine accepted the action, or did not: those who joined get this answer.
    pub(crate) fn answered(&self, completion: CompletionCode) {
        self.bmc.with(|inner| {
            if let Some(running) = inner.power.running(self.id) {
                running.is_accepted = completion.is_ok();
            }
            inner.power.answer(self.id, completion);
        });
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.bmc.with(|inner| {
            if inner.power.running(self.id).is_some() {
                inner.power.running = None;
            }
            inner.power.answer(self.id, CompletionCode::UNSPECIFIED);
        });
    }
}

/// The outcome of an action that somebody else started.
#[derive(Debug)]
#[must_use]
pub(crate) struct Outcome {
    bmc: Arc<Bmc>,
    id: u64,
}

impl Outcome {
    /// The outcome of the action with this number.
    pub(crate) const fn of(bmc: Arc<Bmc>, id: u64) -> Self {
        Self { bmc, id }
    }
}

impl Future for Outcome {
    type Output = CompletionCode;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<CompletionCode> {
        self.bmc.with(|inner| {
            let power = &mut inner.power;
            if let Some((id, completion)) = power.last
                && id == self.id
            {
                return Poll::Ready(completion);
            }
            if power.running(self.id).is_none() {
                return Poll::Ready(CompletionCode::UNSPECIFIED);
            }
            power.waiting.push(context.waker().clone());
            Poll::Pending
        })
    }
}
