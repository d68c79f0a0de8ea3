//! One timer of the runtime for everything that a task waits for.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use ipmi_proto::time::Instant;
use tokio::time::Sleep;

use super::Clock;

/// A timer that is only moved when something is due earlier than it.
///
/// Deadlines of a BMC move later with almost every datagram. Nothing is done then: the timer fires at the old
/// deadline, its task looks again and sets the new one.
#[derive(Debug)]
pub(crate) struct Alarm<'s> {
    clock: Clock,
    sleep: Pin<&'s mut Sleep>,
    armed: Option<Instant>,
}

impl<'s> Alarm<'s> {
    /// An alarm that is not set. `sleep` may be any.
    pub(crate) fn new(clock: Clock, sleep: Pin<&'s mut Sleep>) -> Self {
        Self {
            clock,
            sleep,
            armed: None,
        }
    }

    /// Wakes the task at `deadline`, or before.
    pub(crate) fn at_latest(&mut self, deadline: Instant, context: &mut Context<'_>) {
        if self.armed.is_some_and(|armed| armed <= deadline) {
            return;
        }
        self.armed = Some(deadline);
        self.sleep.as_mut().reset(self.clock.deadline(deadline));
        if let Poll::Ready(()) = self.sleep.as_mut().poll(context) {
            // Has passed already: the task runs again and finds it due.
            context.waker().wake_by_ref();
        }
    }

    /// Whether the time has come. The alarm is no longer set then.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let due = self
            .armed
            .is_some_and(|armed| armed <= now || self.sleep.is_elapsed());
        if due {
            self.armed = None;
        }
        due
    }
}
