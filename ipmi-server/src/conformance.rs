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
//! The suite panics at the first sentence of the contract that does not hold, with that sentence.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use crate::backend::{
    BackendErrorKind, BackendEvent, BmcBackend, BootDevice, BootDevices, BootMode, BootOverride,
    BootPersistence, ConsoleEvent, EventListener, PowerAction, PowerActions, PowerState,
};

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

/// Checks everything. The machine is off afterwards.
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
    check_power(backend, patience, &log).await;
    check_boot(backend, patience, &log).await;
    check_console(backend, patience).await;
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
    if let Some(sensors) = backend.sensors() {
        let list = sensors.sensors();
        assert_eq!(list, sensors.sensors(), "the list of sensors does not change");
        for (position, sensor) in list.iter().enumerate() {
            let name = &sensor.name;
            assert!(
                name.is_ascii() && (1..=16).contains(&name.len()),
                "{name:?} is no name of a sensor"
            );
            assert!(sensor.range.0 < sensor.range.1, "the range of {name} is empty");
            let again = list.iter().skip(position + 1).any(|other| other.id == sensor.id);
            assert!(!again, "two sensors have the number {}", sensor.id);
        }
        assert!(
            sensors.read(u16::MAX).is_none(),
            "a sensor that does not exist has no value"
        );
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

async fn check_power(backend: &dyn BmcBackend, patience: &Patience, log: &Log) {
    let has_events = backend.events().is_some();
    settle(backend, patience, PowerAction::Off, PowerState::Off).await;
    log.take();
    let again = backend.power(PowerAction::Off).await;
    assert!(again.is_ok(), "off is idempotent: {again:?}");
    for forbidden in [
        PowerAction::Reset,
        PowerAction::SoftOff,
        PowerAction::DiagnosticInterrupt,
    ] {
        let expected = if backend.power_actions().contains(forbidden.into()) {
            BackendErrorKind::InvalidState
        } else {
            BackendErrorKind::Unsupported
        };
        let error = backend.power(forbidden).await.err().map(|error| error.kind());
        assert_eq!(error, Some(expected), "{forbidden:?} of a machine that is off");
    }
    assert_eq!(log.take(), [], "what does nothing is not told");
    settle(backend, patience, PowerAction::On, PowerState::On).await;
    if has_events {
        told(patience, log, &BackendEvent::Booted).await;
    }
    log.take();
    let again = backend.power(PowerAction::On).await;
    assert!(again.is_ok(), "on is idempotent: {again:?}");
    assert!(
        !log.take().contains(&BackendEvent::Booted),
        "on while on does not boot"
    );
    if backend.power_actions().contains(PowerActions::RESET) {
        settle(backend, patience, PowerAction::Reset, PowerState::On).await;
        if has_events {
            told(patience, log, &BackendEvent::Booted).await;
        }
    }
    if backend
        .power_actions()
        .contains(PowerActions::DIAGNOSTIC_INTERRUPT)
    {
        settle(
            backend,
            patience,
            PowerAction::DiagnosticInterrupt,
            PowerState::On,
        )
        .await;
    }
    settle(backend, patience, PowerAction::Off, PowerState::Off).await;
    if has_events {
        told(patience, log, &BackendEvent::Power(PowerState::Off)).await;
    }
}

async fn check_boot(backend: &dyn BmcBackend, patience: &Patience, log: &Log) {
    let Some(boot) = backend.boot() else {
        return;
    };
    let devices = [
        BootDevice::Pxe,
        BootDevice::Disk,
        BootDevice::Cdrom,
        BootDevice::Removable,
        BootDevice::FirmwareSetup,
    ];
    for device in devices {
        let mode = boot.mode().unwrap_or(BootMode::Legacy);
        let persistence = BootPersistence::NextBoot;
        let wish = BootOverride {
            device,
            mode,
            persistence,
        };
        let result = boot.set_override(Some(wish)).await.map_err(|error| error.kind());
        let expected = if boot.devices().contains(BootDevices::from(device)) {
            Ok(())
        } else {
            Err(BackendErrorKind::Unsupported)
        };
        assert_eq!(result, expected, "booting from {device:?}");
    }
    for _ in 0..2 {
        let result = boot.set_override(None).await;
        assert!(
            result.is_ok(),
            "taking an override away is idempotent: {result:?}"
        );
    }
    log.take();
    settle(backend, patience, PowerAction::On, PowerState::On).await;
    if backend.events().is_some() {
        told(patience, log, &BackendEvent::Booted).await;
    }
}

async fn check_console(backend: &dyn BmcBackend, patience: &Patience) {
    let Some(console) = backend.console() else {
        return;
    };
    settle(backend, patience, PowerAction::On, PowerState::On).await;
    let stream = console.open().await;
    assert!(
        stream.is_ok(),
        "the console of a machine that is on opens: {stream:?}"
    );
    let second = console.open().await.err().map(|error| error.kind());
    if let Some(kind) = second {
        assert_eq!(
            kind,
            BackendErrorKind::Busy,
            "opening a console that somebody has"
        );
    }
    let Ok(mut stream) = stream else { return };
    let sent = stream.send(b"\r").await;
    assert!(sent.is_ok(), "an open console takes bytes: {sent:?}");
    settle(backend, patience, PowerAction::Off, PowerState::Off).await;
    loop {
        match stream.next().await {
            Ok(ConsoleEvent::Output(_)) => {}
            Ok(_) => break,
            Err(error) => panic!("a console ends with the power, without an error: {error}"),
        }
    }
    drop(stream);
    settle(backend, patience, PowerAction::On, PowerState::On).await;
    let again = console.open().await;
    assert!(
        again.is_ok(),
        "a console that ended can be opened again: {again:?}"
    );
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::memory::{MemoryMachine, PowerDelays};

    #[tokio::test(start_paused = true)]
    async fn memory_machine_keeps_the_contract() {
        for delays in [PowerDelays::NONE, PowerDelays::REALISTIC] {
            let machine = MemoryMachine::builder("node1").delays(delays).build();
            check(&*machine, &Patience::of_tokio()).await;
        }
        let bare = MemoryMachine::builder("bare")
            .power_actions(PowerActions::empty())
            .boot_devices(BootDevices::empty())
            .without_console()
            .without_sensors()
            .without_events()
            .build();
        check(&*bare, &Patience::of_tokio()).await;
    }
}
