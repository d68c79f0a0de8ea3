//! Checks that a backend keeps the contract of [`backend`](crate::backend).
//!
//! Every backend runs it in its own tests, against a machine that it may switch on and off:
//!
//! ```
//! # async fn run() {
//! use ipmi_server::backend::memory::MemoryMachine;
//! use ipmi_server::conformance::{Patience, check};
//!
//! let machine = MemoryMachine::builder("node1").build();
//! check(&*machine, &Patience::of_tokio()).await;
//! # }
//! ```
//!
//! What a caller of the backend cannot see needs a witness: [`check_boots`] is told which devices the machine
//! booted from, and [`check_echo`] is for a machine that says again what it is sent.
//!
//! The suite panics at the first sentence of the contract that does not hold, with that sentence.

mod boot;
mod console;
mod events;
mod power;
mod sensors;

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

pub use self::boot::check_boots;
pub use self::console::check_echo;
use crate::backend::{BackendEvent, BmcBackend, EventListener, PowerAction, PowerActions, PowerState};

/// How often something that takes its time is looked at, with the pause in between.
const LOOKS: u32 = 1_200;
const PAUSE: Duration = Duration::from_millis(50);

type Pause = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How the suite waits: it has no clock of its own.
pub struct Patience {
    sleep: Box<dyn Fn(Duration) -> Pause + Send + Sync>,
}

impl Patience {
    /// Waits with this function.
    pub fn new<F: Future<Output = ()> + Send + 'static>(
        sleep: impl Fn(Duration) -> F + Send + Sync + 'static,
    ) -> Self {
        Self {
            sleep: Box::new(move |duration| Box::pin(sleep(duration))),
        }
    }

    /// Waits on tokio's clock.
    #[cfg(feature = "memory")]
    #[must_use]
    pub fn of_tokio() -> Self {
        Self::new(tokio::time::sleep)
    }

    async fn pause(&self) {
        (self.sleep)(PAUSE).await;
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patience").finish_non_exhaustive()
    }
}

/// Checks everything that a caller of the backend can see. The machine is off afterwards.
///
/// # Panics
/// If the backend breaks its contract.
pub async fn check(backend: &dyn BmcBackend, patience: &Patience) {
    let log = Arc::new(Log::default());
    let listener: Arc<dyn EventListener> = Arc::clone(&log) as _;
    if let Some(events) = backend.events() {
        events.subscribe(&listener);
    }
    check_declarations(backend);
    power::check(backend, patience, &log).await;
    events::check(backend, patience, &log).await;
    boot::check(backend, patience, &log).await;
    console::check(backend, patience).await;
    sensors::check(backend, patience).await;
    check_cancellation(backend, patience).await;
    settle(backend, patience, PowerAction::Off, PowerState::Off).await;
}

/// What the machine told.
#[derive(Debug, Default)]
struct Log(Mutex<Vec<BackendEvent>>);

impl EventListener for Log {
    fn event(&self, event: BackendEvent) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

impl Log {
    fn take(&self) -> Vec<BackendEvent> {
        core::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn check_declarations(backend: &dyn BmcBackend) {
    let actions = backend.power_actions();
    assert!(
        actions.contains(PowerActions::ON | PowerActions::OFF),
        "on and off are always among the power actions"
    );
    assert_eq!(
        actions,
        backend.power_actions(),
        "what a machine can do does not change"
    );
    if let Some(inventory) = backend.inventory() {
        let identity = inventory.identity();
        assert_ne!(
            identity.uuid, [0; 16],
            "a machine that knows who it is has a UUID"
        );
        assert_eq!(identity, inventory.identity(), "the identity is stable");
    }
}

/// Does something and waits until it has happened.
async fn settle(backend: &dyn BmcBackend, patience: &Patience, action: PowerAction, state: PowerState) {
    let accepted = backend.power(action).await;
    assert!(accepted.is_ok(), "{action:?}: {accepted:?}");
    for _ in 0..LOOKS {
        if backend.power_state().await.is_ok_and(|present| present == state) {
            if let Some(known) = backend.known_power_state() {
                assert_eq!(
                    known, state,
                    "the known state and the state that is asked for agree"
                );
            }
            return;
        }
        patience.pause().await;
    }
    panic!("an accepted {action:?} did not lead to {state:?}");
}

/// Waits until the machine has told of something.
async fn told(patience: &Patience, log: &Log, what: &BackendEvent) {
    let mut all = Vec::new();
    for _ in 0..LOOKS {
        all.extend(log.take());
        if all.contains(what) {
            return;
        }
        patience.pause().await;
    }
    panic!("a machine that tells of its changes did not tell of {what:?}, only of {all:?}");
}

/// A future that is dropped leaves the backend usable.
async fn check_cancellation(backend: &dyn BmcBackend, patience: &Patience) {
    for action in [PowerAction::Off, PowerAction::On] {
        let mut call = backend.power(action);
        let waker = core::task::Waker::noop();
        let _ = call.as_mut().poll(&mut core::task::Context::from_waker(waker));
        drop(call);
        let mut ask = backend.power_state();
        let _ = ask.as_mut().poll(&mut core::task::Context::from_waker(waker));
        drop(ask);
    }
    settle(backend, patience, PowerAction::On, PowerState::On).await;
    let (one, two) = {
        let mut one = backend.power_state();
        let two = backend.power_state().await;
        (
            core::future::poll_fn(|context| one.as_mut().poll(context)).await,
            two,
        )
    };
    assert_eq!(one.ok(), two.ok(), "calls may overlap");
}
