//! Telling the machine to be slow or to fail.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::backend::{BackendError, BackendErrorKind, PowerAction};

/// An operation that can be told to be slow or to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Asking for the power state.
    PowerState,
    /// A power action.
    Power(PowerAction),
    /// Choosing the boot device.
    Boot,
    /// Opening the console.
    Console,
}

impl Operation {
    const fn describe(self) -> &'static str {
        match self {
            Self::PowerState => "ask for the power state of the simulated machine",
            Self::Power(action) => super::operation(action),
            Self::Boot => "choose the boot device of the simulated machine",
            Self::Console => "open the console of the simulated machine",
        }
    }
}

/// What the machine has been told.
#[derive(Debug, Default)]
pub(super) struct Script {
    orders: Mutex<Orders>,
}

#[derive(Debug, Default)]
struct Orders {
    unreachable: bool,
    hides_power_state: bool,
    ignores_soft_off: bool,
    /// Accepted actions that fail later, and why.
    broken: Option<String>,
    latency: HashMap<Operation, Duration>,
    /// How often to fail yet, and how.
    faults: HashMap<Operation, (u32, BackendErrorKind)>,
}

impl Script {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an operation take its time, then fail if it has been told to.
    pub(super) async fn step(&self, operation: Operation) -> Result<(), BackendError> {
        let latency = self.orders().latency.get(&operation).copied();
        if let Some(latency) = latency {
            tokio::time::sleep(latency).await;
        }
        let mut orders = self.orders();
        if orders.unreachable {
            return Err(BackendError::new(
                BackendErrorKind::Unavailable,
                operation.describe(),
            ));
        }
        if let Some((left, kind)) = orders.faults.get_mut(&operation)
            && *left > 0
        {
            *left -= 1;
            return Err(BackendError::new(*kind, operation.describe()));
        }
        Ok(())
    }

    /// Whether the power state is known without asking.
    pub(super) fn tells_power_state(&self) -> bool {
        let orders = self.orders();
        !orders.unreachable && !orders.hides_power_state
    }

    pub(super) fn ignores_soft_off(&self) -> bool {
        self.orders().ignores_soft_off
    }

    /// Why the next accepted action fails later, if it does.
    pub(super) fn take_broken(&self) -> Option<String> {
        self.orders().broken.take()
    }

    pub(super) fn set_unreachable(&self, unreachable: bool) {
        self.orders().unreachable = unreachable;
    }

    pub(super) fn set_hides_power_state(&self, hides: bool) {
        self.orders().hides_power_state = hides;
    }

    pub(super) fn set_ignores_soft_off(&self, ignores: bool) {
        self.orders().ignores_soft_off = ignores;
    }

    pub(super) fn set_broken(&self, reason: String) {
        self.orders().broken = Some(reason);
    }

    pub(super) fn set_latency(&self, operation: Operation, latency: Duration) {
        self.orders().latency.insert(operation, latency);
    }

    pub(super) fn set_fault(&self, operation: Operation, times: u32, kind: BackendErrorKind) {
        self.orders().faults.insert(operation, (times, kind));
    }
}
